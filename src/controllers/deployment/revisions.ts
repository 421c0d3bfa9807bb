/**
 * Revisions of a Deployment, which of them are kept, and the annotations that its new ReplicaSet carries.
 * After SetNewReplicaSetAnnotations in pkg/controller/deployment/util of Kubernetes.
 */
import type { DeploymentView, ReplicaSetView } from "../../controller-runtime/views/workload-views.ts";
import { DESIRED_REPLICAS, MAX_REPLICAS, sizeAnnotations } from "./plan.ts";

export const REVISION = "deployment.kubernetes.io/revision";
export const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
const HISTORY_CHARACTERS_MAX = 2000;
const REVISION_MAX = 2n ** 63n - 1n;
/** The Deployment's own affair. What kubectl last applied is one too, but views leave it out. */
const NOT_INHERITED: ReadonlySet<string> = new Set([
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  "deprecated.deployment.rollback.to",
]);

type Annotated = { metadata: { annotations?: Readonly<Record<string, string>> } };

/** 64 bits, as Kubernetes counts: an adopted ReplicaSet may bring a revision beyond 2^53. What is no such number is 0. */
export function revisionOf({ metadata }: Annotated): bigint {
  const text = metadata.annotations?.[REVISION] ?? "";
  if (!/^[+-]?[0-9]{1,19}$/.test(text)) return 0n;
  const revision = BigInt(text.replace(/^\+/, ""));
  return revision > REVISION_MAX ? 0n : revision;
}

/** Of a ReplicaSet that is to follow these. */
export function nextRevision(old: readonly ReplicaSetView[]): bigint {
  return old.map(revisionOf).reduce((newest, revision) => (revision > newest ? revision : newest), 0n) + 1n;
}

/** Oldest first. */
function byRevision(a: ReplicaSetView, b: ReplicaSetView): number {
  const difference = revisionOf(a) - revisionOf(b);
  return difference < 0n ? -1 : Number(difference > 0n);
}

/**
 * The annotations that the new ReplicaSet is to have at least. Where `revision` is newer than its own, it is rolled back to:
 * what it had goes into its history. `current` is undefined before it is made.
 */
export function newReplicaSetAnnotations(
  deployment: DeploymentView,
  { current, revision }: { current: ReplicaSetView | undefined; revision: bigint },
): Record<string, string> {
  const before = current?.metadata.annotations ?? {};
  const known = current ? revisionOf(current) : 0n;
  const isNewer = revision > known;
  return {
    ...inherited(deployment),
    ...sizeAnnotations(deployment),
    [REVISION]: String(isNewer ? revision : known),
    ...(isNewer && known > 0n
      ? { [REVISION_HISTORY]: withRevision(before[REVISION_HISTORY] ?? "", String(known)) }
      : {}),
  };
}

/** Old ReplicaSets that are empty and beyond the history that is kept, oldest revision first. */
export function planCleanup(deployment: DeploymentView, old: readonly ReplicaSetView[]): ReplicaSetView[] {
  const surplus = old.length - deployment.revisionHistoryLimit;
  if (surplus <= 0) return [];
  return old
    .toSorted(byRevision)
    .slice(0, surplus)
    .filter(
      ({ replicas, status, metadata }) =>
        replicas === 0 &&
        status.replicas === 0 &&
        metadata.deletionTimestamp === undefined &&
        (status.observedGeneration ?? 0) >= metadata.generation,
    );
}

function inherited(deployment: DeploymentView): Record<string, string> {
  const all = Object.entries(deployment.metadata.annotations ?? {});
  return Object.fromEntries(all.filter(([key]) => !NOT_INHERITED.has(key)));
}

/** The oldest make room. */
function withRevision(history: string, revision: string): string {
  const all = [...history.split(",").filter(Boolean), revision];
  while (all.join(",").length > HISTORY_CHARACTERS_MAX) all.shift();
  return all.join(",");
}
