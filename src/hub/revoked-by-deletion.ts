/**
 * Credentials that end with objects: a node's with its Node, so that its machine has to join anew; a service account's with the account, and
 * with the pod, Secret or node that it is bound to.
 */
import type { Revocation } from "../machinery/opener.ts";
import type { LogEntry } from "../storage/storage.ts";

const USER_PREFIX = "system:node:";
const BINDING: ReadonlySet<string> = new Set(["serviceaccounts", "secrets", "pods", "nodes"]);

/** Undefined where these commits remove nothing that a credential is bound to. */
export function revokedByDeletion(entries: readonly LogEntry[]): Revocation | undefined {
  const gone = entries.filter(({ resource, type }) => type === "DELETED" && BINDING.has(resource));
  if (gone.length === 0) return undefined;
  const objects = gone.map(({ uid }) => uid);
  const nodes = gone.filter(({ resource }) => resource === "nodes").map(({ name }) => name);
  return nodes.length === 0 ? { objects } : { objects, nodes, users: nodes.map((name) => USER_PREFIX + name) };
}
