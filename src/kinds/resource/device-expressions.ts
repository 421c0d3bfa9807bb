/** Expressions that choose devices: k8s.io/dynamic-resource-allocation/cel/compile.go. */
import { estimateCost, type SizeAt } from "../../cel/cost.ts";
import { celEnvironment, typeName, type CelEnvironment } from "../../cel/environment.ts";
import { BOOL, DYN, mapOf, objectOf, STRING, type CelType } from "../../cel/types.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";

const COST_MAX = 1_000_000;
const DRIVER_LENGTH = 63;
const DOMAIN_LENGTH = 63;
const ID_LENGTH = 32;
const VALUE_LENGTH = 64;
const ATTRIBUTES_MAX = 32;

const FIELDS: Readonly<Record<string, CelType>> = {
  driver: STRING,
  allowMultipleAllocations: BOOL,
  attributes: mapOf(STRING, mapOf(STRING, DYN)),
  capacity: mapOf(STRING, mapOf(STRING, objectOf("kubernetes.Quantity"))),
};
const device = objectOf("kubernetes.DRADevice", (name) => (Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined));

const FIELD_SIZES: Readonly<Record<string, number>> = {
  driver: DRIVER_LENGTH,
  allowMultipleAllocations: 1,
  attributes: ATTRIBUTES_MAX,
  capacity: ATTRIBUTES_MAX,
};

/** A driver has at most so many attributes, in domains with names of their own. */
const sizeAt: SizeAt = ([variable, field = "", ...steps]) => {
  if (variable !== "device") return undefined;
  const isMap = field === "attributes" || field === "capacity";
  if (!isMap && steps.length > 0) return undefined;
  const depth = steps.length;
  const last = steps.at(-1);
  if (depth === 0) return bounded(FIELD_SIZES[field]);
  if (last === "@keys") return bounded(depth === 1 ? DOMAIN_LENGTH : ID_LENGTH);
  if (depth === 1) return bounded(ATTRIBUTES_MAX);
  return depth === 2 ? bounded(field === "attributes" ? VALUE_LENGTH : 0) : undefined;
};

function bounded(max: number | undefined): { min: number; max: number } | undefined {
  return max === undefined ? undefined : { min: 0, max };
}

/** Of an object. */
const EXPRESSIONS_SIZE_MAX = 128 * 1024;

/** For all expressions of one object. */
export function deviceEnvironment(): CelEnvironment {
  return celEnvironment().withBudget(EXPRESSIONS_SIZE_MAX).withBindings().with({ device });
}

export function deviceExpressionErrors(source: string, field: string, environment: CelEnvironment): FieldError[] {
  const result = environment.compile(source);
  if ("fault" in result) return [fieldError.invalid(field, source, `compilation failed: ${result.fault}`)];
  const { type } = result.compiled;
  if (type.kind !== "bool" && type.kind !== "dyn") {
    const why = `must evaluate to bool or the unknown type, not ${typeName(type)}`;
    return [fieldError.invalid(field, source, why)];
  }
  if (estimateCost(result.compiled, sizeAt).max <= COST_MAX) return [];
  return [fieldError.forbidden(field, "too complex, exceeds cost limit")];
}
