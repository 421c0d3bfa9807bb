/**
 * CustomResourceDefinition: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation. What stands inside of schemas (whether
 * they are structural, their defaults and rules) belongs to who serves the resources.
 */
import { dns1035LabelFaults, dnsSubdomainFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { tooManyError } from "../../../machinery/validation.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { urlErrors, webhookServiceErrors } from "../../admissionregistration/webhooks.ts";
import { immutableErrors } from "../../immutable.ts";
import type { CustomResourceDefinition, DefinitionNames, DefinitionVersion } from "./types.ts";

const SCOPES = ["Cluster", "Namespaced"];
const STRATEGIES = ["None", "Webhook"];
const COLUMN_TYPES = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const APPROVAL_ANNOTATION = "api-approved.kubernetes.io";
const SELECTABLE_MAX = 8;

export function validateDefinition({ metadata, spec, status }: CustomResourceDefinition): FieldError[] {
  const { group, names, scope, versions = [] } = spec;
  const errors: FieldError[] = [];
  if (metadata.name !== `${names.plural}.${group}`) {
    const why = 'must be spec.names.plural+"."+spec.group';
    errors.push(fieldError.invalid("metadata.name", metadata.name ?? "", why));
  }
  errors.push(...groupErrors(group, "spec.group"), ...approvalErrors(group, metadata.annotations));
  if (!scope) errors.push(fieldError.required("spec.scope"));
  else if (!SCOPES.includes(scope)) errors.push(fieldError.notSupported("spec.scope", scope, SCOPES));
  errors.push(...versionsErrors(versions, "spec.versions"));
  if (spec.preserveUnknownFields) {
    const why =
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    errors.push(fieldError.invalid("spec.preserveUnknownFields", true, why));
  }
  errors.push(...nameErrors(names, "spec.names"), ...conversionErrors(spec.conversion, "spec.conversion"));
  return [...errors, ...storedErrors(versions, status?.storedVersions ?? [])];
}

/** Several faults of a value as one error. */
function joined(field: string, value: string, faults: readonly string[], before = ""): FieldError[] {
  return faults.length === 0 ? [] : [fieldError.invalid(field, value, `${before}${faults.join(",")}`)];
}

function groupErrors(group: string, field: string): FieldError[] {
  if (!group) return [fieldError.required(field)];
  const faults = dnsSubdomainFaults(group);
  if (faults.length > 0) return joined(field, group, faults);
  return group.includes(".") ? [] : [fieldError.invalid(field, group, "should be a domain with at least one dot")];
}

/** Groups of the project are not for everybody. */
function approvalErrors(group: string, annotations: Readonly<Record<string, string>> | undefined): FieldError[] {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return [];
  const value = annotations?.[APPROVAL_ANNOTATION];
  const field = `metadata.annotations[${APPROVAL_ANNOTATION}]`;
  const more = "see https://github.com/kubernetes/enhancements/pull/1111";
  if (value === undefined) {
    return [
      fieldError.required(field, `protected groups must have approval annotation "${APPROVAL_ANNOTATION}", ${more}`),
    ];
  }
  if (value.startsWith("unapproved") || URL.canParse(value)) return [];
  const why = `protected groups must have approval annotation "${APPROVAL_ANNOTATION}" with either a URL or a reason starting with "unapproved", ${more}`;
  return [fieldError.invalid(field, value, why)];
}

function versionsErrors(versions: readonly DefinitionVersion[], field: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = versions.map(({ name }) => name);
  versions.forEach((version, index) => {
    const at = `${field}[${index}]`;
    errors.push(...joined(`${at}.name`, version.name, dns1035LabelFaults(version.name)));
    errors.push(...versionErrors(version, at));
  });
  if (new Set(names).size < names.length) {
    errors.push(fieldError.invalid(field, versions, "must contain unique version names"));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(fieldError.invalid(field, versions, "must have exactly one version marked as storage version"));
  }
  return errors;
}

function versionErrors(version: DefinitionVersion, field: string): FieldError[] {
  const { schema, deprecated, deprecationWarning: warning, selectableFields = [] } = version;
  const errors: FieldError[] = [];
  if (warning !== undefined && !deprecated) {
    errors.push(fieldError.invalid(`${field}.deprecationWarning`, warning, "can only be set for deprecated versions"));
  }
  const at = `${field}.schema.openAPIV3Schema`;
  const root = schema?.openAPIV3Schema;
  if (!root) errors.push(fieldError.required(at, "schemas are required"));
  else if (!root["type"]) errors.push(fieldError.required(`${at}.type`, "must not be empty at the root"));
  else if (root["type"] !== "object") {
    errors.push(fieldError.invalid(`${at}.type`, root["type"], "must be object at the root"));
  }
  errors.push(
    ...columnErrors(version, `${field}.additionalPrinterColumns`),
    ...scaleErrors(version, `${field}.subresources.scale`),
  );
  if (selectableFields.length > SELECTABLE_MAX) {
    errors.push(tooManyError(`${field}.selectableFields`, selectableFields.length, SELECTABLE_MAX));
  }
  const paths = new Set<string>();
  selectableFields.forEach(({ jsonPath }, index) => {
    const path = `${field}.selectableFields[${index}].jsonPath`;
    if (!jsonPath) errors.push(fieldError.required(path));
    else if (paths.has(jsonPath)) errors.push(fieldError.duplicate(path, jsonPath));
    paths.add(jsonPath);
  });
  return errors;
}

function columnErrors({ additionalPrinterColumns: columns = [] }: DefinitionVersion, field: string): FieldError[] {
  return columns.flatMap(({ name, type, jsonPath, format }, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    if (!name) errors.push(fieldError.required(`${at}.name`));
    if (!type) errors.push(fieldError.required(`${at}.type`, `must be one of ${COLUMN_TYPES.join(",")}`));
    else if (!COLUMN_TYPES.includes(type)) {
      errors.push(fieldError.invalid(`${at}.type`, type, `must be one of ${COLUMN_TYPES.join(",")}`));
    }
    if (format && !COLUMN_FORMATS.includes(format)) {
      errors.push(fieldError.invalid(`${at}.format`, format, `must be one of ${COLUMN_FORMATS.join(",")}`));
    }
    if (!jsonPath) errors.push(fieldError.required(`${at}.jsonPath`));
    return errors;
  });
}

function scaleErrors({ subresources }: DefinitionVersion, field: string): FieldError[] {
  const scale = subresources?.scale;
  if (!scale) return [];
  const places = [
    ["specReplicasPath", ".spec."],
    ["statusReplicasPath", ".status."],
  ] as const;
  const errors = places.flatMap(([name, prefix]) => {
    const path = scale[name];
    if (!path) return [fieldError.required(`${field}.${name}`)];
    if (path.startsWith(prefix)) return [];
    return [fieldError.invalid(`${field}.${name}`, path, `should be a json path under ${prefix.slice(0, -1)}`)];
  });
  const selector = scale.labelSelectorPath;
  if (!selector || /^\.(spec|status)\./.test(selector)) return errors;
  const why = "should be a json path under either .spec or .status";
  return [...errors, fieldError.invalid(`${field}.labelSelectorPath`, selector, why)];
}

const MIXED_CASE = "may have mixed case, but should otherwise match: ";

function nameErrors(names: DefinitionNames, field: string): FieldError[] {
  const { plural, singular = "", kind, listKind = "", shortNames = [], categories = [] } = names;
  const errors: FieldError[] = [];
  for (const [name, value] of Object.entries({ plural, singular, kind, listKind })) {
    if (!value) errors.push(fieldError.required(`${field}.${name}`));
  }
  errors.push(...joined(`${field}.plural`, plural, dns1035LabelFaults(plural)));
  if (singular) errors.push(...joined(`${field}.singular`, singular, dns1035LabelFaults(singular)));
  errors.push(...joined(`${field}.kind`, kind, dns1035LabelFaults(kind.toLowerCase()), MIXED_CASE));
  if (listKind)
    errors.push(...joined(`${field}.listKind`, listKind, dns1035LabelFaults(listKind.toLowerCase()), MIXED_CASE));
  shortNames.forEach((name, index) =>
    errors.push(...joined(`${field}.shortNames[${index}]`, name, dns1035LabelFaults(name))),
  );
  if (kind === listKind)
    errors.push(fieldError.invalid(`${field}.listKind`, listKind, "kind and listKind may not be the same"));
  categories.forEach((name, index) =>
    errors.push(...joined(`${field}.categories[${index}]`, name, dns1035LabelFaults(name))),
  );
  return errors;
}

function conversionErrors(conversion: CustomResourceDefinition["spec"]["conversion"], field: string): FieldError[] {
  if (!conversion) return [];
  const { strategy, webhook } = conversion;
  if (!strategy) return [fieldError.required(`${field}.strategy`)];
  if (!STRATEGIES.includes(strategy)) return [fieldError.notSupported(`${field}.strategy`, strategy, STRATEGIES)];
  if (strategy === "None") {
    if (!webhook) return [];
    return [fieldError.forbidden(`${field}.webhook`, "should not be set when strategy is not set to Webhook")];
  }
  const { clientConfig, conversionReviewVersions: versions = [] } = webhook ?? {};
  const at = `${field}.webhookClientConfig`;
  const errors: FieldError[] = [];
  const { url, service } = clientConfig ?? {};
  if (!clientConfig) errors.push(fieldError.required(at, "required when strategy is set to Webhook"));
  else if ((url === undefined) === (service === undefined)) {
    errors.push(fieldError.required(at, "exactly one of url or service is required"));
  } else if (url !== undefined) errors.push(...urlErrors(url, `${at}.url`));
  else if (service) errors.push(...webhookServiceErrors(service, `${at}.service`));
  if (versions.some((version) => version === "v1" || version === "v1beta1")) return errors;
  const why = "must include at least one of v1, v1beta1";
  return [...errors, fieldError.invalid(`${field}.conversionReviewVersions`, versions, why)];
}

function storedErrors(versions: readonly DefinitionVersion[], stored: readonly string[]): FieldError[] {
  const field = "status.storedVersions";
  const names = new Set(versions.map(({ name }) => name));
  if (stored.length === 0) {
    return [fieldError.invalid(field, stored, "must have at least one stored version")];
  }
  const storage = versions.find((version) => version.storage)?.name;
  const errors = stored.flatMap((name, index) => {
    if (names.has(name)) return [];
    const why = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    return [fieldError.invalid(`${field}[${index}]`, name, why)];
  });
  if (storage === undefined || stored.includes(storage)) return errors;
  return [...errors, fieldError.invalid(field, stored, `must have the storage version ${storage}`)];
}

export function validateDefinitionUpdate(
  now: CustomResourceDefinition,
  old: CustomResourceDefinition,
  { subresource }: StrategyContext,
): FieldError[] {
  if (subresource === "status") return [];
  const errors: FieldError[] = [];
  const established = (old.status?.conditions ?? []).some(
    ({ type, status }) => type === "Established" && status === "True",
  );
  if (established) {
    errors.push(...immutableErrors(now.spec.scope, old.spec.scope, "spec.scope"));
    errors.push(...immutableErrors(now.spec.names.kind, old.spec.names.kind, "spec.names.kind"));
  }
  errors.push(...immutableErrors(now.spec.group, old.spec.group, "spec.group"));
  return [...errors, ...immutableErrors(now.spec.names.plural, old.spec.names.plural, "spec.names.plural")];
}
