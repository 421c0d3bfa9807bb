/** CustomResourceDefinition: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation, rules, texts and order. */
import { celEnvironment, type CelEnvironment } from "../../../cel/environment.ts";
import { dns1035LabelFaults, dnsSubdomainFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { validateOneOf } from "../../../machinery/validation.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { sameJson } from "../../../registry/same-json.ts";
import { defaultErrors } from "../../../schema/custom/defaults.ts";
import { schemasIn } from "../../../schema/custom/json-schema.ts";
import { leniencyOf, STRICT, type SchemaLeniency } from "../../../schema/custom/openapi-rules.ts";
import { EXPRESSIONS_SIZE_MAX } from "../../../schema/custom/rule-expressions.ts";
import { immutableErrors } from "../../immutable.ts";
import { approvalErrors } from "./approval.ts";
import { knowsReviewVersion } from "../../admissionregistration/webhooks.ts";
import { conversionErrors } from "./conversion.ts";
import { hasStatus, internalSpec, schemasOf, type SharedParts } from "./internal-spec.ts";
import { joinedFaults, nameErrors, requiredNameErrors } from "./names.ts";
import { schemaErrors } from "./schema-errors.ts";
import { columnErrors, scaleErrors, selectableErrors } from "./shared-parts.ts";
import type { CustomResourceDefinition, DefinitionVersion } from "./types.ts";

type Spec = CustomResourceDefinition["spec"];

const SCOPES = ["Cluster", "Namespaced"];
const WARNING_BYTES_MAX = 256;

/** What need not hold in an update, as it does not hold in what is stored. */
interface Leniency extends SchemaLeniency {
  anyReviewVersion: boolean;
  old?: Spec;
}

export function validateNewDefinition(definition: CustomResourceDefinition): FieldError[] {
  const { metadata, spec } = definition;
  const errors: FieldError[] = [];
  if (metadata.name !== `${spec.names.plural}.${spec.group}`) {
    const why = 'must be spec.names.plural+"."+spec.group';
    errors.push(fieldError.invalid("metadata.name", metadata.name ?? "", why));
  }
  return [
    ...errors,
    ...specErrors(spec, { ...STRICT, anyReviewVersion: false }),
    ...statusErrors(definition),
    ...approvalErrors(definition, undefined),
    ...preserveErrors(spec),
  ];
}

export function validateDefinitionUpdate(
  now: CustomResourceDefinition,
  old: CustomResourceDefinition,
  { subresource }: StrategyContext,
): FieldError[] {
  if (subresource === "status") return nameErrors(now.status?.acceptedNames ?? {}, "status.acceptedNames");
  const { spec } = now;
  const strict = specErrors(spec, { ...STRICT, anyReviewVersion: false, old: old.spec });
  const own = strict.length === 0 ? strict : specErrors(spec, leniencyFor(old.spec));
  return [
    ...own,
    ...changeErrors(spec, old),
    ...statusErrors(now),
    ...approvalErrors(now, old),
    ...(old.spec.preserveUnknownFields ? [] : preserveErrors(spec)),
  ];
}

function leniencyFor(old: Spec): Leniency {
  const versions = old.conversion?.webhook?.conversionReviewVersions ?? [];
  const anyReviewVersion = versions.length > 0 && !knowsReviewVersion(versions);
  const schemas = schemasOf(old);
  const unknownFields = schemas.some(
    (schema) => defaultErrors(schema, "").length > defaultErrors(schema, "", { mayHaveUnknown: true }).length,
  );
  return { ...leniencyOf(schemas, schemasIn), unknownFields, anyReviewVersion, old };
}

function changeErrors(now: Spec, { spec: old, status }: CustomResourceDefinition): FieldError[] {
  const established = (status?.conditions ?? []).some(
    (condition) => condition.type === "Established" && condition.status === "True",
  );
  return [
    ...(established
      ? [
          ...immutableErrors(now.scope, old.scope, "spec.scope"),
          ...immutableErrors(now.names.kind, old.names.kind, "spec.names.kind"),
        ]
      : []),
    ...immutableErrors(now.group, old.group, "spec.group"),
    ...immutableErrors(now.names.plural, old.names.plural, "spec.names.plural"),
  ];
}

function specErrors(spec: Spec, leniency: Leniency): FieldError[] {
  const { group, names, scope, versions = [] } = spec;
  const { shared, versions: rest } = internalSpec(spec);
  const environment = celEnvironment().withBudget(EXPRESSIONS_SIZE_MAX);
  const errors = [...groupErrors(group, "spec.group"), ...validateOneOf(scope, "spec.scope", SCOPES)];
  versions.forEach(({ schema }, index) => {
    if (schema?.openAPIV3Schema) return;
    errors.push(fieldError.required(`spec.versions[${index}].schema.openAPIV3Schema`));
  });
  rest.forEach((version, index) => {
    const at = `spec.versions[${index}]`;
    errors.push(...joinedFaults(`${at}.name`, version.name, dns1035LabelFaults(version.name)));
    errors.push(...warningErrors(version, `${at}.deprecationWarning`));
    const parts = { ...version, subresources: version.subresources ?? shared.subresources } as SharedParts;
    errors.push(...versionErrors(version, { field: at, hasStatus: hasStatus(parts), leniency, environment }));
  });
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    errors.push(fieldError.invalid("spec.versions", versions, "must contain unique version names"));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(
      fieldError.invalid("spec.versions", versions, "must have exactly one version marked as storage version"),
    );
  }
  errors.push(...requiredNameErrors(names, "spec.names"), ...nameErrors(names, "spec.names"));
  errors.push(...versionErrors(shared, { field: "spec", hasStatus: versions.some(hasStatus), leniency, environment }));
  if (spec.preserveUnknownFields && (spec.conversion?.strategy ?? "None") !== "None") {
    const why = "must be None if spec.preserveUnknownFields is true";
    errors.push(fieldError.invalid("spec.conversion.strategy", spec.conversion?.strategy, why));
  }
  return [...errors, ...conversionErrors(spec.conversion, "spec.conversion", leniency)];
}

function groupErrors(group: string, field: string): FieldError[] {
  if (!group) return [fieldError.required(field)];
  const faults = dnsSubdomainFaults(group);
  if (faults.length > 0) return joinedFaults(field, group, faults);
  return group.includes(".") ? [] : [fieldError.invalid(field, group, "should be a domain with at least one dot")];
}

function warningErrors({ deprecated, deprecationWarning: warning }: DefinitionVersion, field: string): FieldError[] {
  if (warning === undefined) return [];
  if (!deprecated) return [fieldError.invalid(field, warning, "can only be set for deprecated versions")];
  const errors: FieldError[] = [];
  const bytes = new TextEncoder().encode(warning);
  if (bytes.length > WARNING_BYTES_MAX) {
    errors.push(fieldError.invalid(field, warning, `must be <= ${WARNING_BYTES_MAX} characters long`));
  }
  if (warning === "") errors.push(fieldError.invalid(field, warning, "must not be an empty string"));
  const unprintable = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.exec(warning);
  if (unprintable) {
    const index = new TextEncoder().encode(warning.slice(0, unprintable.index)).length;
    const why = `must only contain printable UTF-8 characters; non-printable character found at index ${index}`;
    errors.push(fieldError.invalid(field, warning, why));
  }
  return errors;
}

interface VersionChecks {
  field: string;
  hasStatus: boolean;
  leniency: Leniency;
  environment: CelEnvironment;
}

/** `field` is `spec` for what all versions have alike, whose schema is then called "validation". */
function versionErrors(
  parts: SharedParts & { name?: string },
  { field, hasStatus: isStrictRoot, leniency, environment }: VersionChecks,
): FieldError[] {
  const schema = parts.schema?.openAPIV3Schema;
  const holder = `${field}.${field === "spec" ? "validation" : "schema"}`;
  return [
    ...(schema
      ? schemaErrors(schema, holder, {
          hasStatus: isStrictRoot,
          leniency,
          isStored: hadTheSame("schema", parts, leniency.old),
          environment,
        })
      : []),
    ...scaleErrors(parts, field),
    ...columnErrors(parts, field),
    ...selectableErrors(parts, schema, { field, mayHaveMany: hadTheSame("selectableFields", parts, leniency.old) }),
  ];
}

/** Was the part stored so? Then it may break rules that came later. */
function hadTheSame(
  part: "schema" | "selectableFields",
  parts: SharedParts & { name?: string },
  old: Spec | undefined,
): boolean {
  const before = old?.versions?.find((version) => parts.name === undefined || version.name === parts.name);
  return before !== undefined && sameJson(before[part], parts[part]);
}

function preserveErrors({ preserveUnknownFields }: Spec): FieldError[] {
  if (!preserveUnknownFields) return [];
  const why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
  return [fieldError.invalid("spec.preserveUnknownFields", true, why)];
}

function statusErrors({ spec: { versions = [] }, status }: CustomResourceDefinition): FieldError[] {
  return [
    ...nameErrors(status?.acceptedNames ?? {}, "status.acceptedNames"),
    ...storedErrors(versions, status?.storedVersions ?? []),
  ];
}

function storedErrors(versions: readonly DefinitionVersion[], stored: readonly string[]): FieldError[] {
  const field = "status.storedVersions";
  if (stored.length === 0) return [fieldError.invalid(field, stored, "must have at least one stored version")];
  const errors: FieldError[] = [];
  for (const { name, storage } of versions) {
    if (storage && !stored.includes(name)) {
      errors.push(fieldError.invalid(field, stored, `must have the storage version ${name}`));
    }
  }
  stored.forEach((name, index) => {
    if (versions.some((version) => version.name === name)) return;
    const why = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    errors.push(fieldError.invalid(`${field}[${index}]`, name, why));
  });
  return errors;
}
