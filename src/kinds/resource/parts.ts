/** Names, lists and taints that the rules of all kinds of devices share: pkg/apis/resource/validation of Kubernetes. */
import {
  byteLength,
  cIdentifierFaults,
  dnsLabelFaults,
  dnsSubdomainFaults,
  labelValueFaults,
  qualifiedNameFaults,
} from "../../machinery/names.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { invalidFor, tooManyError } from "../../machinery/validation.ts";
import type { BindingConditions, DeviceConfiguration, DeviceToleration } from "./types.ts";

const DRIVER_BYTES_MAX = 63;
const POOL_BYTES_MAX = 253;
const IDENTIFIER_BYTES_MAX = 32;
const PARAMETERS_BYTES_MAX = 10 * 1024;
const BINDING_CONDITIONS_MAX = 4;
const TAINT_EFFECTS = ["NoExecute", "NoSchedule", "None"];
const TOLERATION_OPERATORS = ["Equal", "Exists"];

export interface ListRules<T> {
  field: string;
  /** More are one fault, and none of them is looked at. */
  max?: number;
  /** What no two of them may share. */
  key?: (item: T) => string;
}

/** First the faults of each, then what is there twice. */
export function eachOf<T>(
  list: readonly T[],
  { field, max, key }: ListRules<T>,
  errorsOf: (item: T, field: string) => FieldError[],
): FieldError[] {
  if (max !== undefined && list.length > max) return [tooManyError(field, list.length, max)];
  const errors = list.flatMap((item, index) => errorsOf(item, `${field}[${index}]`));
  if (!key) return errors;
  const seen = new Set<string>();
  list.forEach((item, index) => {
    const one = key(item);
    if (seen.has(one)) errors.push(fieldError.duplicate(`${field}[${index}]`, one));
    seen.add(one);
  });
  return errors;
}

export function labelErrors(name: string, field: string): FieldError[] {
  return invalidFor(field, name, dnsLabelFaults(name));
}

/** As of CSI drivers. */
export function driverErrors(driver: string, field: string): FieldError[] {
  if (!driver) return [fieldError.required(field)];
  const long = byteLength(driver) > DRIVER_BYTES_MAX ? [fieldError.tooLong(field, DRIVER_BYTES_MAX)] : [];
  return [...long, ...invalidFor(field, driver, dnsSubdomainFaults(driver.toLowerCase()))];
}

/** Subdomains, separated by slashes. */
export function poolErrors(name: string, field: string): FieldError[] {
  if (!name) return [fieldError.required(field)];
  const long = byteLength(name) > POOL_BYTES_MAX ? [fieldError.tooLong(field, POOL_BYTES_MAX)] : [];
  return [...long, ...name.split("/").flatMap((part) => invalidFor(field, part, dnsSubdomainFaults(part)))];
}

/** Of an attribute or a capacity: "memory", "gpu.example.com/memory". */
export function deviceKeyErrors(name: string, field: string): FieldError[] {
  const [domain = "", id] = name.split("/");
  if (id === undefined) return identifierErrors(domain, field);
  if (name.split("/").length > 2) return [fieldError.invalid(field, name, "must not contain more than one slash")];
  return [
    ...(domain ? driverErrors(domain, field) : [fieldError.invalid(field, "", "the domain must not be empty")]),
    ...(id ? identifierErrors(id, field) : [fieldError.invalid(field, "", "the name must not be empty")]),
  ];
}

function identifierErrors(id: string, field: string): FieldError[] {
  const long = byteLength(id) > IDENTIFIER_BYTES_MAX ? [fieldError.tooLong(field, IDENTIFIER_BYTES_MAX)] : [];
  return [...long, ...invalidFor(field, id, cIdentifierFaults(id))];
}

export function fullDeviceKeyErrors(name: string, field: string): FieldError[] {
  const errors = deviceKeyErrors(name, field);
  if (name.includes("/")) return errors;
  const why = "a fully qualified name must be a domain and a name separated by a slash";
  return [...errors, fieldError.invalid(field, name, why)];
}

export function shareErrors(uid: string, field: string): FieldError[] {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uid)) return [];
  const hex = /^(urn:uuid:)?\{?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?$/i.test(uid);
  const isLengthOff = ![32, 36, 38, 45].includes(uid.length);
  const why = hex
    ? "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters"
    : `error validating uid: invalid UUID ${isLengthOff ? `length: ${uid.length}` : "format"}`;
  return [fieldError.invalid(field, uid, why)];
}

export function taintErrors(
  { key, value = "", effect = "" }: { key: string; value?: string; effect?: string },
  field: string,
): FieldError[] {
  const errors = invalidFor(`${field}.key`, key, qualifiedNameFaults(key));
  if (value) errors.push(...invalidFor(`${field}.value`, value, labelValueFaults(value)));
  if (!effect) errors.push(fieldError.required(`${field}.effect`));
  else if (!TAINT_EFFECTS.includes(effect)) {
    errors.push(fieldError.notSupported(`${field}.effect`, effect, TAINT_EFFECTS));
  }
  return errors;
}

export function tolerationErrors(toleration: DeviceToleration, field: string): FieldError[] {
  const { key = "", operator = "", value = "", effect = "" } = toleration;
  const errors = key ? invalidFor(`${field}.key`, key, qualifiedNameFaults(key)) : [];
  if (operator === "Exists") {
    if (value) errors.push(fieldError.invalid(`${field}.value`, value, "must be empty for operator `Exists`"));
  } else if (operator === "Equal") {
    errors.push(...invalidFor(`${field}.value`, value, labelValueFaults(value)));
  } else if (operator === "") {
    errors.push(fieldError.required(`${field}.operator`));
  } else {
    errors.push(fieldError.notSupported(`${field}.operator`, operator, TOLERATION_OPERATORS));
  }
  if (effect && !TAINT_EFFECTS.includes(effect)) {
    errors.push(fieldError.notSupported(`${field}.effect`, effect, TAINT_EFFECTS));
  }
  return errors;
}

function conditionNameErrors(name: string, field: string): FieldError[] {
  return invalidFor(field, name, qualifiedNameFaults(name));
}

export function bindingErrors(
  { bindingConditions: conditions = [], bindingFailureConditions: failures = [] }: BindingConditions,
  field: string,
): FieldError[] {
  const at = { conditions: `${field}.bindingConditions`, failures: `${field}.bindingFailureConditions` };
  const rules = { max: BINDING_CONDITIONS_MAX };
  const errors = [
    ...eachOf(conditions, { field: at.conditions, ...rules }, conditionNameErrors),
    ...eachOf(failures, { field: at.failures, ...rules }, conditionNameErrors),
    ...eachOf(conditions, { field: at.conditions, key: (name) => name }, () => []),
    ...eachOf(failures, { field: at.failures, key: (name) => name }, (name, where) =>
      conditions.includes(name)
        ? [fieldError.invalid(where, name, "bindingFailureConditions must not overlap with bindingConditions")]
        : [],
    ),
  ];
  if (conditions.length === 0 && failures.length > 0) {
    const why = "bindingConditions are required to use bindingFailureConditions";
    errors.push(fieldError.invalid(at.conditions, conditions, why));
  } else if (failures.length === 0 && conditions.length > 0) {
    const why = "bindingFailureConditions are required to use bindingConditions";
    errors.push(fieldError.invalid(at.failures, failures, why));
  }
  return errors;
}

export function configurationErrors({ opaque }: DeviceConfiguration, field: string): FieldError[] {
  if (!opaque) return [fieldError.required(`${field}.opaque`)];
  return [
    ...driverErrors(opaque.driver, `${field}.opaque.driver`),
    ...rawErrors(opaque.parameters, `${field}.opaque.parameters`, PARAMETERS_BYTES_MAX),
  ];
}

/** An object that others understand. */
export function rawErrors(value: unknown, field: string, bytesMax: number): FieldError[] {
  if (value === undefined || value === null) return [fieldError.required(field)];
  if (byteLength(JSON.stringify(value)) > bytesMax) return [fieldError.tooLong(field, bytesMax)];
  if (typeof value === "object" && !Array.isArray(value)) return [];
  return [fieldError.invalid(field, "<value omitted>", "must be a valid JSON object")];
}
