/** The refusal of a plugin, named after the object the request is about. */
import { forbidden, StatusError } from "../machinery/status-error.ts";
import type { AdmissionAttributes } from "./admission.ts";

/** An object whose name is yet to be generated is named by its prefix. `cause`: for clients that do not read texts. */
export function refused(
  { group, resource, name, object }: AdmissionAttributes,
  why: string,
  cause?: string,
): StatusError {
  const subject = name || object?.metadata.name || object?.metadata.generateName || "Unknown";
  const refusal = forbidden({ group, resource }, subject, why);
  if (cause === undefined) return refusal;
  return new StatusError("Forbidden", refusal.message, {
    details: { ...refusal.details, causes: [{ reason: cause }] },
  });
}
