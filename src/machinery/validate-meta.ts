/** The rules of metadata, for every kind alike: k8s.io/apimachinery/pkg/api/validation/objectmeta.go. */
import { parseApiVersion } from "./gvk.ts";
import type { ObjectMeta, OwnerReference } from "./meta.ts";
import {
  byteLength,
  dnsLabelFaults,
  labelValueFaults,
  nameFaults,
  qualifiedNameFaults,
  type NameRule,
} from "./names.ts";
import { fieldError, type FieldError } from "./status-error.ts";

const ANNOTATIONS_BYTES_MAX = 256 * 1024;

/** Faults told of one map: a body can hold hundreds of thousands. */
const MAP_ERRORS_MAX = 100;

export interface MetaRules {
  namespaced: boolean;
  nameRule: NameRule;
  /** Path of the metadata, normally "metadata". */
  field: string;
}

/** Of a new object, whose name has been generated. Never mutates. */
export function validateObjectMeta(meta: ObjectMeta, rules: MetaRules): FieldError[] {
  const { field, nameRule } = rules;
  const errors: FieldError[] = [];
  if (meta.generateName) {
    errors.push(
      ...invalids(
        `${field}.generateName`,
        meta.generateName,
        nameFaults(nameRule, meta.generateName, { prefix: true }),
      ),
    );
  }
  if (!meta.name) errors.push(fieldError.required(`${field}.name`, "name or generateName is required"));
  else errors.push(...invalids(`${field}.name`, meta.name, nameFaults(nameRule, meta.name)));
  errors.push(...namespaceErrors(meta, rules));
  return [...errors, ...commonErrors(meta, field)];
}

const IMMUTABLE = [
  "name",
  "namespace",
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
] as const;

/**
 * Of a changed object. That a deleted object gets no new finalizers and that the revision is the current one is the registry's to
 * say: it knows the stored object. Never mutates.
 */
export function validateObjectMetaUpdate(
  meta: ObjectMeta,
  old: ObjectMeta,
  { field }: Pick<MetaRules, "field">,
): FieldError[] {
  const errors: FieldError[] = [];
  if ((meta.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(fieldError.invalid(`${field}.generation`, meta.generation ?? 0, "must not be decremented"));
  }
  for (const name of IMMUTABLE) {
    if ((meta[name] ?? null) === (old[name] ?? null)) continue;
    errors.push(fieldError.invalid(`${field}.${name}`, meta[name] ?? "", "field is immutable"));
  }
  return [...errors, ...commonErrors(meta, field)];
}

function invalids(field: string, value: unknown, faults: readonly string[]): FieldError[] {
  return faults.map((fault) => fieldError.invalid(field, value, fault));
}

function namespaceErrors(meta: ObjectMeta, { namespaced, field }: MetaRules): FieldError[] {
  const path = `${field}.namespace`;
  if (!namespaced) return meta.namespace ? [fieldError.forbidden(path, "not allowed on this type")] : [];
  if (!meta.namespace) return [fieldError.required(path)];
  return invalids(path, meta.namespace, dnsLabelFaults(meta.namespace));
}

function commonErrors(meta: ObjectMeta, field: string): FieldError[] {
  const generation = meta.generation ?? 0;
  const why = "must be greater than or equal to 0";
  return [
    ...(generation < 0 ? [fieldError.invalid(`${field}.generation`, generation, why)] : []),
    ...validateLabels(meta.labels, `${field}.labels`),
    ...validateAnnotations(meta.annotations, `${field}.annotations`),
    ...ownerReferenceErrors(meta.ownerReferences, `${field}.ownerReferences`),
    ...finalizerErrors(meta.finalizers, `${field}.finalizers`),
  ];
}

export function validateLabels(labels: Readonly<Record<string, string>> | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (errors.length >= MAP_ERRORS_MAX) break;
    errors.push(...invalids(field, key, qualifiedNameFaults(key)));
    errors.push(...invalids(field, value, labelValueFaults(value)));
  }
  return errors;
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    if (errors.length < MAP_ERRORS_MAX) errors.push(...invalids(field, key, qualifiedNameFaults(key.toLowerCase())));
    bytes += byteLength(key) + byteLength(value);
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) errors.push(fieldError.tooLong(field, ANNOTATIONS_BYTES_MAX));
  return errors;
}

function ownerReferenceErrors(owners: readonly OwnerReference[] | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let controller = "";
  (owners ?? []).forEach((owner, index) => {
    errors.push(...ownerErrors(owner, `${field}[${index}]`));
    if (owner.controller !== true) return;
    const name = `${owner.kind}/${owner.name}`;
    if (controller === "") {
      controller = name;
      return;
    }
    const why = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
    errors.push(fieldError.invalid(field, owners, why));
  });
  return errors;
}

function ownerErrors(owner: OwnerReference, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const { group, version } = parseApiVersion(owner.apiVersion ?? "");
  if (!owner.apiVersion) {
    errors.push(fieldError.required(`${field}.apiVersion`, "must not be empty"));
  } else if (version === "" || version.includes("/")) {
    errors.push(fieldError.invalid(`${field}.apiVersion`, owner.apiVersion, "must be <group>/<version> or <version>"));
  }
  for (const name of ["kind", "name", "uid"] as const) {
    if (!owner[name]) errors.push(fieldError.required(`${field}.${name}`, "must not be empty"));
  }
  if (group === "" && version === "v1" && owner.kind === "Event") {
    errors.push(fieldError.invalid(field, owner, "/v1, Kind=Event is disallowed from being an owner"));
  }
  return errors;
}

function finalizerErrors(finalizers: readonly string[] | undefined, field: string): FieldError[] {
  const all = finalizers ?? [];
  const errors = all.flatMap((finalizer) => invalids(field, finalizer, qualifiedNameFaults(finalizer)));
  if (all.includes("orphan") && all.includes("foregroundDeletion")) {
    errors.push(fieldError.invalid(field, all, "finalizer orphan and foregroundDeletion cannot be both set"));
  }
  return errors;
}
