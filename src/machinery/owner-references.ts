/** Owners that are named twice in the same words (k8s.io/apiserver/pkg/endpoints/handlers/rest.go). */
import type { KubeObject, OwnerReference } from "./meta.ts";

/** When the duplicates were found: what the client sent, or what became of it. */
export type OwnersOf = "request" | "admission";

/** Keeps one of those that are the same, in place. Returns the warning to give, undefined where there is none. */
export function dedupOwnerReferences({ metadata }: KubeObject, found: OwnersOf): string | undefined {
  const owners = metadata.ownerReferences;
  if (!owners || owners.length < 2) return undefined;
  const seen = new Set<string>();
  const duplicates: string[] = [];
  const kept = owners.filter((owner) => {
    const key = keyOf(owner);
    if (!seen.has(key)) return seen.add(key);
    duplicates.push(owner.uid);
    return false;
  });
  if (duplicates.length === 0) return undefined;
  metadata.ownerReferences = kept;
  const where = found === "admission" ? " after mutating admission happens" : "";
  return `.metadata.ownerReferences contains duplicate entries${where}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${duplicates.join(", ")}`;
}

function keyOf({ apiVersion, kind, name, uid, controller, blockOwnerDeletion }: OwnerReference): string {
  return JSON.stringify([apiVersion, kind, name, uid, controller ?? null, blockOwnerDeletion ?? null]);
}
