import { qualifiedNameFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { sameJson } from "../../../registry/same-json.ts";
import { flag, text } from "../../columns.ts";
import { immutableErrors } from "../../immutable.ts";
import { parameterErrors, provisionerErrors } from "../class-validation.ts";
import type { StorageClass } from "../types.ts";
import { isDefault } from "./default-class.ts";

const RECLAIM_POLICIES = ["Delete", "Retain"];
const BINDING_MODES = ["Immediate", "WaitForFirstConsumer"];

export const storageClassKind = defineKind<StorageClass>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "StorageClass",
  plural: "storageclasses",
  namespaced: false,
  schema: "io.k8s.api.storage.v1.StorageClass",
  answersDeleted: true,
  shortNames: ["sc"],
  columns: [
    { ...nameColumn, value: ({ metadata }) => `${metadata.name ?? ""}${isDefault(metadata) ? " (default)" : ""}` },
    text("Provisioner", "Who makes its volumes.", ({ provisioner }) => provisioner),
    text("ReclaimPolicy", "What becomes of a volume that is let go.", ({ reclaimPolicy }) => reclaimPolicy ?? "Delete"),
    text("VolumeBindingMode", "When a volume is made.", ({ volumeBindingMode }) => volumeBindingMode ?? "Immediate"),
    // Of type string, though Kubernetes writes a boolean.
    {
      ...flag<StorageClass>(
        "AllowVolumeExpansion",
        "Whether volumes may grow.",
        ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false,
      ),
      type: "string",
    },
    ageColumn,
  ],
  strategy: {
    countsGenerations: false,
    default(storageClass) {
      storageClass.reclaimPolicy ??= "Delete";
      storageClass.volumeBindingMode ??= "Immediate";
    },
    validate: validateStorageClass,
    validateUpdate: (now, old) => [
      ...(["parameters", "provisioner", "reclaimPolicy"] as const)
        .filter((name) => !sameJson(now[name], old[name]))
        .map((name) => fieldError.forbidden(name, `updates to ${name} are forbidden.`)),
      ...immutableErrors(now.volumeBindingMode, old.volumeBindingMode, "volumeBindingMode"),
    ],
  },
});

function validateStorageClass(storageClass: StorageClass): FieldError[] {
  const { provisioner, parameters = {}, reclaimPolicy: policy, volumeBindingMode: mode } = storageClass;
  const errors = [...provisionerErrors(provisioner, "provisioner"), ...parameterErrors(parameters, "parameters")];
  if (policy && !RECLAIM_POLICIES.includes(policy)) {
    errors.push(fieldError.notSupported("reclaimPolicy", policy, RECLAIM_POLICIES));
  }
  if (mode !== undefined && !BINDING_MODES.includes(mode)) {
    errors.push(fieldError.notSupported("volumeBindingMode", mode, BINDING_MODES));
  }
  return [...errors, ...topologyErrors(storageClass.allowedTopologies ?? [])];
}

function topologyErrors(terms: NonNullable<StorageClass["allowedTopologies"]>): FieldError[] {
  const seen = new Set<string>();
  return terms.flatMap(({ matchLabelExpressions: expressions = [] }, index) => {
    const at = `allowedTopologies[${index}].matchLabelExpressions`;
    const errors: FieldError[] = [];
    const keys = new Set<string>();
    expressions.forEach(({ key, values = [] }, at2) => {
      const field = `${at}[${at2}]`;
      if (values.length === 0) errors.push(fieldError.required(`${field}.values`));
      const unique = new Set<string>();
      values.forEach((value, at3) => {
        if (unique.has(value)) errors.push(fieldError.duplicate(`${field}.values[${at3}]`, value));
        unique.add(value);
      });
      errors.push(...invalidFor(`${field}.key`, key, qualifiedNameFaults(key)));
      if (keys.has(key)) errors.push(fieldError.duplicate(`${field}.key`, key));
      keys.add(key);
    });
    const term = expressions
      .map(({ key, values = [] }) => `${key}=${values.toSorted().join(",")}`)
      .toSorted()
      .join(" ");
    if (seen.has(term)) errors.push(fieldError.duplicate(at, ""));
    seen.add(term);
    return errors;
  });
}
