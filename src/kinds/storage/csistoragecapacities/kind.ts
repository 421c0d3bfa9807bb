import { dnsSubdomainFaults } from "../../../machinery/names.ts";
import { readQuantity } from "../../../machinery/quantity.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, validateLabelSelector } from "../../../machinery/validation.ts";
import { defineKind, nameColumn } from "../../../registry/kind.ts";
import { text } from "../../columns.ts";
import { immutableMembers } from "../../immutable.ts";
import type { CsiStorageCapacity } from "../types.ts";

export const csiStorageCapacityKind = defineKind<CsiStorageCapacity>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSIStorageCapacity",
  plural: "csistoragecapacities",
  namespaced: true,
  schema: "io.k8s.api.storage.v1.CSIStorageCapacity",
  columns: [
    nameColumn,
    text("StorageClassName", "The class it is about.", ({ storageClassName }) => storageClassName),
    text("Capacity", "How much room there is.", ({ capacity }) => capacity ?? "<unset>"),
  ],
  strategy: {
    countsGenerations: false,
    allowUnconditionalUpdate: false,
    validate: validateCapacity,
    validateUpdate: (now, old) =>
      immutableMembers(now, old, { field: "", members: ["nodeTopology", "storageClassName"] }),
  },
});

/** pkg/apis/storage/validation of Kubernetes. */
function validateCapacity({ nodeTopology, storageClassName, capacity }: CsiStorageCapacity): FieldError[] {
  const errors = validateLabelSelector(nodeTopology, "nodeTopology");
  errors.push(...invalidFor("storageClassName", storageClassName, dnsSubdomainFaults(storageClassName)));
  if (capacity !== undefined && (readQuantity(capacity)?.nano ?? 0n) < 0n) {
    errors.push(fieldError.invalid("capacity", capacity, "must be greater than or equal to 0"));
  }
  return errors;
}
