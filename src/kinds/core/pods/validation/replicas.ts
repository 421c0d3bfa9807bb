/** Counts of pods that the status of a workload reports. */
import { fieldError, type FieldError } from "../../../../machinery/status-error.ts";
import { validateNonnegatives } from "../../../../machinery/validation.ts";

interface ReplicaCounts {
  replicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
}

/** Counts of pods of a status: never negative, and `parts` of all replicas no more than all. */
export function validateReplicaCounts(
  status: ReplicaCounts | undefined,
  { counts, parts }: { counts: readonly string[]; parts: readonly string[] },
): FieldError[] {
  const errors = validateNonnegatives(status, "status", counts);
  const numbers = (status ?? {}) as Record<string, number | undefined>;
  for (const part of parts) {
    const count = numbers[part] ?? 0;
    if (count <= (status?.replicas ?? 0)) continue;
    errors.push(fieldError.invalid(`status.${part}`, count, "cannot be greater than status.replicas"));
  }
  return errors;
}

/** What is available has been ready for a while. `than` as messages write it. */
export function validateAvailable(status: ReplicaCounts | undefined, than = "readyReplicas"): FieldError[] {
  const available = status?.availableReplicas ?? 0;
  if (available <= (status?.readyReplicas ?? 0)) return [];
  return [fieldError.invalid("status.availableReplicas", available, `cannot be greater than ${than}`)];
}
