/** What a lost write means to the client. */
import { groupResource } from "../machinery/gvk.ts";
import {
  OBJECT_MODIFIED,
  StatusError,
  alreadyExists,
  conflict,
  forbidden,
  notFound,
} from "../machinery/status-error.ts";
import type { WriteOutcome } from "../storage/storage.ts";
import { named, type Target } from "./context.ts";

/** @throws StatusError "Forbidden" where it was a quota that refused the write */
export function assertAffordable(target: Target, outcome: WriteOutcome): void {
  if (outcome.ok || outcome.reason !== "quota") return;
  throw forbidden(named(target), target.name, outcome.why);
}

/** "taken" (another allocated the same) reaches the client only after all retries. */
export function lostWrite(target: Target, reason: (WriteOutcome & { ok: false })["reason"]): StatusError {
  const of = named(target);
  switch (reason) {
    case "exists":
      return alreadyExists(of, target.name);
    case "missing":
      return notFound(of, target.name);
    case "namespace-missing":
      return notFound({ group: "", resource: "namespaces" }, target.namespace);
    case "namespace-terminating":
      return namespaceTerminating(target);
    case "taken":
      return new StatusError("ServerTimeout", "a unique value could not be allocated, please try again", {
        details: { kind: of.resource, name: target.name, retryAfterSeconds: 1 },
      });
    case "moved":
    case "unexpected":
      return new StatusError("ServerTimeout", "the quotas of the namespace are changing too fast, please try again", {
        details: { kind: of.resource, name: target.name, retryAfterSeconds: 1 },
      });
    case "policy":
      return new StatusError("ServerTimeout", "permissions are changing too fast, please try again", {
        details: { kind: of.resource, name: target.name, retryAfterSeconds: 1 },
      });
    default:
      return conflict(of, target.name, OBJECT_MODIFIED);
  }
}

function namespaceTerminating(target: Target): StatusError {
  const { resource, namespace, name } = target;
  return new StatusError(
    "Forbidden",
    `${groupResource(resource.group, resource.plural)} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
    {
      details: {
        name,
        ...(resource.group === "" ? {} : { group: resource.group }),
        kind: resource.plural,
        causes: [
          {
            reason: "NamespaceTerminating",
            message: `namespace ${namespace} is being terminated`,
            field: "metadata.namespace",
          },
        ],
      },
    },
  );
}
