/** What becomes of an object whose owners go. After pkg/controller/garbagecollector of Kubernetes. */
import type { OwnerReference } from "../../machinery/meta.ts";

export const FOREGROUND = "foregroundDeletion";
export const ORPHAN = "orphan";

/**
 * present: it is there and stays. ending: it waits for its dependents (foreground). absent: it is gone. unknown: its kind is not
 * served, or can't own this object; nobody can say.
 */
export type OwnerState = "present" | "ending" | "absent" | "unknown";

export type Verdict =
  | { do: "nothing" }
  /** Forget the owners that are gone or going; another keeps the object. */
  | { do: "release"; uids: string[] }
  | { do: "delete"; propagationPolicy: "Background" | "Foreground" | "Orphan" };

export function planDependent(input: {
  owners: readonly { reference: OwnerReference; state: OwnerState }[];
  finalizers: readonly string[];
  isDeleted: boolean;
  hasDependents: boolean;
}): Verdict {
  const { owners, finalizers, isDeleted, hasDependents } = input;
  if (owners.length === 0 || isDeleted) return { do: "nothing" };
  // Where one can't be judged nothing is done at all, not even about the others.
  if (owners.some(({ state }) => state === "unknown")) return { do: "nothing" };
  const leaving = owners.filter(({ state }) => state !== "present");
  if (leaving.length === 0) return { do: "nothing" };
  if (leaving.length < owners.length) return { do: "release", uids: leaving.map(({ reference }) => reference.uid) };
  if (owners.some(({ state }) => state === "ending") && hasDependents) {
    return { do: "delete", propagationPolicy: "Foreground" };
  }
  if (finalizers.includes(ORPHAN)) return { do: "delete", propagationPolicy: "Orphan" };
  if (finalizers.includes(FOREGROUND)) return { do: "delete", propagationPolicy: "Foreground" };
  return { do: "delete", propagationPolicy: "Background" };
}

/** What the event says of a reference into another namespace. */
export function invalidNamespaceMessage({ apiVersion, kind, name, uid }: OwnerReference, namespace: string): string {
  const identity = `[${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`;
  return `ownerRef ${identity} does not exist in namespace ${JSON.stringify(namespace)}`;
}
