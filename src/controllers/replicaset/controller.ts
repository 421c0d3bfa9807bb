/** Keeps as many pods of a ReplicaSet as it asks for. */
import { referenceTo } from "../../controller-runtime/events.ts";
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { Key, ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { ORPHANS } from "../../controller-runtime/stores.ts";
import { isFinished, type PodView } from "../../controller-runtime/views/pod-view.ts";
import { controllerOfView, keyOf } from "../../controller-runtime/views/view.ts";
import type { ReplicaSetView } from "../../controller-runtime/views/workload-views.ts";
import { replicaSets, type ReplicaSet } from "../../kinds/apps/replicasets/types.ts";
import { pods, type Pod } from "../../kinds/core/pods/types.ts";
import { matchesLabels, requirementsOf } from "../../machinery/selectors.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import { adoption, controllerReference, planClaims, release } from "../claims.ts";
import type { ControllerDeps } from "../deps.ts";
import { planScaling, planStatus } from "./plan.ts";

const KIND = { apiVersion: "apps/v1", kind: "ReplicaSet" };
type Failure = { reason: "FailedCreate" | "FailedDelete"; message: string };

export function createReplicaSetController(deps: ControllerDeps<"pods" | "replicaSets">): Controller {
  const { client, stores, recorder, platform } = deps;

  async function reconcile(key: Key): Promise<ReconcileResult> {
    const replicaSet = stores.replicaSets.get(key);
    if (!replicaSet) return { done: true };
    const owned = await claim(replicaSet);
    const nowMs = platform.clock.now();
    const scaling = planScaling({ replicaSet, pods: owned, related: relatedPods(replicaSet, owned), nowMs });
    let failure: Failure | undefined;
    let error: unknown;
    try {
      if (scaling.create > 0) await createPods(replicaSet, scaling.create);
      if (scaling.remove.length > 0) await deletePods(replicaSet, scaling.remove);
    } catch (cause) {
      error = cause;
      const message = cause instanceof Error ? cause.message : String(cause);
      failure = { reason: scaling.create > 0 ? "FailedCreate" : "FailedDelete", message };
    }
    const againAfterMs = await writeStatus(replicaSet, failure);
    if (error !== undefined && !isNamespaceTerminating(error)) throw error;
    return againAfterMs === undefined ? { done: true } : { againAfterMs };
  }

  async function claim(replicaSet: ReplicaSetView): Promise<PodView[]> {
    const claims = claimsOf(replicaSet);
    if (claims.adopt.length > 0) await assertCurrent(replicaSet);
    const owner = controllerReference(KIND, replicaSet);
    for (const pod of claims.adopt) await patchOwners(pod, adoption(pod, owner));
    for (const pod of claims.release) await patchOwners(pod, release(pod, replicaSet.metadata.uid));
    return ownedPods(replicaSet);
  }

  function claimsOf(replicaSet: ReplicaSetView) {
    const { uid, namespace } = replicaSet.metadata;
    const candidates = [...stores.pods.by("owner", uid), ...stores.pods.by(ORPHANS, namespace)];
    return planClaims({
      owner: replicaSet,
      selector: replicaSet.selector,
      candidates,
      adoptable: (pod) => !isFinished(pod),
    });
  }

  const ownedPods = (replicaSet: ReplicaSetView): PodView[] => claimsOf(replicaSet).owned;

  async function patchOwners(pod: PodView, body: unknown): Promise<void> {
    const { namespace, name } = pod.metadata;
    try {
      stores.pods.observe(await client.patch<Pod>(pods, { namespace, name }, "merge", body));
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
    }
  }

  /** The store may be behind: nothing is done for a ReplicaSet that is gone or going. */
  async function assertCurrent({ metadata }: ReplicaSetView): Promise<ReplicaSet> {
    const { namespace, name, uid } = metadata;
    const live = await client.get<ReplicaSet>(replicaSets, { namespace, name });
    if (live.metadata.uid !== uid) throw new Error(`replica set ${namespace}/${name} was replaced`);
    if (live.metadata.deletionTimestamp !== undefined)
      throw new Error(`replica set ${namespace}/${name} is being deleted`);
    return live;
  }

  function relatedPods(replicaSet: ReplicaSetView, owned: readonly PodView[]): readonly PodView[] {
    const owner = controllerOfView(replicaSet);
    if (!owner) return owned;
    return stores.replicaSets.by("owner", owner.uid).flatMap(({ metadata }) => stores.pods.by("owner", metadata.uid));
  }

  /** In batches of 1, 2, 4 …, so that what fails for one pod does not fail five hundred times. */
  async function createPods(replicaSet: ReplicaSetView, count: number): Promise<void> {
    const live = await assertCurrent(replicaSet);
    const about = referenceTo(KIND, replicaSet);
    for (let made = 0, batch = 1; made < count; made += batch, batch *= 2) {
      const size = Math.min(batch, count - made);
      const results = await Promise.allSettled(Array.from({ length: size }, () => createPod(replicaSet, live)));
      const failed = results.find((result) => result.status === "rejected");
      for (const result of results) {
        if (result.status === "fulfilled") {
          const message = `Created pod: ${result.value}`;
          recorder.record({ about, type: "Normal", reason: "SuccessfulCreate", message });
        } else if (!isNamespaceTerminating(result.reason)) {
          const message = `Error creating: ${(result.reason as Error).message}`;
          recorder.record({ about, type: "Warning", reason: "FailedCreate", message });
        }
      }
      if (failed) throw failed.reason;
    }
  }

  async function createPod(view: ReplicaSetView, { spec }: ReplicaSet): Promise<string> {
    const { namespace, name } = view.metadata;
    const { labels, annotations, finalizers } = spec.template?.metadata ?? {};
    const created = await client.create<Pod>(
      pods,
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          generateName: podPrefix(name),
          namespace,
          ...(labels ? { labels } : {}),
          ...(annotations ? { annotations } : {}),
          ...(finalizers ? { finalizers } : {}),
          ownerReferences: [controllerReference(KIND, view)],
        },
        spec: spec.template?.spec ?? { containers: [] },
      },
      { namespace },
    );
    stores.pods.observe(created);
    return created.metadata.name ?? "";
  }

  async function deletePods(replicaSet: ReplicaSetView, remove: readonly PodView[]): Promise<void> {
    const about = referenceTo(KIND, replicaSet);
    const results = await Promise.allSettled(remove.map((pod) => deletePod(pod)));
    results.forEach((result, index) => {
      const name = remove[index]?.metadata.name ?? "";
      if (result.status === "fulfilled") {
        recorder.record({ about, type: "Normal", reason: "SuccessfulDelete", message: `Deleted pod: ${name}` });
      } else {
        const message = `Error deleting: ${(result.reason as Error).message}`;
        recorder.record({ about, type: "Warning", reason: "FailedDelete", message });
      }
    });
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }

  async function deletePod(pod: PodView): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    try {
      await client.delete(pods, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      if (!isStatusError(error, "NotFound") && !isStatusError(error, "Conflict")) throw error;
    }
    stores.pods.expectDeletion(pod);
  }

  /** Computed after the pods were made, so that one write says it all. */
  async function writeStatus(before: ReplicaSetView, failure: Failure | undefined): Promise<number | undefined> {
    const replicaSet = stores.replicaSets.get(keyOf(before.metadata)) ?? before;
    const nowMs = platform.clock.now();
    const plan = planStatus({ replicaSet, pods: ownedPods(replicaSet), failure, nowMs });
    if (plan.changed) {
      const { namespace, name } = replicaSet.metadata;
      const status = { ...plan.status, conditions: plan.status.conditions ?? null };
      const at = { namespace, name };
      try {
        stores.replicaSets.observe(await client.patch<ReplicaSet>(replicaSets, at, "merge", { status }, "status"));
      } catch (error) {
        if (!isStatusError(error, "NotFound")) throw error;
      }
    }
    return plan.againAfterMs;
  }

  /** Whoever manages the pod; for a pod that nobody manages all that might. */
  function keysOfPod(pod: PodView): Key[] {
    const owner = controllerOfView(pod);
    const { namespace, labels } = pod.metadata;
    if (owner) return owner.kind === KIND.kind ? [`${namespace}/${owner.name}`] : [];
    return stores.replicaSets
      .by("namespace", namespace)
      .filter(({ selector }) => matchesLabels(requirementsOf(selector), labels))
      .map(({ metadata }) => keyOf(metadata));
  }

  return {
    name: "replicaset-controller",
    concurrency: 8,
    watches: [watching(stores.replicaSets, ({ metadata }) => [keyOf(metadata)]), watching(stores.pods, keysOfPod)],
    reconcile,
  };
}

function podPrefix(name: string): string {
  // generateName leaves room for five characters within 63 by cutting; a dash at the end of the cut is fine.
  return `${name}-`;
}

function isNamespaceTerminating(error: unknown): boolean {
  return (
    isStatusError(error, "Forbidden") &&
    (error.details?.causes ?? []).some(({ reason }) => reason === "NamespaceTerminating")
  );
}
