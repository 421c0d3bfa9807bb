/** How the API refuses a patch that is well formed but does not fit the object. */
import { StatusError } from "../status-error.ts";

/** 422 with Kubernetes' text, which does not say why; the reason stays the cause. */
export function rejected(why: string): StatusError {
  return new StatusError("Invalid", "the server rejected our request due to an error in our request", {
    details: {},
    cause: new Error(why),
  });
}
