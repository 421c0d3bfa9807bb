/** PersistentVolumeClaim: ValidatePersistentVolumeClaim of pkg/apis/core/validation of Kubernetes. */
import { dnsSubdomainFaults, qualifiedNameFaults } from "../../../machinery/names.ts";
import { compareQuantities, readQuantity } from "../../../machinery/quantity.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, validateLabelSelector } from "../../../machinery/validation.ts";
import { sameJson } from "../../../registry/same-json.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { immutableErrors } from "../../immutable.ts";
import type { ResourceList } from "../pods/types.ts";
import { ACCESS_MODES, classNameErrors, storageErrors, VOLUME_MODES } from "../persistentvolumes/storage.ts";
import type { AccessMode, DataSource, PersistentVolumeClaim, PersistentVolumeClaimSpec } from "./types.ts";

export function validateClaim({ spec }: PersistentVolumeClaim): FieldError[] {
  return validateClaimSpec(spec, "spec");
}

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, field: string): FieldError[] {
  const storage = spec.resources?.requests?.["storage"];
  const at = `${field}.resources[storage]`;
  return [
    ...accessModeErrors(spec.accessModes, `${field}.accessModes`),
    ...validateLabelSelector(spec.selector, `${field}.selector`),
    ...(storage === undefined ? [fieldError.required(at)] : storageErrors(storage, at)),
    ...classNameErrors(spec.storageClassName, `${field}.storageClassName`),
    ...modeErrors(spec.volumeMode, `${field}.volumeMode`),
    ...sourceErrors(spec.dataSource, `${field}.dataSource`),
    ...sourceErrors(spec.dataSourceRef, `${field}.dataSourceRef`),
    ...sameSourceErrors(spec, field),
    ...classNameErrors(spec.volumeAttributesClassName, `${field}.volumeAttributesClassName`),
  ];
}

export function accessModeErrors(modes: readonly AccessMode[] = [], field: string): FieldError[] {
  if (modes.length === 0) return [fieldError.required(field, "at least 1 access mode is required")];
  const errors = modes
    .filter((mode) => !ACCESS_MODES.includes(mode))
    .map((mode) => fieldError.notSupported(field, mode, ACCESS_MODES));
  if (modes.length > 1 && modes.includes("ReadWriteOncePod")) {
    errors.push(fieldError.forbidden(field, "may not use ReadWriteOncePod with other access modes"));
  }
  return errors;
}

export function modeErrors(mode: string | undefined, field: string): FieldError[] {
  return mode === undefined || VOLUME_MODES.includes(mode) ? [] : [fieldError.notSupported(field, mode, VOLUME_MODES)];
}

function sourceErrors(source: DataSource | undefined, field: string): FieldError[] {
  if (!source) return [];
  const { apiGroup = "", kind, name } = source;
  const errors: FieldError[] = [];
  if (!name) errors.push(fieldError.required(`${field}.name`));
  if (!kind) errors.push(fieldError.required(`${field}.kind`));
  if (apiGroup === "" && kind !== "PersistentVolumeClaim") {
    const why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
    errors.push(fieldError.invalid(field, kind ?? "", why));
  }
  if (apiGroup !== "") errors.push(...invalidFor(`${field}.apiGroup`, apiGroup, dnsSubdomainFaults(apiGroup)));
  return errors;
}

function sameSourceErrors({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec, field: string): FieldError[] {
  if (!dataSource || !dataSourceRef) return [];
  if (dataSourceRef.namespace) {
    const why = "may not be specified when dataSourceRef.namespace is specified";
    return [fieldError.invalid(`${field}.dataSource`, dataSource, why)];
  }
  const same = (["apiGroup", "kind", "name"] as const).every((part) => dataSource[part] === dataSourceRef[part]);
  return same ? [] : [fieldError.invalid(field, `${field}.dataSource`, "must match dataSourceRef")];
}

const FROZEN =
  "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";

export function validateClaimUpdate(
  now: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
  { subresource }: StrategyContext,
): FieldError[] {
  if (subresource === "status") return statusErrors(now);
  const errors: FieldError[] = [];
  const changed = frozenChanges(now, old);
  if (changed.length > 0) {
    errors.push(fieldError.forbidden("spec", `${FROZEN}\n${changed.map((name) => `  spec.${name}`).join("\n")}`));
  }
  if (isShrunk(now, old)) {
    const why = "field can not be less than status.capacity";
    errors.push(fieldError.forbidden("spec.resources.requests.storage", why));
  }
  errors.push(...immutableErrors(now.spec.volumeMode, old.spec.volumeMode, "volumeMode"));
  return [...errors, ...attributesClassErrors(now, old)];
}

/** One that has been applied is replaced, never taken away; one that has not may be. */
function attributesClassErrors(now: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const { volumeAttributesClassName: name } = now.spec;
  if (name === old.spec.volumeAttributesClassName || name) return [];
  if (old.status?.currentVolumeAttributesClassName === undefined) return [];
  const what = name === undefined ? "nil" : "empty string";
  const why = `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`;
  return [fieldError.forbidden("spec.volumeAttributesClassName", why)];
}

/** Names of the members that changed although they may not. */
function frozenChanges(now: PersistentVolumeClaim, old: PersistentVolumeClaim): string[] {
  const bound = now.status?.phase === "Bound";
  const part = ({ spec }: PersistentVolumeClaim): Record<string, unknown> => {
    const rest: Record<string, unknown> = { ...spec };
    // A volume, and a class for a claim that came without one, may be given once.
    if (!old.spec.volumeName) delete rest["volumeName"];
    if (old.spec.storageClassName === undefined) delete rest["storageClassName"];
    if (!bound) return rest;
    delete rest["volumeAttributesClassName"];
    const { storage: _storage, ...requests } = spec.resources?.requests ?? {};
    rest["resources"] = { ...spec.resources, requests };
    return rest;
  };
  const [a, b] = [part(now), part(old)];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => !sameJson(a[name], b[name]));
}

/** An expansion that failed may be taken back, but no volume becomes smaller than it is. */
function isShrunk(now: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  const wanted = storageOf(now.spec.resources?.requests);
  const before = storageOf(old.spec.resources?.requests);
  if (compareQuantities(wanted, before) >= 0) return false;
  return compareQuantities(wanted, storageOf(old.status?.capacity)) <= 0;
}

function storageOf(list: ResourceList | undefined) {
  return readQuantity(list?.["storage"] ?? "0") ?? { nano: 0n, format: "DecimalSI" as const };
}

function statusErrors({ spec, status = {} }: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  if ((spec.resources?.requests ?? null) !== null && Object.keys(status.capacity ?? {}).length > 0) {
    for (const [name, text] of Object.entries(status.capacity ?? {})) {
      errors.push(...invalidFor(`status.capacity[${name}]`, name, qualifiedNameFaults(name)));
      const quantity = readQuantity(text);
      if (quantity && quantity.nano < 0n) {
        errors.push(fieldError.invalid(`status.capacity[${name}]`, text, "must be greater than or equal to 0"));
      }
    }
  }
  return errors;
}
