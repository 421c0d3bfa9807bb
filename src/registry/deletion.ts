/** What a delete does to an object: decided here, without I/O. After rest.BeforeDelete and store.Delete of k8s.io/apiserver. */
import { formatTime, type KubeObject, type ObjectMeta } from "../machinery/meta.ts";
import type { Resource } from "./scheme.ts";
import type { Strategy } from "./strategy.ts";

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: "Orphan" | "Background" | "Foreground";
  preconditions?: { uid?: string; resourceVersion?: string };
}

export type DeletionPlan =
  /** The row goes now; `object` is its last state. */
  | { kind: "remove"; object: KubeObject }
  /** The object is marked and waits for its node or its finalizers. It may be marked like this already. */
  | { kind: "mark"; object: KubeObject }
  /** Its deletion is under way and nothing that was asked for changes it, not even its finalizers. */
  | { kind: "pending" };

export const FOREGROUND_FINALIZER = "foregroundDeletion";
export const ORPHAN_FINALIZER = "orphan";

/** Never mutates `old`. */
export function planDeletion(
  resource: Resource,
  old: KubeObject,
  { options, nowMs }: { options: DeleteOptions; nowMs: number },
): DeletionPlan {
  if (isNamespace(resource)) {
    if (old.metadata.deletionTimestamp === undefined) return beginNamespace(old, options, nowMs);
    if (namespaceFinalizers(old).length > 0) return { kind: "pending" };
  }
  const grace = graceOf(resource.strategy, old, { asked: options.gracePeriodSeconds, nowMs });
  if (grace.kind === "pending") return grace;
  const finalizers = finalizersFor(resource.strategy, old.metadata, options.propagationPolicy);
  const object = structuredClone(old);
  const { metadata } = object;
  setFinalizers(metadata, finalizers);
  if (grace.kind === "graceful") {
    metadata.deletionTimestamp = formatTime(grace.endMs);
    metadata.deletionGracePeriodSeconds = grace.seconds;
    if (old.metadata.deletionTimestamp === undefined) raiseGeneration(metadata);
    return { kind: finalizers.length > 0 || grace.seconds > 0 ? "mark" : "remove", object };
  }
  // What nothing holds goes as it is: its last state was never marked.
  if (finalizers.length === 0) return { kind: "remove", object: structuredClone(old) };
  markAsDeleting(metadata, nowMs);
  return { kind: "mark", object };
}

type Grace =
  /** The kind knows no grace, or what it granted is over. */
  { kind: "none" } | { kind: "pending" } | { kind: "graceful"; seconds: number; endMs: number };

/** A second delete may only shorten what the first one granted. A negative grace counts as one second. */
function graceOf(
  strategy: Strategy,
  old: KubeObject,
  { asked: sent, nowMs }: { asked: number | undefined; nowMs: number },
): Grace {
  if (!strategy.gracePeriodSeconds) return { kind: "none" };
  const asked = sent === undefined ? undefined : notNegative(Math.trunc(sent));
  const { deletionTimestamp, deletionGracePeriodSeconds } = old.metadata;
  if (deletionTimestamp === undefined) {
    const seconds = notNegative(strategy.gracePeriodSeconds(old, asked) ?? 0);
    return { kind: "graceful", seconds, endMs: nowMs + seconds * 1000 };
  }
  const granted = notNegative(deletionGracePeriodSeconds ?? 0);
  if (granted === 0) return { kind: "none" };
  if (asked === undefined || asked >= granted) return { kind: "pending" };
  const endMs = Date.parse(deletionTimestamp) - granted * 1000 + asked * 1000;
  if (endMs >= nowMs) return { kind: "graceful", seconds: asked, endMs };
  // The time asked for is over already: the shortest grace that is still graceful, so that the node does the final delete.
  return { kind: "graceful", seconds: asked === 0 ? 0 : 1, endMs: nowMs };
}

function notNegative(seconds: number): number {
  return seconds < 0 ? 1 : seconds;
}

function markAsDeleting(metadata: ObjectMeta, nowMs: number): void {
  const { deletionTimestamp } = metadata;
  if (deletionTimestamp === undefined) raiseGeneration(metadata);
  if (deletionTimestamp === undefined || Date.parse(deletionTimestamp) > nowMs) {
    metadata.deletionTimestamp = formatTime(nowMs);
  }
  metadata.deletionGracePeriodSeconds = 0;
}

/** Kinds without generations keep none. */
function raiseGeneration(metadata: ObjectMeta): void {
  if (metadata.generation !== undefined && metadata.generation > 0) metadata.generation += 1;
}

/** The request decides, then what the object has already, then the kind. The collector's finalizers come last. */
function finalizersFor(
  { dependents = "delete" }: Strategy,
  { finalizers = [] }: ObjectMeta,
  asked: DeleteOptions["propagationPolicy"],
): readonly string[] {
  const wanted = dependents === "unsupported" ? undefined : collectorsFinalizer(finalizers, asked, dependents);
  const next = finalizers.filter((finalizer) => finalizer !== FOREGROUND_FINALIZER && finalizer !== ORPHAN_FINALIZER);
  if (wanted !== undefined) next.push(wanted);
  const same = next.length === finalizers.length && next.every((finalizer) => finalizers.includes(finalizer));
  return same ? finalizers : next;
}

function collectorsFinalizer(
  current: readonly string[],
  asked: DeleteOptions["propagationPolicy"],
  byDefault: "delete" | "orphan",
): string | undefined {
  if (asked !== undefined) {
    return asked === "Orphan" ? ORPHAN_FINALIZER : asked === "Foreground" ? FOREGROUND_FINALIZER : undefined;
  }
  const present = current.find((finalizer) => finalizer === ORPHAN_FINALIZER || finalizer === FOREGROUND_FINALIZER);
  return present ?? (byDefault === "orphan" ? ORPHAN_FINALIZER : undefined);
}

function setFinalizers(metadata: ObjectMeta, finalizers: readonly string[]): void {
  if (finalizers.length === 0) delete metadata.finalizers;
  else metadata.finalizers = [...finalizers];
}

function isNamespace({ storageName }: Resource): boolean {
  return storageName === "namespaces";
}

/** The first delete only marks it: its content goes first. `spec.finalizers` holds it, and only `/finalize` may clear that. */
function beginNamespace(old: KubeObject, { propagationPolicy }: DeleteOptions, nowMs: number): DeletionPlan {
  const object = structuredClone(old);
  object.metadata.deletionTimestamp = formatTime(nowMs);
  object["status"] = { ...(object["status"] as object | undefined), phase: "Terminating" };
  setFinalizers(object.metadata, finalizersFor({}, object.metadata, propagationPolicy));
  return { kind: "mark", object };
}

function namespaceFinalizers(namespace: KubeObject): readonly string[] {
  return (namespace["spec"] as { finalizers?: string[] } | undefined)?.finalizers ?? [];
}

/** True when an update took away the last thing that held a deleted object. */
export function isReadyToRemove(resource: Resource, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (deletionTimestamp === undefined || (finalizers?.length ?? 0) > 0) return false;
  if (isNamespace(resource) && namespaceFinalizers(object).length > 0) return false;
  return (deletionGracePeriodSeconds ?? 0) === 0;
}
