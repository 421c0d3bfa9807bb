/** The expressions of an AuthenticationConfiguration: k8s.io/apiserver/pkg/authentication/cel. */
import { celEnvironment, type CelEnvironment, type CompiledExpression } from "../../cel/environment.ts";
import { evaluate } from "../../cel/evaluate.ts";
import { DYN, listOf, mapOf, objectOf, STRING, type CelType } from "../../cel/types.ts";
import { Fault, fromJson, isSequence, itemsIn, type Value } from "../../cel/values.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";

/** Of all expressions of one issuer, see CelEnvironment.withBudget. */
const EXPRESSIONS_SIZE_MAX = 32 * 1024;
/** Of all that is evaluated for one token: a tenth of what Kubernetes allows each (PerCallLimit of k8s.io/apiserver/pkg/apis/cel). */
const COST_MAX = 100_000;

const STRINGS = listOf(STRING);
const CLAIMS = mapOf(STRING, DYN);
const USER_FIELDS: Readonly<Record<string, CelType>> = {
  username: STRING,
  uid: STRING,
  groups: STRINGS,
  extra: mapOf(STRING, STRINGS),
};
const USER = objectOf("kubernetes.UserInfo", (name) =>
  Object.hasOwn(USER_FIELDS, name) ? USER_FIELDS[name] : undefined,
);

/** A token that its issuer has signed, and that the configuration does not take. The message is for the operator. */
export class ClaimsRefused extends Error {}

export interface Expressions {
  /** Undefined where it does not compile; the fault is added to `errors`. */
  ofClaims(source: string, at: { field: string; wanted: "any" | "bool" }): CompiledExpression | undefined;
  ofUser(source: string, at: { field: string }): CompiledExpression | undefined;
  errors: FieldError[];
}

export function createExpressions(): Expressions {
  // One after the other, so that they share the budget.
  const bounded = celEnvironment().withBudget(EXPRESSIONS_SIZE_MAX);
  const ofClaims = bounded.with({ claims: CLAIMS });
  const ofUser = bounded.with({ user: USER });
  const errors: FieldError[] = [];
  const compile = (environment: CelEnvironment, source: string, field: string, wanted: "any" | "bool") => {
    const result = environment.compile(source);
    if ("fault" in result) {
      errors.push(fieldError.invalid(field, source, `compilation failed: ${result.fault}`));
      return undefined;
    }
    if (wanted === "bool" && result.compiled.type.kind !== "bool") {
      errors.push(fieldError.invalid(field, source, "must evaluate to bool"));
      return undefined;
    }
    return result.compiled;
  };
  return {
    ofClaims: (source, { field, wanted }) => compile(ofClaims, source, field, wanted),
    ofUser: (source, { field }) => compile(ofUser, source, field, "bool"),
    errors,
  };
}

/** Does it look at `claims.NAME`? */
export function readsClaim({ nodes }: CompiledExpression, name: string): boolean {
  return nodes.some((node) => {
    if (node.kind === "select") {
      return node.operand.kind === "ident" && node.operand.name === "claims" && node.field === name;
    }
    if (node.kind !== "call" || node.name !== "_?._") return false;
    const [operand, field] = node.args;
    if (operand?.kind !== "ident" || operand.name !== "claims") return false;
    return field?.kind === "literal" && field.literal.type === "string" && field.literal.value === name;
  });
}

/** The expressions about one token. All of them together may cost so much: whoever wrote them pays for none of it. */
export interface Evaluation {
  /** @throws ClaimsRefused */
  ofClaims(compiled: CompiledExpression): Value;
  /** @throws ClaimsRefused */
  ofUser(compiled: CompiledExpression, user: object): Value;
}

export function createEvaluation(claims: Readonly<Record<string, unknown>>): Evaluation {
  let left = COST_MAX;
  const given = (compiled: CompiledExpression, variables: Readonly<Record<string, Value>>): Value => {
    const { value, cost } = evaluate(compiled, variables, { costMax: left });
    left -= cost;
    if (value instanceof Fault) throw new ClaimsRefused(`${compiled.source}: ${value.message}`);
    return value;
  };
  return {
    ofClaims: (compiled) => given(compiled, { claims: fromJson(claims, CLAIMS) }),
    ofUser: (compiled, user) => given(compiled, { user: fromJson(user, USER) }),
  };
}

/** A text, or a list of texts; nothing, "" and what is empty in a list count as not there. @throws ClaimsRefused */
export function textsOf(value: Value): string[] {
  if (value === null || value === "") return [];
  if (typeof value === "string") return [value];
  if (!isSequence(value)) throw new ClaimsRefused("expression must return a string or a list of strings");
  return itemsIn(value).flatMap((item) => {
    if (typeof item !== "string") throw new ClaimsRefused("expression must return a string or a list of strings");
    return item === "" ? [] : [item];
  });
}
