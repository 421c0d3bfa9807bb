/** The refusal of a plugin, named after the object the request is about. */
import { forbidden, type StatusError } from "../machinery/status-error.ts";
import type { AdmissionAttributes } from "./admission.ts";

/** An object whose name is yet to be generated is named by its prefix. */
export function refused({ group, resource, name, object }: AdmissionAttributes, why: string): StatusError {
  return forbidden(
    { group, resource },
    name || object?.metadata.name || object?.metadata.generateName || "Unknown",
    why,
  );
}
