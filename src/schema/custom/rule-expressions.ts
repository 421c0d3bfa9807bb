/**
 * The expressions of `x-kubernetes-validations`: do they compile, and may they cost what they cost at most? Compile of
 * k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel, and the part of its validation.go about cost.
 */
import { estimateCost } from "../../cel/cost.ts";
import type { CelEnvironment, CompiledExpression } from "../../cel/environment.ts";
import { product } from "../../cel/estimate.ts";
import { optionalOf } from "../../cel/types.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import type { ValidationRule } from "./json-schema.ts";
import type { RuledSchema } from "./openapi-rules.ts";
import { cardinality, RuleTypes, sizesIn, type RuleType } from "./rule-types.ts";

/** More are not told anyway. */
const ERRORS_MAX = 1_000;
const RULE_COST_MAX = 10_000_000;
const SCHEMA_COST_MAX = 100_000_000;
const EXPENSIVE_SHOWN_MAX = 4;

/** Of all expressions of a definition. Kubernetes has no such limit but that of the body; compiling so much takes 20 ms. */
export const EXPRESSIONS_SIZE_MAX = 128 * 1024;

/**
 * `isStored`: the schema is stored as it is, so a rule that costs too much may stay. `path` is the root's. `environment` has no
 * variables, and a budget for all schemas of the definition.
 */
export function expressionErrors(
  ruled: readonly RuledSchema[],
  { path, isStored, environment }: { path: string; isStored: boolean; environment: CelEnvironment },
): FieldError[] {
  const types = new RuleTypes();
  const costs = new TotalCost();
  const errors: FieldError[] = [];
  for (const one of ruled) {
    if (errors.length >= ERRORS_MAX) break;
    const type = types.of(
      one.schema,
      one.place.parent === undefined || one.schema["x-kubernetes-embedded-resource"] === true,
    );
    if (!type) {
      const why =
        "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations";
      errors.push({
        reason: "InternalError",
        field: `${one.path}.x-kubernetes-validations`,
        message: `Internal error: ${why}`,
      });
      continue;
    }
    const check = new SchemaRules(one, type, { isStored, costs, environment });
    for (const [index, rule] of (one.schema["x-kubernetes-validations"] ?? []).entries()) {
      if (errors.length >= ERRORS_MAX) break;
      errors.push(...check.errors(rule, index));
    }
  }
  return [...errors, ...costs.errors(path)];
}

interface RuleChecks {
  isStored: boolean;
  costs: TotalCost;
  environment: CelEnvironment;
}

class SchemaRules {
  private readonly environment: CelEnvironment;
  private readonly ruled: RuledSchema;
  private readonly type: RuleType;
  private readonly isStored: boolean;
  private readonly costs: TotalCost;
  private readonly times: number;
  private readonly withOptional: () => CelEnvironment;

  constructor(ruled: RuledSchema, type: RuleType, { isStored, costs, environment }: RuleChecks) {
    this.ruled = ruled;
    this.type = type;
    this.isStored = isStored;
    this.costs = costs;
    this.times = cardinality(ruled.place, type);
    const self = type.celType("selfType");
    this.environment = environment.with({ self, oldSelf: self });
    this.withOptional = () => environment.with({ self, oldSelf: optionalOf(self) });
  }

  errors(rule: ValidationRule, index: number): FieldError[] {
    const at = `${this.ruled.path}.x-kubernetes-validations[${index}]`;
    const environment = rule.optionalOldSelf === true ? this.withOptional() : this.environment;
    const result = environment.compile(rule.rule);
    const fault =
      "fault" in result
        ? `compilation failed: ${result.fault}`
        : result.compiled.type.kind === "bool"
          ? undefined
          : "cel expression must evaluate to a bool";
    if (fault !== undefined || "fault" in result) {
      this.costs.observe(`${at}.rule`, 0);
      return [...this.invalid(`${at}.rule`, rule, fault ?? ""), ...oldSelfErrors(rule, at)];
    }
    const { compiled } = result;
    const cost = product(this.costOf(compiled), this.times);
    return [
      ...this.costErrors(`${at}.rule`, "estimated rule cost", cost),
      ...this.messageErrors(rule, at, environment),
      ...(usesOldSelf(compiled) ? this.correlationErrors(rule, at) : oldSelfErrors(rule, at)),
    ];
  }

  private costOf(compiled: CompiledExpression): number {
    return estimateCost(compiled, sizesIn(this.type)).max;
  }

  private invalid(field: string, rule: ValidationRule, why: string): FieldError[] {
    return [fieldError.invalid(field, internalRule(rule), why)];
  }

  private costErrors(field: string, what: string, cost: number): FieldError[] {
    this.costs.observe(field, cost);
    if (this.isStored || cost <= RULE_COST_MAX) return [];
    return [fieldError.forbidden(field, overBudget(what, cost, RULE_COST_MAX))];
  }

  private messageErrors(rule: ValidationRule, at: string, environment: CelEnvironment): FieldError[] {
    const { messageExpression = "" } = rule;
    if (messageExpression === "") return [];
    const field = `${at}.messageExpression`;
    const result = environment.compile(messageExpression);
    if ("fault" in result) return this.invalid(field, rule, `messageExpression compilation failed: ${result.fault}`);
    if (result.compiled.type.kind !== "string")
      return this.invalid(field, rule, "messageExpression must evaluate to a string");
    return this.costErrors(field, "estimated messageExpression cost", this.costOf(result.compiled));
  }

  private correlationErrors({ rule }: ValidationRule, at: string): FieldError[] {
    const { uncorrelatable } = this.ruled;
    if (uncorrelatable === undefined) return [];
    const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`;
    return [fieldError.invalid(`${at}.rule`, rule, why)];
  }
}

function oldSelfErrors({ optionalOldSelf }: ValidationRule, at: string): FieldError[] {
  if (optionalOldSelf === undefined) return [];
  return [
    fieldError.invalid(`${at}.optionalOldSelf`, optionalOldSelf, "may not be set if oldSelf is not used in rule"),
  ];
}

export function usesOldSelf({ nodes }: CompiledExpression): boolean {
  return nodes.some((node) => node.kind === "ident" && node.name === "oldSelf");
}

/** As Go shows the internal type, which has no names for JSON. */
function internalRule({
  rule,
  message = "",
  messageExpression = "",
  reason,
  fieldPath = "",
  optionalOldSelf,
}: ValidationRule): object {
  return {
    Rule: rule,
    Message: message,
    MessageExpression: messageExpression,
    Reason: reason ?? null,
    FieldPath: fieldPath,
    OptionalOldSelf: optionalOldSelf ?? null,
  };
}

/** Of all rules of a schema. */
class TotalCost {
  private total = 0;
  private readonly expensive: { field: string; cost: number }[] = [];

  observe(field: string, cost: number): void {
    this.total += cost;
    // The cheap ones are not to blame.
    if (cost >= SCHEMA_COST_MAX / 100) this.expensive.push({ field, cost });
  }

  errors(path: string): FieldError[] {
    if (this.total <= SCHEMA_COST_MAX) return [];
    const blamed = this.expensive.toSorted((a, b) => b.cost - a.cost).slice(0, EXPENSIVE_SHOWN_MAX);
    const why = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
    const what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
    return [
      ...blamed.map(({ field }) => fieldError.forbidden(field, why)),
      fieldError.forbidden(path, overBudget(what, this.total, SCHEMA_COST_MAX)),
    ];
  }
}

function overBudget(what: string, cost: number, max: number): string {
  const ratio = cost / max;
  const factor = ratio > 100 ? "more than 100x" : `${ratio.toFixed(ratio < 1.5 ? 6 : 1)}x`;
  return `${what} exceeds budget by factor of ${factor} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
