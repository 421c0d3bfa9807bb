/**
 * Pods that have their node and wait until their claims are bound: only then may they be bound themselves. What ends such a wait is
 * checkBindings in pkg/scheduler/framework/plugins/volumebinding/binder.go of Kubernetes.
 */
import type { NodeView } from "../controller-runtime/views/node-view.ts";
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import type { ClaimView } from "../controller-runtime/views/storage-views.ts";
import { keyOf } from "../controller-runtime/views/view.ts";
import type { Clock } from "../platform/platform.ts";
import type { Tables } from "./framework.ts";
import { claimKeys } from "./plugins/claims.ts";
import { isReachable, type VolumePlan } from "./plugins/volume-binding.ts";
import { shapeLike } from "./plugins/volume-restrictions.ts";

export interface WaitingVolumes {
  add(decided: Decided): void;
  /** What the plan asked for is stored, at these revisions of volumes and claims by their keys: from now on it may be found undone. */
  written(uid: string, revisions: ReadonlyMap<string, number>): void;
  remove(uid: string): void;
  /** Those that may be bound now, and those for whom it took too long or whose volumes cannot be had; they wait no longer. */
  take(): { ready: Decided[]; failed: (Decided & { error: Error })[] };
  nextDueMs(): number | undefined;
}

export interface Decided {
  pod: PodView;
  node: string;
  plan: VolumePlan;
  /** Under which the node was chosen. */
  fence: string | undefined;
}

interface Waiting extends Decided {
  untilMs: number;
  revisions: ReadonlyMap<string, number>;
}

interface WaitingVolumesDeps {
  clock: Clock;
  tables: Tables;
  nodeOf: (name: string) => NodeView | undefined;
}

/** kube-scheduler's BindTimeoutSeconds. */
const WAIT_MS_MAX = 600_000;

export function createWaitingVolumes({ clock, tables, nodeOf }: WaitingVolumesDeps): WaitingVolumes {
  const waiting = new Map<string, Waiting>();

  function claimsOf({ pod }: Waiting): (ClaimView | undefined)[] {
    return claimKeys(shapeLike(pod)).map((key) => tables.claims.get(key));
  }

  function faultOf(one: Waiting): string | undefined {
    const node = nodeOf(one.node);
    if (node === undefined) return `node "${one.node}" not found`;
    for (const claim of claimsOf(one)) {
      if (claim === undefined) return "a claim does not exist any more";
      const volume = tables.volumes.get(claim.volumeName);
      if (volume && !isReachable(volume, node)) {
        return `pv "${claim.volumeName}" node affinity doesn't match node "${one.node}"`;
      }
    }
    const undone = undoneIn(one);
    if (undone !== undefined) return undone;
    return one.untilMs <= clock.now() ? "timed out waiting for the condition" : undefined;
  }

  /** What is older than the plan's writes says nothing of them. */
  function undoneIn({ plan, node, revisions }: Waiting): string | undefined {
    for (const { volume } of plan.bind) {
      const { name } = volume.metadata;
      const now = tables.volumes.get(name);
      if (now === undefined) return `persistentvolume "${name}" not found`;
      const isNewer = Number(now.metadata.resourceVersion) >= (revisions.get(name) ?? Infinity);
      if (isNewer && !now.claim?.uid) return `ClaimRef got reset for pv "${name}"`;
    }
    for (const { metadata } of plan.provision) {
      const now = tables.claims.get(keyOf(metadata));
      const isNewer = Number(now?.metadata.resourceVersion) >= (revisions.get(keyOf(metadata)) ?? Infinity);
      // A provisioner that gives up on the node takes the annotation away.
      if (isNewer && now?.selectedNode !== node) return `provisioning failed for PVC "${metadata.name}"`;
    }
    return undefined;
  }

  return {
    add: (one) =>
      void waiting.set(one.pod.metadata.uid, { ...one, untilMs: clock.now() + WAIT_MS_MAX, revisions: new Map() }),
    written(uid, revisions) {
      const one = waiting.get(uid);
      if (one) waiting.set(uid, { ...one, revisions });
    },
    remove: (uid) => void waiting.delete(uid),
    take() {
      const ready: Decided[] = [];
      const failed: (Decided & { error: Error })[] = [];
      for (const [uid, one] of waiting) {
        const fault = faultOf(one);
        if (fault !== undefined) failed.push({ ...one, error: new Error(fault) });
        else if (claimsOf(one).every((claim) => claim?.bound === true)) ready.push(one);
        else continue;
        waiting.delete(uid);
      }
      return { ready, failed };
    },
    nextDueMs() {
      let due: number | undefined;
      for (const { untilMs } of waiting.values()) due = Math.min(due ?? untilMs, untilMs);
      return due;
    },
  };
}
