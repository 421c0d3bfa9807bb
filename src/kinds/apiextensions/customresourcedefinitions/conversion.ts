/** How objects get from one version to another: validateCustomResourceConversion. */
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { validateOneOf } from "../../../machinery/validation.ts";
import { reviewVersionErrors, urlErrors, webhookServiceErrors } from "../../admissionregistration/webhooks.ts";
import type { CustomResourceDefinition } from "./types.ts";

type Conversion = NonNullable<CustomResourceDefinition["spec"]["conversion"]>;

const STRATEGIES = ["None", "Webhook"];

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
    const versionErrors = reviewVersionErrors(versions, `${field}.conversionReviewVersions`, {
      missing: "",
      anyVersion: anyReviewVersion,
    });
    return [...errors, ...versionErrors];
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
