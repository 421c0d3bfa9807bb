/** Both kinds of webhook configurations: pkg/apis/admissionregistration/validation and k8s.io/apiserver/pkg/util/webhook. */
import { dns1035LabelFaults, dnsSubdomainFaults, portNumberFaults } from "../../machinery/names.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { invalidFor, validateLabelSelector } from "../../machinery/validation.ts";
import { ageColumn, nameColumn, type PrinterColumn } from "../../registry/kind.ts";
import { count } from "../columns.ts";
import { FAILURE_POLICIES, MATCH_POLICIES, matchConditionErrors, ruleErrors } from "./rules.ts";
import type { ServiceReference, Webhook, WebhookConfiguration } from "./types.ts";

const SIDE_EFFECTS = ["None", "NoneOnDryRun"];
const REVIEW_VERSIONS = ["v1", "v1beta1"];
const REINVOCATION_POLICIES = ["IfNeeded", "Never"];
const URL_FORM = "; desired format: https://host[/path]";
const TIMEOUT_SECONDS_MAX = 30;

export const webhookColumns: readonly PrinterColumn<WebhookConfiguration>[] = [
  nameColumn,
  count("Webhooks", "How many webhooks there are.", ({ webhooks }) => webhooks?.length ?? 0),
  ageColumn,
];

export function validateWebhooks({ webhooks = [] }: WebhookConfiguration): FieldError[] {
  const names = new Set<string>();
  return webhooks.flatMap((webhook, index) => {
    const field = `webhooks[${index}]`;
    const errors = webhookErrors(webhook, field);
    const { name } = webhook;
    if (name !== "" && names.has(name)) errors.push(fieldError.duplicate(`${field}.name`, name));
    names.add(name);
    return errors;
  });
}

function webhookErrors(webhook: Webhook, field: string): FieldError[] {
  const { rules = [], failurePolicy, matchPolicy, timeoutSeconds, reinvocationPolicy } = webhook;
  const errors = [
    ...nameErrors(webhook.name, `${field}.name`),
    ...rules.flatMap((rule, index) => ruleErrors(rule, `${field}.rules[${index}]`)),
    ...oneOf(failurePolicy, `${field}.failurePolicy`, FAILURE_POLICIES),
    ...oneOf(matchPolicy, `${field}.matchPolicy`, MATCH_POLICIES),
    ...sideEffectErrors(webhook.sideEffects, `${field}.sideEffects`),
  ];
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > TIMEOUT_SECONDS_MAX)) {
    const why = `the timeout value must be between 1 and ${TIMEOUT_SECONDS_MAX} seconds`;
    errors.push(fieldError.invalid(`${field}.timeoutSeconds`, timeoutSeconds, why));
  }
  return [
    ...errors,
    ...validateLabelSelector(webhook.namespaceSelector, `${field}.namespaceSelector`),
    ...validateLabelSelector(webhook.objectSelector, `${field}.objectSelector`),
    ...oneOf(reinvocationPolicy, `${field}.reinvocationPolicy`, REINVOCATION_POLICIES),
    ...clientErrors(webhook.clientConfig, `${field}.clientConfig`),
    ...matchConditionErrors(webhook.matchConditions ?? [], `${field}.matchConditions`, { hasParams: false }),
    ...reviewVersionErrors(webhook.admissionReviewVersions ?? [], `${field}.admissionReviewVersions`),
  ];
}

function oneOf(value: string | undefined, field: string, supported: readonly string[]): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [fieldError.notSupported(field, value, supported)];
}

/** IsFullyQualifiedName: several faults are one error. */
function nameErrors(name: string, field: string): FieldError[] {
  if (!name) return [fieldError.required(field)];
  const faults = dnsSubdomainFaults(name);
  if (faults.length > 0) return [fieldError.invalid(field, name, faults.join(","))];
  if (name.split(".").length >= 3) return [];
  return [fieldError.invalid(field, name, "should be a domain with at least three segments separated by dots")];
}

function sideEffectErrors(effects: string | undefined, field: string): FieldError[] {
  if (effects === undefined) return [fieldError.required(field, `must specify one of ${SIDE_EFFECTS.join(", ")}`)];
  return oneOf(effects, field, SIDE_EFFECTS);
}

function clientErrors({ url, service }: Webhook["clientConfig"], field: string): FieldError[] {
  if ((url === undefined) === (service === undefined)) {
    return [fieldError.required(field, "exactly one of url or service is required")];
  }
  if (url !== undefined) return urlErrors(url, `${field}.url`);
  return service ? webhookServiceErrors(service, `${field}.service`) : [];
}

export function urlErrors(text: string, field: string): FieldError[] {
  const url = URL.parse(text);
  if (!url)
    return [
      fieldError.required(
        field,
        `url must be a valid URL: parse ${JSON.stringify(text)}: invalid URI for request${URL_FORM}`,
      ),
    ];
  const errors: FieldError[] = [];
  const refuse = (value: string, why: string) => errors.push(fieldError.invalid(field, value, why));
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== "https") refuse(scheme, `'https' is the only allowed URL scheme${URL_FORM}`);
  if (url.host === "") refuse(url.host, `host must be specified${URL_FORM}`);
  if (url.username !== "") refuse(url.username, "user information is not permitted in the URL");
  if (url.hash !== "") refuse(url.hash.slice(1), "fragments are not permitted in the URL");
  if (url.search !== "") refuse(url.search.slice(1), "query parameters are not permitted in the URL");
  return errors;
}

export function webhookServiceErrors(
  { name, namespace, path, port = 0 }: ServiceReference,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (!name) errors.push(fieldError.required(`${field}.name`, "service name is required"));
  if (!namespace) errors.push(fieldError.required(`${field}.namespace`, "service namespace is required"));
  const faults = portNumberFaults(port);
  if (faults.length > 0) {
    errors.push(fieldError.invalid(`${field}.port`, port, `port is not valid: ${faults.join(",")}`));
  }
  return path === undefined ? errors : [...errors, ...pathErrors(path, `${field}.path`)];
}

function pathErrors(path: string, field: string): FieldError[] {
  if (path === "/" || path === "") return [];
  if (path === "//") return [fieldError.invalid(field, path, "segment[0] may not be empty")];
  const errors = path.startsWith("/") ? [] : [fieldError.invalid(field, path, "must start with a '/'")];
  const inner = path.endsWith("/") ? path.slice(1, -1) : path.slice(1);
  inner.split("/").forEach((segment, index) => {
    if (segment === "") {
      errors.push(fieldError.invalid(field, path, `segment[${index}] may not be empty`));
      return;
    }
    for (const fault of dnsSubdomainFaults(segment)) {
      errors.push(fieldError.invalid(field, path, `segment[${index}]: ${fault}`));
    }
  });
  return errors;
}

/** Versions of the reviews that a webhook takes. `missing`: what is said of none. `anyVersion`: none has to be one that is sent. */
export function reviewVersionErrors(
  versions: readonly string[],
  field: string,
  { missing = `must specify one of ${REVIEW_VERSIONS.join(", ")}`, anyVersion = false } = {},
): FieldError[] {
  if (versions.length === 0) return [fieldError.required(field, missing)];
  const seen = new Set<string>();
  const errors = versions.flatMap((version, index) => {
    const at = `${field}[${index}]`;
    if (seen.has(version)) return [fieldError.invalid(at, version, "duplicate version")];
    seen.add(version);
    return invalidFor(at, version, dns1035LabelFaults(version));
  });
  if (anyVersion || knowsReviewVersion(versions)) return errors;
  return [...errors, fieldError.invalid(field, versions, `must include at least one of ${REVIEW_VERSIONS.join(", ")}`)];
}

export function knowsReviewVersion(versions: readonly string[]): boolean {
  return versions.some((version) => REVIEW_VERSIONS.includes(version));
}
