/** Requests for devices: pkg/apis/resource of Kubernetes, defaults and rules. */
import type { CelEnvironment } from "../../cel/environment.ts";
import { dnsLabelFaults, dnsSubdomainFaults } from "../../machinery/names.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { invalidFor, tooManyError } from "../../machinery/validation.ts";
import { deviceEnvironment, deviceExpressionErrors } from "./device-expressions.ts";
import type {
  DeviceRequest,
  DeviceSelector,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaimSpec,
} from "./types.ts";

const REQUESTS_MAX = 32;
const ALTERNATIVES_MAX = 8;
const SELECTORS_MAX = 32;
const EXPRESSION_BYTES_MAX = 10 * 1024;
const MODES = ["All", "ExactCount"];
const OPERATORS = ["Equal", "Exists"];
const EFFECTS = ["NoExecute", "NoSchedule", "None"];

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

export function claimSpecErrors({ devices }: ResourceClaimSpec, field: string): FieldError[] {
  const requests = devices?.requests ?? [];
  const at = `${field}.devices`;
  const known = new Set(requests.flatMap(namesOf));
  const environment = deviceEnvironment();
  return [
    ...(requests.length > REQUESTS_MAX ? [tooManyError(`${at}.requests`, requests.length, REQUESTS_MAX)] : []),
    ...uniqueErrors(requests, `${at}.requests`),
    ...requests.flatMap((request, index) => requestErrors(request, `${at}.requests[${index}]`, environment)),
    ...(["constraints", "config"] as const).flatMap((list) =>
      (devices?.[list] ?? []).flatMap(({ requests: named = [] }, index) =>
        named.flatMap((name, at2) =>
          known.has(name)
            ? []
            : [
                fieldError.invalid(
                  `${at}.${list}[${index}].requests[${at2}]`,
                  name,
                  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
                ),
              ],
        ),
      ),
    ),
  ];
}

function namesOf({ name, firstAvailable = [] }: DeviceRequest): string[] {
  return [name, ...firstAvailable.map((alternative) => `${name}/${alternative.name}`)];
}

export function uniqueErrors(list: readonly { name: string }[], field: string): FieldError[] {
  const names = new Set<string>();
  return list.flatMap(({ name }, index) => {
    const repeated = names.has(name);
    names.add(name);
    return repeated ? [fieldError.duplicate(`${field}[${index}].name`, name)] : [];
  });
}

function requestErrors(
  { name, exactly, firstAvailable }: DeviceRequest,
  field: string,
  environment: CelEnvironment,
): FieldError[] {
  const errors = nameErrors(name, `${field}.name`);
  if (exactly && firstAvailable) {
    return [
      ...errors,
      fieldError.invalid(
        field,
        "",
        "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set",
      ),
    ];
  }
  if (exactly) return [...errors, ...exactErrors(exactly, `${field}.exactly`, environment)];
  if (!firstAvailable?.length) {
    return [...errors, fieldError.required(field, "exactly one of `exactly` or `firstAvailable` is required")];
  }
  const at = `${field}.firstAvailable`;
  if (firstAvailable.length > ALTERNATIVES_MAX) errors.push(tooManyError(at, firstAvailable.length, ALTERNATIVES_MAX));
  errors.push(...uniqueErrors(firstAvailable, at));
  firstAvailable.forEach((alternative, index) => {
    errors.push(
      ...nameErrors(alternative.name, `${at}[${index}].name`),
      ...exactErrors(alternative, `${at}[${index}]`, environment),
    );
  });
  return errors;
}

function nameErrors(name: string, field: string): FieldError[] {
  return name ? invalidFor(field, name, dnsLabelFaults(name)) : [fieldError.required(field)];
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
  return [
    ...errors,
    ...tolerations.flatMap((toleration, index) => tolerationErrors(toleration, `${field}.tolerations[${index}]`)),
  ];
}

export function selectorErrors(
  selectors: readonly DeviceSelector[],
  field: string,
  environment: CelEnvironment,
): FieldError[] {
  const errors = selectors.length > SELECTORS_MAX ? [tooManyError(field, selectors.length, SELECTORS_MAX)] : [];
  selectors.forEach(({ cel }, index) => {
    const at = `${field}[${index}].cel`;
    if (!cel) errors.push(fieldError.required(at));
    else if (!cel.expression) errors.push(fieldError.required(`${at}.expression`));
    else if (cel.expression.length > EXPRESSION_BYTES_MAX) {
      errors.push(fieldError.tooLong(`${at}.expression`, EXPRESSION_BYTES_MAX));
    } else errors.push(...deviceExpressionErrors(cel.expression, `${at}.expression`, environment));
  });
  return errors;
}

function tolerationErrors({ key = "", operator = "", value, effect }: DeviceToleration, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!OPERATORS.includes(operator)) errors.push(fieldError.notSupported(`${field}.operator`, operator, OPERATORS));
  else if (operator === "Exists" && value) {
    errors.push(fieldError.invalid(`${field}.value`, value, "must be empty for operator `Exists`"));
  } else if (operator === "Equal" && key === "") {
    errors.push(fieldError.required(`${field}.key`));
  }
  if (effect && !EFFECTS.includes(effect)) errors.push(fieldError.notSupported(`${field}.effect`, effect, EFFECTS));
  return errors;
}
