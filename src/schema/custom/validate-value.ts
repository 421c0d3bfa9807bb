/**
 * Does a value hold to a schema? k8s.io/kube-openapi/pkg/validation/validate, and the errors that kubeOpenAPIResultToFieldErrors of
 * k8s.io/apiextensions-apiserver makes of what it finds.
 */
import { lengthOf } from "../../cel/issues.ts";
import { goJson, goValue } from "../../machinery/go-text.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { tooManyError } from "../../machinery/validation.ts";
import { compileRegexp, RegexpLimitError, testRegexp } from "../../regexp/match.ts";
import { parseRegexp, RegexpError } from "../../regexp/parse.ts";
import { fitsFormat, isKnownFormat } from "./formats.ts";
import { itemsOf, propertiesOf, propertyOf, valuesOf, type JsonSchema } from "./json-schema.ts";
import { sameValue } from "./same-value.ts";

/** More are not told anyway. */
const ERRORS_MAX = 1_000;
/** A value and a schema multiply: alternatives are tried for each item of a list. */
const STEPS_MAX = 100_000;

/** `field` is the path of the value. */
export function valueErrors(value: unknown, schema: JsonSchema, field: string): FieldError[] {
  return new ValueCheck(field).errors(value, schema, "");
}

class ValueCheck {
  private readonly field: string;
  private told = 0;
  private steps = 0;

  constructor(field: string) {
    this.field = field;
  }

  /** `name` is the path inside of the value, `.a` where messages of kube-openapi have a dot before it. */
  errors(value: unknown, schema: JsonSchema, name: string): FieldError[] {
    if (this.told >= ERRORS_MAX) return [];
    this.steps += 1;
    if (this.steps > STEPS_MAX) {
      this.told = ERRORS_MAX;
      return [fieldError.invalid(this.at(name), "", "is too large to be validated")];
    }
    const errors = [...this.typeErrors(value, schema, name)];
    if (value !== null && value !== undefined) {
      errors.push(...this.junctorErrors(value, schema, name));
      if (typeof value === "string") errors.push(...this.stringErrors(value, schema, name));
      else if (typeof value === "number") errors.push(...this.numberErrors(value, schema, name));
      else if (Array.isArray(value)) errors.push(...this.listErrors(value, schema, name));
    }
    if (schema.enum && !schema.enum.some((allowed) => sameValue(allowed, value))) {
      const supported = schema.enum.map((allowed) => (typeof allowed === "string" ? allowed : goJson(allowed)));
      errors.push(fieldError.notSupported(this.at(name), value, supported));
    }
    if (isObject(value)) errors.push(...this.objectErrors(value, schema, name));
    this.told += errors.length;
    return errors;
  }

  private at(name: string): string {
    const inner = name.startsWith(".") ? name.slice(1) : name;
    return inner === "" ? this.field : `${this.field}${inner.startsWith("[") ? "" : "."}${inner}`;
  }

  private invalid(name: string, value: unknown, why: string): FieldError {
    return fieldError.invalid(this.at(name), value ?? "", `${name} in body ${why}`);
  }

  private typeErrors(value: unknown, schema: JsonSchema, name: string): FieldError[] {
    const { type = "", format = "" } = schema;
    const types = schema["x-kubernetes-int-or-string"] ? ["integer", "string"] : type === "" ? [] : [type];
    const found = typeOf(value);
    if (value === null || value === undefined) {
      if (types.length === 0 || schema.nullable) return [];
    } else {
      const isNumeric = types.includes("integer") || types.includes("number");
      const hasFormat = format !== "" && isKnownFormat(schema);
      if (types.length === 0 && !hasFormat) return [];
      if (hasFormat && !isNumeric && (found === "string" || found === "array")) return [];
      if (types.includes(found) || (found === "integer" && types.includes("number"))) return [];
    }
    const message = `${name} in body must be of type ${types.join(",")}: ${JSON.stringify(found)}`;
    return [{ ...fieldError.invalid(this.at(name), found, message), reason: "FieldValueTypeInvalid" }];
  }

  private stringErrors(value: string, schema: JsonSchema, name: string): FieldError[] {
    const { maxLength, minLength, pattern, format = "" } = schema;
    const errors: FieldError[] = [];
    const length = lengthOf(value);
    if (maxLength !== undefined && length > maxLength) errors.push(fieldError.tooLong(this.at(name), maxLength));
    else if (minLength !== undefined && length < minLength) {
      errors.push(this.invalid(name, value, `should be at least ${minLength} chars long`));
    } else if (pattern && !matchesPattern(pattern, value)) {
      errors.push(this.invalid(name, value, `should match '${pattern}'`));
    }
    if (isKnownFormat(schema) && !fitsFormat(value, format)) {
      const error = this.invalid(name, value, `must be of type ${format}: ${JSON.stringify(value)}`);
      errors.push({ ...error, reason: "FieldValueTypeInvalid" });
    }
    return errors;
  }

  private numberErrors(value: number, schema: JsonSchema, name: string): FieldError[] {
    const { multipleOf, maximum, exclusiveMaximum, minimum, exclusiveMinimum } = schema;
    const errors: FieldError[] = [];
    if (multipleOf !== undefined) {
      const times = multipleOf < 1 ? (1 / multipleOf) * value : value / multipleOf;
      if (multipleOf <= 0) {
        errors.push(
          fieldError.invalid(
            this.at(name),
            "",
            `factor MultipleOf declared for ${name} must be positive: ${goValue(multipleOf)}`,
          ),
        );
      } else if (!Number.isInteger(times)) {
        errors.push(this.invalid(name, value, `should be a multiple of ${goValue(multipleOf)}`));
      }
    }
    if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
      errors.push(
        this.invalid(name, value, `should be less than ${exclusiveMaximum ? "" : "or equal to "}${goValue(maximum)}`),
      );
    }
    if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
      errors.push(
        this.invalid(
          name,
          value,
          `should be greater than ${exclusiveMinimum ? "" : "or equal to "}${goValue(minimum)}`,
        ),
      );
    }
    return errors;
  }

  private listErrors(value: readonly unknown[], schema: JsonSchema, name: string): FieldError[] {
    const { minItems, maxItems } = schema;
    const items = itemsOf(schema);
    const errors: FieldError[] = [];
    if (items) value.forEach((item, index) => errors.push(...this.errors(item, items, `${name}[${index}]`)));
    if (minItems !== undefined && value.length < minItems) {
      errors.push(this.invalid(name, value.length, `should have at least ${minItems} items`));
    }
    if (maxItems !== undefined && value.length > maxItems) {
      errors.push(tooManyError(this.at(name), value.length, maxItems));
    }
    return errors;
  }

  private objectErrors(value: Readonly<Record<string, unknown>>, schema: JsonSchema, name: string): FieldError[] {
    const { minProperties, maxProperties, required = [] } = schema;
    const size = Object.keys(value).length;
    const errors: FieldError[] = [];
    if (minProperties !== undefined && size < minProperties) {
      errors.push(this.invalid(name, size, `should have at least ${minProperties} properties`));
    }
    if (maxProperties !== undefined && size > maxProperties) {
      errors.push(tooManyError(this.at(name), size, maxProperties));
    }
    const values = valuesOf(schema);
    for (const [key, member] of Object.entries(value)) {
      if (propertyOf(schema, key)) continue;
      if (schema.additionalProperties === false) {
        errors.push(fieldError.invalid(this.at(name), "", `${name}.${key} in body is a forbidden property`));
      } else if (values) errors.push(...this.errors(member, values, `${name}.${key}`));
    }
    for (const [key, property] of propertiesOf(schema)) {
      if (!Object.hasOwn(value, key)) continue;
      errors.push(...this.errors(value[key], property, name === "" ? key : `${name}.${key}`));
    }
    for (const key of required) {
      if (!Object.hasOwn(value, key)) errors.push(fieldError.required(this.at(`${name}.${key}`)));
    }
    return errors;
  }

  private junctorErrors(value: unknown, schema: JsonSchema, name: string): FieldError[] {
    const { anyOf = [], oneOf = [], allOf = [], not } = schema;
    const errors: FieldError[] = [];
    const must = (why: string): void => void errors.push(fieldError.invalid(this.field, "", `"${name}" must ${why}`));
    if (anyOf.length > 0) {
      const found = anyOf.map((one) => this.errors(value, one, name));
      if (!found.some((faults) => faults.length === 0)) {
        must("validate at least one schema (anyOf)");
        errors.push(...fewest(found));
      }
    }
    if (oneOf.length > 0) {
      const found = oneOf.map((one) => this.errors(value, one, name));
      const valid = found.filter((faults) => faults.length === 0).length;
      if (valid === 0) {
        must("validate one and only one schema (oneOf). Found none valid");
        errors.push(...fewest(found));
      } else if (valid > 1) must(`validate one and only one schema (oneOf). Found ${valid} valid alternatives`);
    }
    if (allOf.length > 0) {
      const found = allOf.map((one) => this.errors(value, one, name));
      errors.push(...found.flat());
      const valid = found.filter((faults) => faults.length === 0).length;
      if (valid < found.length) must(`validate all the schemas (allOf)${valid === 0 ? ". None validated" : ""}`);
    }
    if (not && this.errors(value, not, name).length === 0) must("not validate the schema (not)");
    return errors;
  }
}

/** The alternative that was nearly met. */
function fewest(found: readonly FieldError[][]): FieldError[] {
  return found.toSorted((a, b) => a.length - b.length)[0] ?? [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function typeOf(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function matchesPattern(pattern: string, value: string): boolean {
  try {
    return testRegexp(compileRegexp(parseRegexp(pattern)), value);
  } catch (error) {
    if (error instanceof RegexpError || error instanceof RegexpLimitError) return false;
    throw error;
  }
}
