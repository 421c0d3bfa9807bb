/** A node is revoked by deleting it: its machine has to join anew. */
import type { Revocation } from "../machinery/opener.ts";
import type { LogEntry } from "../storage/storage.ts";

const USER_PREFIX = "system:node:";

/** Undefined where these commits remove no node. */
export function revokedNodes(entries: readonly LogEntry[]): Revocation | undefined {
  const nodes = entries
    .filter(({ resource, type }) => resource === "nodes" && type === "DELETED")
    .map(({ name }) => name);
  return nodes.length === 0 ? undefined : { nodes, users: nodes.map((name) => USER_PREFIX + name) };
}
