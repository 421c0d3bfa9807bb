/** What a delete does to an object: decided here, without I/O. After rest.BeforeDelete and store.Delete of k8s.io/apiserver. */
import { formatTime, type KubeObject, type ObjectMeta } from "../machinery/meta.ts";
import type { Resource } from "./scheme.ts";

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: "Orphan" | "Background" | "Foreground";
  preconditions?: { uid?: string; resourceVersion?: string };
}

export type DeletionPlan =
  /** The row goes now; `object` is its last state. */
  | { kind: "remove"; object: KubeObject }
  /** The object is marked and waits for its node or its finalizers. */
  | { kind: "mark"; object: KubeObject }
  /** It is marked already and nothing changes. */
  | { kind: "pending" };

export const FOREGROUND_FINALIZER = "foregroundDeletion";
export const ORPHAN_FINALIZER = "orphan";

/** Never mutates `old`. */
export function planDeletion(
  resource: Resource,
  old: KubeObject,
  { options, nowMs }: { options: DeleteOptions; nowMs: number },
): DeletionPlan {
  const object = structuredClone(old);
  applyPropagation(object.metadata, options.propagationPolicy);
  if (resource.storageName === "namespaces") return planNamespace(object, old, nowMs);
  const asked = options.gracePeriodSeconds === undefined ? undefined : Math.trunc(options.gracePeriodSeconds);
  const grace = graceOf(resource, old, asked !== undefined && asked < 0 ? 1 : asked);
  if (grace.kind === "now") return finish(object, old, nowMs);
  if (grace.kind === "wait") return sameFinalizers(object, old) ? { kind: "pending" } : { kind: "mark", object };
  const { metadata } = object;
  if (old.metadata.deletionTimestamp === undefined) {
    metadata.deletionTimestamp = formatTime(nowMs + grace.seconds * 1000);
    metadata.deletionGracePeriodSeconds = grace.seconds;
    metadata.generation = (metadata.generation ?? 0) + 1;
  } else {
    shorten(metadata, grace.seconds, nowMs);
  }
  return { kind: "mark", object };
}

type Grace = { kind: "now" } | { kind: "wait" } | { kind: "for"; seconds: number };

/** A second delete may only shorten what the first one granted. */
function graceOf(resource: Resource, old: KubeObject, asked: number | undefined): Grace {
  const { strategy } = resource;
  if (!strategy.gracePeriodSeconds) return { kind: "now" };
  if (old.metadata.deletionTimestamp !== undefined) {
    const granted = old.metadata.deletionGracePeriodSeconds ?? 0;
    if (granted === 0 || asked === 0) return { kind: "now" };
    return asked === undefined || asked >= granted ? { kind: "wait" } : { kind: "for", seconds: asked };
  }
  const seconds = strategy.gracePeriodSeconds(old, asked);
  return seconds === undefined || seconds === 0 ? { kind: "now" } : { kind: "for", seconds };
}

/** No grace (left): gone, unless a finalizer holds it. */
function finish(object: KubeObject, old: KubeObject, nowMs: number): DeletionPlan {
  const { metadata } = object;
  const marked = old.metadata.deletionTimestamp !== undefined;
  if (!marked || Date.parse(metadata.deletionTimestamp ?? "") > nowMs) metadata.deletionTimestamp = formatTime(nowMs);
  metadata.deletionGracePeriodSeconds = 0;
  if ((metadata.finalizers?.length ?? 0) === 0) return { kind: "remove", object };
  if (!marked) metadata.generation = (metadata.generation ?? 0) + 1;
  const unchanged = marked && old.metadata.deletionGracePeriodSeconds === 0 && sameFinalizers(object, old);
  return unchanged ? { kind: "pending" } : { kind: "mark", object };
}

function shorten(metadata: ObjectMeta, asked: number, nowMs: number): void {
  const granted = metadata.deletionGracePeriodSeconds ?? 0;
  const startMs = Date.parse(metadata.deletionTimestamp ?? "") - granted * 1000;
  const endMs = startMs + asked * 1000;
  // The time asked for is over already: the shortest grace that is still graceful, so that the node does the final delete.
  metadata.deletionGracePeriodSeconds = endMs < nowMs ? 1 : asked;
  metadata.deletionTimestamp = formatTime(Math.max(endMs, nowMs));
}

function applyPropagation(metadata: ObjectMeta, policy: DeleteOptions["propagationPolicy"]): void {
  if (policy === undefined) return;
  const wanted = policy === "Foreground" ? FOREGROUND_FINALIZER : policy === "Orphan" ? ORPHAN_FINALIZER : undefined;
  const finalizers = (metadata.finalizers ?? []).filter(
    (finalizer) => finalizer === wanted || (finalizer !== FOREGROUND_FINALIZER && finalizer !== ORPHAN_FINALIZER),
  );
  if (wanted !== undefined && !finalizers.includes(wanted)) finalizers.push(wanted);
  if (finalizers.length === 0) delete metadata.finalizers;
  else metadata.finalizers = finalizers;
}

function sameFinalizers(a: KubeObject, b: KubeObject): boolean {
  return JSON.stringify(a.metadata.finalizers ?? []) === JSON.stringify(b.metadata.finalizers ?? []);
}

/** A namespace waits until its content is gone: `spec.finalizers` holds it, and only `/finalize` may clear that. */
function planNamespace(object: KubeObject, old: KubeObject, nowMs: number): DeletionPlan {
  if (old.metadata.deletionTimestamp === undefined) {
    object.metadata.deletionTimestamp = formatTime(nowMs);
    object["status"] = { ...(object["status"] as object | undefined), phase: "Terminating" };
  }
  if (namespaceFinalizers(object).length === 0 && (object.metadata.finalizers?.length ?? 0) === 0) {
    return { kind: "remove", object };
  }
  const unchanged = old.metadata.deletionTimestamp !== undefined && sameFinalizers(object, old);
  return unchanged ? { kind: "pending" } : { kind: "mark", object };
}

function namespaceFinalizers(namespace: KubeObject): readonly string[] {
  return (namespace["spec"] as { finalizers?: string[] } | undefined)?.finalizers ?? [];
}

/** True when an update took away the last thing that held a deleted object. */
export function isReadyToRemove(resource: Resource, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (deletionTimestamp === undefined || (finalizers?.length ?? 0) > 0) return false;
  if (resource.storageName === "namespaces") return namespaceFinalizers(object).length === 0;
  return (deletionGracePeriodSeconds ?? 0) === 0;
}
