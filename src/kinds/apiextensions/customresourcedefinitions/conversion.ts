/** How objects get from one version to another: validateCustomResourceConversion. */
import { dns1035LabelFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, validateOneOf } from "../../../machinery/validation.ts";
import { urlErrors, webhookServiceErrors } from "../../admissionregistration/webhooks.ts";
import type { CustomResourceDefinition } from "./types.ts";

type Conversion = NonNullable<CustomResourceDefinition["spec"]["conversion"]>;

const STRATEGIES = ["None", "Webhook"];
const REVIEW_VERSIONS = ["v1", "v1beta1"];

/** Fields are named as in the form that Kubernetes validates, where the webhook's lie one level higher. */
export function conversionErrors(
  conversion: Conversion | undefined,
  field: string,
  { anyReviewVersion = false }: { anyReviewVersion?: boolean } = {},
): FieldError[] {
  if (!conversion) return [];
  const { strategy, webhook } = conversion;
  const errors = validateOneOf(strategy, `${field}.strategy`, STRATEGIES);
  const versions = webhook?.conversionReviewVersions ?? [];
  const at = `${field}.webhookClientConfig`;
  if (strategy === "Webhook") {
    errors.push(...clientErrors(webhook?.clientConfig, at));
    return [...errors, ...reviewVersionErrors(versions, `${field}.conversionReviewVersions`, anyReviewVersion)];
  }
  const why = "should not be set when strategy is not set to Webhook";
  if (webhook?.clientConfig) errors.push(fieldError.forbidden(at, why));
  if (versions.length > 0) errors.push(fieldError.forbidden(`${field}.conversionReviewVersions`, why));
  return errors;
}

function clientErrors(config: NonNullable<Conversion["webhook"]>["clientConfig"], field: string): FieldError[] {
  if (!config) return [fieldError.required(field, "required when strategy is set to Webhook")];
  const { url, service } = config;
  if ((url === undefined) === (service === undefined)) {
    return [fieldError.required(field, "exactly one of url or service is required")];
  }
  if (url !== undefined) return urlErrors(url, `${field}.url`);
  return service ? webhookServiceErrors(service, `${field}.service`) : [];
}

function reviewVersionErrors(versions: readonly string[], field: string, anyVersion: boolean): FieldError[] {
  if (versions.length === 0) return [fieldError.required(field)];
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
