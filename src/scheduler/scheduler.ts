/** Gives pods their nodes. Its own queue decides the order, so for the manager it is a controller with a single key. */
import type { Client } from "../client/client.ts";
import { referenceTo, type EventRecorder } from "../controller-runtime/events.ts";
import type { Change } from "../controller-runtime/informer.ts";
import type { Controller } from "../controller-runtime/manager.ts";
import type { ReconcileResult } from "../controller-runtime/reconciler.ts";
import type { Stores } from "../controller-runtime/stores.ts";
import type { NodeView } from "../controller-runtime/views/node-view.ts";
import { isFinished, type PodView } from "../controller-runtime/views/pod-view.ts";
import { keyOf } from "../controller-runtime/views/view.ts";
import { pods, type Pod } from "../kinds/core/pods/types.ts";
import { formatTime } from "../machinery/meta.ts";
import { isStatusError } from "../machinery/status-error.ts";
import type { Platform } from "../platform/platform.ts";
import { decide, type Decision } from "./cycle.ts";
import { PLUGINS } from "./plugins/index.ts";
import { createSchedulingQueue } from "./queue.ts";
import { createSnapshot } from "./snapshot.ts";

export interface SchedulerDeps {
  client: Client;
  stores: Pick<Stores, "pods" | "nodes">;
  recorder: EventRecorder;
  platform: Platform;
}

const NAME = "default-scheduler";
const POD = { apiVersion: "v1", kind: "Pod" };
const TURN = "turn";
/** Decisions in one turn: then others get theirs. Bindings of a turn go out together, so that the hub commits them in a group. */
const PODS_A_TURN = 64;

export function createScheduler(deps: SchedulerDeps): Controller {
  const { client, stores, recorder, platform } = deps;
  const { clock, random } = platform;
  const queue = createSchedulingQueue({ clock });
  const snapshot = createSnapshot();
  /** The last message of each pod that has no node. */
  const told = new Map<string, string>();
  let startAt = 0;

  function podChanged({ before, after }: Change<PodView>): void {
    const old = before?.metadata.uid;
    if (before && old !== undefined && old !== after?.metadata.uid) {
      snapshot.removePod(old);
      leave(old);
      if (before.nodeName !== "") queue.happened("pod-gone");
    }
    if (after === undefined) return;
    const { uid } = after.metadata;
    snapshot.setPod(after);
    if (isWaiting(after)) {
      if (snapshot.isAssumed(uid)) return;
      // Its own status says nothing new.
      if (before && before.metadata.uid === uid && isWaiting(before) && placementOf(before) === placementOf(after))
        return;
      queue.add(after);
      return;
    }
    leave(uid);
    if (before && before.metadata.uid === uid && !isFinished(before) && isFinished(after)) queue.happened("pod-gone");
  }

  function leave(uid: string): void {
    queue.remove(uid);
    told.delete(uid);
  }

  function nodeChanged({ before, after }: Change<NodeView>): void {
    if (after === undefined) {
      if (before) snapshot.removeNode(before.metadata.name);
      return;
    }
    snapshot.setNode(after);
    if (before === undefined) queue.happened("node-added");
    else if (relevant(before) !== relevant(after)) queue.happened("node-changed");
  }

  async function turn(): Promise<ReconcileResult> {
    const writes: Promise<void>[] = [];
    for (let count = 0; count < PODS_A_TURN; count++) {
      const pod = nextPod();
      if (pod === undefined) break;
      const nodes = snapshot.nodes();
      const decision = decide({ pod, nodes, plugins: PLUGINS, fraction: () => random.fraction(), startAt });
      startAt = nodes.length === 0 ? 0 : (startAt + 1) % nodes.length;
      if (decision.node === undefined) {
        writes.push(refuse(pod, decision));
      } else {
        snapshot.assume(pod, decision.node);
        writes.push(bind(pod, decision.node));
      }
    }
    await Promise.all(writes);
    const dueMs = queue.nextDueMs();
    return dueMs === undefined ? { done: true } : { againAfterMs: Math.max(0, dueMs - clock.now()) };
  }

  /** As the store has it now: it may be gone or bound since it was queued. */
  function nextPod(): PodView | undefined {
    for (;;) {
      const queued = queue.pop();
      if (queued === undefined) return undefined;
      const { uid } = queued.metadata;
      const pod = stores.pods.get(keyOf(queued.metadata));
      if (pod && pod.metadata.uid === uid && isWaiting(pod) && !snapshot.isAssumed(uid)) return pod;
      queue.remove(uid);
    }
  }

  async function bind(pod: PodView, node: string): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    try {
      await client.createSubresource(pods, { namespace, name }, "binding", {
        apiVersion: "v1",
        kind: "Binding",
        metadata: { name, namespace, uid },
        target: { apiVersion: "v1", kind: "Node", name: node },
      });
    } catch (error) {
      snapshot.forget(uid);
      if (isStatusError(error, "NotFound")) return leave(uid);
      queue.retry(pod);
      platform.log.warn("a binding failed; it is tried again", { pod: keyOf(pod.metadata), node, error });
      return;
    }
    leave(uid);
    const message = `Successfully assigned ${namespace}/${name} to ${node}`;
    recorder.record({ about: referenceTo(POD, pod), type: "Normal", reason: "Scheduled", message });
  }

  async function refuse(pod: PodView, { message, refusedBy }: Extract<Decision, { node: undefined }>): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    queue.unschedulable(pod, refusedBy);
    if (told.get(uid) === message) return;
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      // Merged by type: where the condition is there already its time stays.
      ...(pod.hasScheduledCondition === "False" ? {} : { lastTransitionTime: formatTime(clock.now()) }),
    };
    const body = { metadata: { uid }, status: { conditions: [condition] } };
    try {
      const written = await client.patch<Pod>(pods, { namespace, name }, "strategic", body, "status");
      told.set(uid, message);
      stores.pods.observe(written);
      // Said before, by an earlier run of this loop: then nothing is written at all.
      if (written.metadata.resourceVersion === pod.metadata.resourceVersion) return;
    } catch (error) {
      if (isStatusError(error, "NotFound")) return leave(uid);
      platform.log.warn("a pod's condition could not be written", { pod: keyOf(pod.metadata), error });
    }
    recorder.record({ about: referenceTo(POD, pod), type: "Warning", reason: "FailedScheduling", message });
  }

  return {
    name: "kube-scheduler",
    concurrency: 1,
    watches: [],
    connect(enqueue) {
      const wake = (): void => {
        if (!queue.isEmpty) enqueue(TURN);
      };
      stores.pods.onChange((change) => {
        podChanged(change);
        wake();
      });
      stores.nodes.onChange((change) => {
        nodeChanged(change);
        wake();
      });
    },
    reconcile: turn,
  };
}

function isWaiting(pod: PodView): boolean {
  return (
    pod.nodeName === "" &&
    pod.schedulerName === NAME &&
    pod.phase === "Pending" &&
    pod.placement?.gated !== true &&
    pod.metadata.deletionTimestamp === undefined
  );
}

/** Everything of a waiting pod that decides where it may go. */
function placementOf({ placement, requests, tolerations, priority }: PodView): string {
  return JSON.stringify([placement, requests, tolerations, priority]);
}

/** Everything of a node that plugins look at. */
function relevant({ metadata, taints, unschedulable, allocatable }: NodeView): string {
  const keys = taints.map(({ key, value, effect }) => [key, value, effect]);
  return JSON.stringify([metadata.labels, keys, unschedulable, allocatable]);
}
