/** CertificateSigningRequest: pkg/apis/certificates/validation of Kubernetes. */
import { goQuote } from "../../../machinery/go-text.ts";
import { dnsLabelFaults, dnsSubdomainFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { sameJson } from "../../../registry/same-json.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { certificateFault, signatureFault } from "./request.ts";
import type { CertificateSigningRequest, SigningCondition } from "./types.ts";

const USAGES = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];
const DECISIONS = ["Approved", "Denied", "Failed"];
const STATUSES = ["False", "True", "Unknown"];
const SECONDS_MIN = 600;
const DOMAIN_CHARACTERS_MAX = 253;
/** Of a domain, a slash, and a label, a dot and a subdomain. */
const SIGNER_CHARACTERS_MAX = 571;
const LEGACY_SIGNER = "kubernetes.io/legacy-unknown";

export function validateSigningRequest({ spec, status }: CertificateSigningRequest): FieldError[] {
  const { usages = [], signerName, expirationSeconds } = spec;
  const errors: FieldError[] = [];
  if (usages.length === 0) errors.push(fieldError.required("spec.usages"));
  usages.forEach((usage, index) => {
    if (!USAGES.includes(usage)) errors.push(fieldError.notSupported(`spec.usages[${index}]`, usage, USAGES));
  });
  usages.forEach((usage, index) => {
    if (usages.indexOf(usage) < index) errors.push(fieldError.duplicate(`spec.usages[${index}]`, usage));
  });
  errors.push(...signerErrors(signerName, "spec.signerName"));
  if (expirationSeconds !== undefined && expirationSeconds < SECONDS_MIN) {
    const why = "may not specify a duration less than 600 seconds (10 minutes)";
    errors.push(fieldError.invalid("spec.expirationSeconds", expirationSeconds, why));
  }
  return [...errors, ...conditionErrors(status?.conditions ?? [])];
}

/** The request never changes, so it is looked at once. */
export async function verifySigningRequest({ spec }: CertificateSigningRequest): Promise<FieldError[]> {
  const fault = await signatureFault(spec.request);
  return fault === undefined ? [] : [fieldError.invalid("spec.request", spec.request, fault)];
}

function signerErrors(name: string, field: string): FieldError[] {
  if (!name) return [fieldError.required(field)];
  if (name === LEGACY_SIGNER) {
    return [fieldError.invalid(field, name, "the legacy signerName is not allowed via this API version")];
  }
  const segments = name.split("/");
  const [domain = "", path = ""] = segments;
  if (segments.length !== 2) {
    const why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
    return [fieldError.invalid(field, name, why)];
  }
  const errors: FieldError[] = [];
  if (domain.length > DOMAIN_CHARACTERS_MAX) errors.push(fieldError.tooLong(field, DOMAIN_CHARACTERS_MAX));
  errors.push(...firstLabelErrors(domain, dnsLabelFaults, field));
  if (domain.split(".").length < 2) {
    errors.push(fieldError.invalid(field, domain, "should be a domain with at least two segments separated by dots"));
  }
  errors.push(...firstLabelErrors(path, dnsSubdomainFaults, field));
  if (name.length > SIGNER_CHARACTERS_MAX) errors.push(fieldError.tooLong(field, SIGNER_CHARACTERS_MAX));
  return errors;
}

/** Of the first label that has any: those of more would be told apart by nothing. */
function firstLabelErrors(labels: string, faultsOf: (label: string) => readonly string[], field: string): FieldError[] {
  for (const label of labels.split(".")) {
    const faults = faultsOf(label);
    if (faults.length > 0)
      return faults.map((fault) => fieldError.invalid(field, labels, `validating label ${goQuote(label)}: ${fault}`));
  }
  return [];
}

function conditionErrors(conditions: readonly SigningCondition[]): FieldError[] {
  const at = "status.conditions";
  const seen = new Set<string>();
  return conditions.flatMap(({ type, status }, index) => {
    const field = `${at}[${index}]`;
    const errors: FieldError[] = [];
    const allowed = DECISIONS.includes(type) ? ["True"] : STATUSES;
    if (!type) errors.push(fieldError.required(`${field}.type`));
    if (!status) errors.push(fieldError.required(`${field}.status`));
    else if (!allowed.includes(status)) errors.push(fieldError.notSupported(`${field}.status`, status, allowed));
    const opposite = type === "Approved" ? "Denied" : "Approved";
    if ((type === "Approved" || type === "Denied") && seen.has(opposite)) {
      errors.push(fieldError.invalid(at, type, "Approved and Denied conditions are mutually exclusive"));
    }
    if (seen.has(type)) errors.push(fieldError.duplicate(`${field}.type`, type));
    seen.add(type);
    return errors;
  });
}

export function validateSigningRequestUpdate(
  now: CertificateSigningRequest,
  old: CertificateSigningRequest,
  { subresource }: StrategyContext,
): FieldError[] {
  const at = "status.conditions";
  const errors: FieldError[] = [];
  for (const type of DECISIONS) {
    const [after, before] = [conditionsOf(now, type), conditionsOf(old, type)];
    if (after.length < before.length) {
      errors.push(fieldError.forbidden(at, `updates may not remove a condition of type "${type}"`));
    } else if (subresource === "approval" || type === "Failed") {
      continue;
    } else if (after.length > before.length) {
      errors.push(fieldError.forbidden(at, `updates may not add a condition of type "${type}"`));
    } else if (!sameJson(after, before)) {
      errors.push(fieldError.forbidden(at, `updates may not modify a condition of type "${type}"`));
    }
  }
  const [certificate = "", before = ""] = [now.status?.certificate, old.status?.certificate];
  if (certificate === before) return errors;
  const fault = certificate === "" ? undefined : certificateFault(certificate);
  if (fault !== undefined) errors.push(fieldError.invalid("status.certificate", "<certificate data>", fault));
  if (subresource !== "status") {
    errors.push(fieldError.forbidden("status.certificate", "updates may not set certificate content"));
  } else if (before !== "") {
    errors.push(fieldError.forbidden("status.certificate", "updates may not modify existing certificate content"));
  }
  return errors;
}

function conditionsOf({ status }: CertificateSigningRequest, type: string): SigningCondition[] {
  return (status?.conditions ?? []).filter((condition) => condition.type === type);
}
