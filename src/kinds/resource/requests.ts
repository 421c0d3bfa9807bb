/** Requests for devices: pkg/apis/resource of Kubernetes, defaults and rules. */
import type { CelEnvironment } from "../../cel/environment.ts";
import { byteLength, dnsSubdomainFaults } from "../../machinery/names.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { invalidFor } from "../../machinery/validation.ts";
import { deviceEnvironment, deviceExpressionErrors } from "./device-expressions.ts";
import { configurationErrors, eachOf, fullDeviceKeyErrors, labelErrors, tolerationErrors } from "./parts.ts";
import type {
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  ExactDeviceRequest,
  ResourceClaimSpec,
} from "./types.ts";

export const REQUESTS_MAX = 32;
export const CONFIG_MAX = 32;
const CONSTRAINTS_MAX = 32;
const ALTERNATIVES_MAX = 8;
const SELECTORS_MAX = 32;
const EXPRESSION_BYTES_MAX = 10 * 1024;
const MODES = ["All", "ExactCount"];
const ONE_OF = "exactly one of `exactly` or `firstAvailable` is required";
const NO_SUCH_REQUEST =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

/** Changes its argument. */
export function defaultClaimSpec({ devices }: ResourceClaimSpec): void {
  for (const { exactly, firstAvailable } of devices?.requests ?? []) {
    for (const request of [...(exactly ? [exactly] : []), ...(firstAvailable ?? [])]) {
      request.allocationMode ||= "ExactCount";
      if (request.allocationMode === "ExactCount") request.count ||= 1;
      for (const toleration of request.tolerations ?? []) toleration.operator ||= "Equal";
    }
  }
}

export function claimSpecErrors({ devices = {} }: ResourceClaimSpec, field: string): FieldError[] {
  const { requests = [], constraints = [], config = [] } = devices;
  const at = `${field}.devices`;
  const known = requestNames(devices);
  // One for all of them, which counts what they cost together.
  const environment = deviceEnvironment();
  return [
    ...eachOf(requests, { field: `${at}.requests`, max: REQUESTS_MAX, key: ({ name }) => name }, (request, where) =>
      requestErrors(request, where, environment),
    ),
    ...eachOf(constraints, { field: `${at}.constraints`, max: CONSTRAINTS_MAX }, (constraint, where) =>
      constraintErrors(constraint, known, where),
    ),
    ...eachOf(config, { field: `${at}.config`, max: CONFIG_MAX }, (one, where) => [
      ...referenceErrors(one.requests ?? [], known, `${where}.requests`),
      ...configurationErrors(one, where),
    ]),
  ];
}

/** "gpu", and "gpu/large" where it has alternatives. */
export function requestNames({ requests = [] }: DeviceClaim): ReadonlySet<string> {
  return new Set(
    requests.flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map((one) => `${name}/${one.name}`)]),
  );
}

export function referenceErrors(names: readonly string[], known: ReadonlySet<string>, field: string): FieldError[] {
  const rules = { field, max: REQUESTS_MAX, key: (name: string) => name };
  return eachOf(names, rules, (name, where) => requestNameErrors(name, known, where));
}

export function requestNameErrors(name: string, known: ReadonlySet<string>, field: string): FieldError[] {
  const segments = name.split("/");
  if (segments.length > 2) return [fieldError.invalid(field, name, NO_SUCH_REQUEST)];
  const errors = segments.flatMap((segment) => labelErrors(segment, field));
  return known.has(name) ? errors : [...errors, fieldError.invalid(field, name, NO_SUCH_REQUEST)];
}

function constraintErrors(constraint: DeviceConstraint, known: ReadonlySet<string>, field: string): FieldError[] {
  const { requests = [], matchAttribute, distinctAttribute } = constraint;
  const errors = referenceErrors(requests, known, `${field}.requests`);
  if (matchAttribute !== undefined) {
    return [...errors, ...fullDeviceKeyErrors(matchAttribute, `${field}.matchAttribute`)];
  }
  if (distinctAttribute !== undefined) {
    return [...errors, ...fullDeviceKeyErrors(distinctAttribute, `${field}.distinctAttribute`)];
  }
  // Upstream's words, though none is set.
  const why = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
  return [...errors, fieldError.required(field, why)];
}

function requestErrors(
  { name, exactly, firstAvailable = [] }: DeviceRequest,
  field: string,
  environment: CelEnvironment,
): FieldError[] {
  const errors = labelErrors(name, `${field}.name`);
  if (exactly && firstAvailable.length > 0) {
    return [...errors, fieldError.invalid(field, null, `${ONE_OF}, but multiple fields are set`)];
  }
  if (exactly) return [...errors, ...exactErrors(exactly, `${field}.exactly`, environment)];
  if (firstAvailable.length === 0) return [...errors, fieldError.required(field, ONE_OF)];
  const rules = {
    field: `${field}.firstAvailable`,
    max: ALTERNATIVES_MAX,
    key: (one: { name: string }) => one.name,
  };
  return [
    ...errors,
    ...eachOf(firstAvailable, rules, (one, where) => [
      ...labelErrors(one.name, `${where}.name`),
      ...exactErrors(one, where, environment),
    ]),
  ];
}

function exactErrors(request: ExactDeviceRequest, field: string, environment: CelEnvironment): FieldError[] {
  const { deviceClassName, selectors = [], allocationMode = "", count = 0, tolerations = [] } = request;
  const errors = deviceClassName
    ? invalidFor(`${field}.deviceClassName`, deviceClassName, dnsSubdomainFaults(deviceClassName))
    : [fieldError.required(`${field}.deviceClassName`)];
  errors.push(...selectorErrors(selectors, `${field}.selectors`, environment));
  if (!MODES.includes(allocationMode)) {
    errors.push(fieldError.notSupported(`${field}.allocationMode`, allocationMode, MODES));
  } else if (allocationMode === "All" && count !== 0) {
    const why = "must not be specified when allocationMode is 'All'";
    errors.push(fieldError.invalid(`${field}.count`, count, why));
  } else if (allocationMode === "ExactCount" && count <= 0) {
    errors.push(fieldError.invalid(`${field}.count`, count, "must be greater than zero"));
  }
  return [...errors, ...eachOf(tolerations, { field: `${field}.tolerations` }, tolerationErrors)];
}

export function selectorErrors(
  selectors: readonly DeviceSelector[],
  field: string,
  environment: CelEnvironment,
): FieldError[] {
  return eachOf(selectors, { field, max: SELECTORS_MAX }, ({ cel }, where) =>
    cel
      ? expressionErrors(cel.expression, `${where}.cel.expression`, environment)
      : [fieldError.required(`${where}.cel`)],
  );
}

function expressionErrors(expression: string, field: string, environment: CelEnvironment): FieldError[] {
  if (!expression) return [fieldError.required(field)];
  return byteLength(expression) > EXPRESSION_BYTES_MAX
    ? [fieldError.tooLong(field, EXPRESSION_BYTES_MAX)]
    : deviceExpressionErrors(expression, field, environment);
}
