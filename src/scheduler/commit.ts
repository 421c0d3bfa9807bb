/** Writes what was decided. Each write says of which pod by uid, so that a pod of the same name that came since is left alone. */
import type { Client } from "../client/client.ts";
import { postEach } from "../client/post-each.ts";
import { referenceTo, type EventRecorder } from "../controller-runtime/events.ts";
import type { Stores } from "../controller-runtime/stores.ts";
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import { BOUND_BY_CONTROLLER_ANNOTATION, SELECTED_NODE_ANNOTATION } from "../controller-runtime/views/storage-views.ts";
import { persistentVolumeClaims } from "../kinds/core/persistentvolumeclaims/types.ts";
import { persistentVolumes } from "../kinds/core/persistentvolumes/types.ts";
import { pods, type Pod } from "../kinds/core/pods/types.ts";
import type { ResourceRef } from "../machinery/gvk.ts";
import { formatTime } from "../machinery/meta.ts";
import { isStatusError, type StatusError } from "../machinery/status-error.ts";
import type { Platform } from "../platform/platform.ts";
import { FENCE_ANNOTATION, fenceOf } from "./claim.ts";
import type { VolumePlan } from "./plugins/volume-binding.ts";

export interface CommitDeps {
  client: Client;
  stores: Pick<Stores, "pods">;
  recorder: EventRecorder;
  platform: Platform;
}

export interface Placement {
  pod: PodView;
  node: string;
}

export interface Commit {
  /**
   * All in one request, of which each has its own end: undefined, or why it is not stored. `fence`: the revision of the scheduler's Lease
   * that they hold for. @throws StatusError where nothing is known of any
   */
  bind(placements: readonly Placement[], fence: string): Promise<(StatusError | undefined)[]>;
  /** Answers at which revisions volumes and claims are stored, by their keys. @throws StatusError */
  volumes(plan: VolumePlan, node: string): Promise<Map<string, number>>;
  /** Says so in the pod's condition and an event. "" ends a nomination, undefined leaves it. Answers whether there is such a pod. */
  unscheduled(pod: PodView, why: Why): Promise<boolean>;
  /** Makes victims go, each with its own end as a binding has. Answers what failed. @throws StatusError where nothing is known of some */
  preempt(victims: readonly PodView[], preemptor: PodView, node: string): Promise<StatusError[]>;
  endNomination(pod: PodView): Promise<void>;
}

export interface Why {
  reason: "Unschedulable" | "SchedulerError";
  message: string;
  nominate?: string;
}

/** Why a victim need not be made to go. */
const GONE = ["NotFound", "Conflict"] as const;

const POD = { apiVersion: "v1", kind: "Pod" };
const bindings: ResourceRef = { group: "", version: "v1", resource: "bindings", namespaced: true };

export function createCommit({ client, stores, recorder, platform }: CommitDeps): Commit {
  const { clock } = platform;

  async function patchStatus(pod: PodView, status: Record<string, unknown>): Promise<Pod> {
    const { namespace, name, uid } = pod.metadata;
    const written = await client.patch<Pod>(
      pods,
      { namespace, name },
      "strategic",
      { metadata: { uid }, status },
      "status",
    );
    stores.pods.observe(written);
    return written;
  }

  return {
    async bind(placements, fence) {
      const annotations = { [FENCE_ANNOTATION]: fenceOf(fence) };
      const items = placements.map(({ pod, node }) => {
        const { namespace, name, uid } = pod.metadata;
        const target = { apiVersion: "v1", kind: "Node", name: node };
        return { apiVersion: "v1", kind: "Binding", metadata: { name, namespace, uid, annotations }, target };
      });
      const failures = await postEach(client, bindings, { kind: "BindingList", items });
      for (const [at, { pod, node }] of placements.entries()) {
        if (failures[at]) continue;
        const { namespace, name } = pod.metadata;
        const message = `Successfully assigned ${namespace}/${name} to ${node}`;
        recorder.record({ about: referenceTo(POD, pod), type: "Normal", reason: "Scheduled", message });
      }
      return failures;
    },
    async volumes({ bind, provision }, node) {
      const revisions = new Map<string, number>();
      const claimed = bind.map(async ({ volume, claim }) => {
        const { namespace, name, uid, resourceVersion } = claim.metadata;
        const claimRef = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid, resourceVersion };
        // Whoever unbinds it later may take back what nobody asked for.
        const annotations = volume.claim ? {} : { [BOUND_BY_CONTROLLER_ANNOTATION]: "yes" };
        const metadata = { resourceVersion: volume.metadata.resourceVersion, annotations };
        const key = volume.metadata.name;
        const written = await client.patch(persistentVolumes, { name: key }, "merge", { metadata, spec: { claimRef } });
        revisions.set(key, Number(written.metadata.resourceVersion));
      });
      const selected = provision.map(async ({ metadata: { namespace, name, uid } }) => {
        const body = { metadata: { uid, annotations: { [SELECTED_NODE_ANNOTATION]: node } } };
        const written = await client.patch(persistentVolumeClaims, { namespace, name }, "merge", body);
        revisions.set(`${namespace}/${name}`, Number(written.metadata.resourceVersion));
      });
      await Promise.all([...claimed, ...selected]);
      return revisions;
    },
    async unscheduled(pod, { reason, message, nominate }) {
      const { generation } = pod.metadata;
      const condition = {
        type: "PodScheduled",
        status: "False",
        reason,
        message,
        ...(generation > 0 ? { observedGeneration: generation } : {}),
        // Merged by type: where the condition is there already its time stays.
        ...(pod.hasScheduledCondition === "False" ? {} : { lastTransitionTime: formatTime(clock.now()) }),
      };
      const nominated = nominate === undefined ? {} : { nominatedNodeName: nominate === "" ? null : nominate };
      try {
        const written = await patchStatus(pod, { conditions: [condition], ...nominated });
        // Said before, by an earlier run of this loop: then nothing is written at all.
        if (written.metadata.resourceVersion === pod.metadata.resourceVersion) return true;
      } catch (error) {
        if (isStatusError(error, "NotFound")) return false;
        const { namespace, name } = pod.metadata;
        platform.log.warn("a pod's condition could not be written", { pod: `${namespace}/${name}`, error });
      }
      recorder.record({ about: referenceTo(POD, pod), type: "Warning", reason: "FailedScheduling", message });
      return true;
    },
    async preempt(victims, preemptor, node) {
      const message = `${preemptor.schedulerName}: preempting to accommodate a higher priority pod`;
      const items = victims.map(({ metadata: { namespace, name, uid } }) => ({
        metadata: { namespace, name, uid },
        message,
      }));
      const failures = await postEach(client, bindings, { kind: "PreemptionList", items });
      const said = `Preempted by pod ${preemptor.metadata.uid} on node ${node}`;
      for (const [at, victim] of victims.entries()) {
        if (failures[at]) continue;
        recorder.record({ about: referenceTo(POD, victim), type: "Normal", reason: "Preempted", message: said });
      }
      // Gone already, which is all that was wanted.
      return failures
        .filter((failure) => failure !== undefined)
        .filter((failure) => !GONE.some((reason) => isStatusError(failure, reason)));
    },
    async endNomination(pod) {
      try {
        await patchStatus(pod, { nominatedNodeName: null });
      } catch (error) {
        if (!isStatusError(error, "NotFound")) platform.log.warn("a nomination could not be ended", { error });
      }
    },
  };
}
