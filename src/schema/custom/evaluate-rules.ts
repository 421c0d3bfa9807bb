/**
 * Does a value hold to the rules (`x-kubernetes-validations`) of its schema and of all below? Validator of
 * k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go, for values that come into being: rules about what was see the
 * value itself.
 */
import { evaluate } from "../../cel/evaluate.ts";
import type { CelEnvironment } from "../../cel/environment.ts";
import { optionalOf, type CelType } from "../../cel/types.ts";
import { Fault, fromJson, Optional, type Value } from "../../cel/values.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { invalidWithoutValue } from "../../machinery/validation.ts";
import { itemsOf, propertyOf, valuesOf, type JsonSchema, type ValidationRule } from "./json-schema.ts";
import type { RuleTypes } from "./rule-types.ts";

/** Of one evaluation, and of all for a value: celconfig.PerCallLimit and RuntimeCELCostBudget, the latter a tenth of Kubernetes'. */
const CALL_COST_MAX = 1_000_000;
const VALUE_COST_MAX = 1_000_000;

const OVER_BUDGET = Symbol("over budget");

export interface RuleEvaluation {
  types: RuleTypes;
  /** Without variables. */
  environment: CelEnvironment;
}

/** `field` is the path of the value. Rules that do not compile are left out: they are told elsewhere. */
export function ruleFaults(value: unknown, schema: JsonSchema, field: string, deps: RuleEvaluation): FieldError[] {
  const check = new RuleCheck(deps);
  check.visit(value, schema, field);
  return check.errors;
}

interface Place {
  schema: JsonSchema;
  type: CelType;
  field: string;
  json: unknown;
}

class RuleCheck {
  readonly errors: FieldError[] = [];
  private readonly deps: RuleEvaluation;
  private left = VALUE_COST_MAX;

  constructor(deps: RuleEvaluation) {
    this.deps = deps;
  }

  visit(value: unknown, schema: JsonSchema, field: string): void {
    if (value === null || value === undefined || this.left < 0) return;
    const rules = schema["x-kubernetes-validations"] ?? [];
    const type = rules.length > 0 ? this.deps.types.of(schema)?.celType("selfType") : undefined;
    if (type) for (const rule of rules) this.rule(rule, fromJson(value, type), { schema, type, field, json: value });
    if (Array.isArray(value)) {
      const items = itemsOf(schema);
      if (items) value.forEach((item, index) => this.visit(item, items, `${field}[${index}]`));
      return;
    }
    if (typeof value !== "object") return;
    const values = valuesOf(schema);
    for (const [name, member] of Object.entries(value)) {
      const property = propertyOf(schema, name);
      if (property) this.visit(member, property, `${field}.${name}`);
      else if (values) this.visit(member, values, `${field}[${name}]`);
    }
  }

  private rule(rule: ValidationRule, self: Value, at: Place): void {
    const isOptional = rule.optionalOldSelf === true;
    const befores = isOptional ? [new Optional(self), new Optional(undefined)] : [self];
    for (const oldSelf of befores) {
      const before = this.errors.length;
      this.once(rule, { self, oldSelf }, { ...at, isOptional });
      if (this.errors.length > before || this.left < 0) return;
    }
  }

  private once(
    rule: ValidationRule,
    variables: Readonly<Record<string, Value>>,
    { schema, type, field, json, isOptional }: Place & { isOptional: boolean },
  ): void {
    const environment = this.deps.environment.with({ self: type, oldSelf: isOptional ? optionalOf(type) : type });
    const value = this.evaluated(rule.rule, environment, variables);
    if (value === undefined || value === true) return;
    const what = (rule.message || rule.rule).trim();
    const invalid = (why: string): void => void this.errors.push(fieldError.invalid(field, schema.type ?? "", why));
    if (this.left < 0) {
      invalid("validation failed due to running out of cost budget, no further validation rules will be run");
    } else if (value === OVER_BUDGET) {
      this.left = -1;
      const why = "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to";
      invalid(`${why} call cost exceeds limit for rule: ${what}`);
    } else if (value instanceof Fault) invalid(`${value.message} evaluating rule: ${what}`);
    else {
      const at = `${field}${rule.fieldPath ?? ""}`;
      const isCompound = schema.type === "object" || schema.type === "array";
      const why = this.message(rule, environment, variables);
      this.errors.push(reasoned(rule, at, { why, ...(isCompound ? {} : { value: json }) }));
    }
  }

  /** undefined: it does not compile. */
  private evaluated(
    source: string,
    environment: CelEnvironment,
    variables: Readonly<Record<string, Value>>,
  ): Value | typeof OVER_BUDGET | undefined {
    const result = environment.compile(source);
    if ("fault" in result) return undefined;
    const costMax = Math.min(CALL_COST_MAX, this.left);
    const { value, cost, isOverBudget } = evaluate(result.compiled, variables, { costMax });
    this.left -= cost;
    return isOverBudget ? OVER_BUDGET : value;
  }

  private message(
    rule: ValidationRule,
    environment: CelEnvironment,
    variables: Readonly<Record<string, Value>>,
  ): string {
    const { messageExpression = "" } = rule;
    const made = messageExpression === "" ? undefined : this.evaluated(messageExpression, environment, variables);
    if (typeof made === "string" && made.trim() !== "" && !/[\n\r]/.test(made.trim())) return made.trim();
    return rule.message ? rule.message.trim() : `failed rule: ${rule.rule.trim()}`;
  }
}

/** Objects and lists are not shown. */
function reasoned(
  { reason }: ValidationRule,
  field: string,
  { why, ...shown }: { why: string; value?: unknown },
): FieldError {
  if (reason === "FieldValueForbidden") return fieldError.forbidden(field, why);
  if (reason === "FieldValueRequired") return fieldError.required(field, why);
  if (reason === "FieldValueDuplicate") return fieldError.duplicate(field, shown.value ?? "");
  return "value" in shown ? fieldError.invalid(field, shown.value, why) : invalidWithoutValue(field, why);
}
