/** PersistentVolume: ValidatePersistentVolume of pkg/apis/core/validation of Kubernetes. */
import { dnsSubdomainFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { sameJson } from "../../../registry/same-json.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { immutableErrors } from "../../immutable.ts";
import { accessModeErrors, modeErrors } from "../persistentvolumeclaims/validation.ts";
import { validateNodeSelector } from "../pods/validation/scheduling.ts";
import { backstepErrors, hostPathErrors } from "../pods/validation/volumes.ts";
import { classNameErrors, storageErrors } from "./storage.ts";
import type { PersistentVolume, PersistentVolumeSpec } from "./types.ts";

const RECLAIM_POLICIES = ["Delete", "Recycle", "Retain"];
const NOT_SOURCES = new Set([
  "capacity",
  "accessModes",
  "claimRef",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "mountOptions",
  "volumeMode",
  "nodeAffinity",
  "volumeAttributesClassName",
]);

export function validateVolume({ spec }: PersistentVolume): FieldError[] {
  const { accessModes, persistentVolumeReclaimPolicy: policy, nodeAffinity } = spec;
  const modes = accessModes?.length
    ? accessModeErrors(accessModes, "spec.accessModes")
    : [fieldError.required("spec.accessModes")];
  return [
    ...modes,
    ...capacityErrors(spec, "spec.capacity"),
    ...(policy && !RECLAIM_POLICIES.includes(policy)
      ? [fieldError.notSupported("spec.persistentVolumeReclaimPolicy", policy, RECLAIM_POLICIES)]
      : []),
    ...(nodeAffinity ? affinityErrors(nodeAffinity, "spec.nodeAffinity") : []),
    ...sourceErrors(spec, "spec"),
    ...classNameErrors(spec.storageClassName, "spec.storageClassName"),
    ...modeErrors(spec.volumeMode, "spec.volumeMode"),
    ...classNameErrors(spec.volumeAttributesClassName, "spec.volumeAttributesClassName"),
  ];
}

function capacityErrors({ capacity = {} }: PersistentVolumeSpec, field: string): FieldError[] {
  const names = Object.keys(capacity);
  if (names.length === 0) return [fieldError.required(field)];
  const errors: FieldError[] = [];
  if (names.length > 1 || names[0] !== "storage") errors.push(fieldError.notSupported(field, capacity, ["storage"]));
  return [...errors, ...names.flatMap((name) => storageErrors(capacity[name] ?? "", `${field}[${name}]`))];
}

function affinityErrors({ required }: NonNullable<PersistentVolumeSpec["nodeAffinity"]>, field: string): FieldError[] {
  if (!required) return [fieldError.required(`${field}.required`, "must specify required node constraints")];
  return validateNodeSelector(required, `${field}.required`);
}

function sourceErrors(spec: PersistentVolumeSpec, field: string): FieldError[] {
  const [first, ...others] = sourcesOf(spec);
  if (first === undefined) return [fieldError.required(field, "must specify a volume type")];
  return [
    ...oneSourceErrors(spec, `${field}.${first}`),
    ...others.map((name) => fieldError.forbidden(`${field}.${name}`, "may not specify more than 1 volume type")),
  ];
}

function sourcesOf(spec: PersistentVolumeSpec): string[] {
  return Object.keys(spec).filter((name) => !NOT_SOURCES.has(name) && spec[name] !== undefined);
}

function oneSourceErrors(spec: PersistentVolumeSpec, field: string): FieldError[] {
  const { hostPath, local, nfs, csi, persistentVolumeReclaimPolicy: policy } = spec;
  const errors: FieldError[] = [];
  if (hostPath) {
    errors.push(...hostPathErrors(hostPath, field));
    if (hostPath.path === "/" && policy === "Recycle") {
      const why = "may not be 'recycle' for a hostPath mount of '/'";
      errors.push(fieldError.forbidden("spec.persistentVolumeReclaimPolicy", why));
    }
  } else if (local) {
    if (local.path) errors.push(...backstepErrors(local.path, `${field}.path`));
    else errors.push(fieldError.required(`${field}.path`));
    if (!spec.nodeAffinity) {
      errors.push(fieldError.required("metadata.annotations", "Local volume requires node affinity"));
    }
  } else if (nfs) {
    if (!nfs.server) errors.push(fieldError.required(`${field}.server`));
    if (!nfs.path) errors.push(fieldError.required(`${field}.path`));
    if (!nfs.path.startsWith("/"))
      errors.push(fieldError.invalid(`${field}.path`, nfs.path, "must be an absolute path"));
  } else if (csi) {
    const name = csi.driver.toLowerCase();
    if (name === "") errors.push(fieldError.required(`${field}.driver`));
    else errors.push(...invalidFor(`${field}.driver`, name, dnsSubdomainFaults(name)));
    if (!csi.volumeHandle) errors.push(fieldError.required(`${field}.volumeHandle`));
  }
  return errors;
}

export function validateVolumeUpdate(
  now: PersistentVolume,
  old: PersistentVolume,
  { subresource }: StrategyContext,
): FieldError[] {
  if (subresource === "status") return [];
  const errors: FieldError[] = [];
  const changed = [...new Set([...sourcesOf(now.spec), ...sourcesOf(old.spec)])].filter(
    (name) => !sameJson(now.spec[name], old.spec[name]),
  );
  if (changed.length > 0) {
    const why = `spec.persistentvolumesource is immutable after creation\n${changed.map((name) => `  spec.${name}`).join("\n")}`;
    errors.push(fieldError.forbidden("spec.persistentvolumesource", why));
  }
  errors.push(...immutableErrors(now.spec.volumeMode, old.spec.volumeMode, "volumeMode"));
  if (!old.spec.nodeAffinity) return errors;
  return [...errors, ...immutableErrors(now.spec.nodeAffinity, old.spec.nodeAffinity, "nodeAffinity")];
}
