/** Rolls a Deployment out over ReplicaSets. Branching is in plan.ts and status.ts. */
import { referenceTo } from "../../controller-runtime/events.ts";
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { Key, ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { ORPHANS } from "../../controller-runtime/stores.ts";
import { isFinished } from "../../controller-runtime/views/pod-view.ts";
import { POD_TEMPLATE_HASH, templateHash, templateIdentity } from "../../controller-runtime/views/template-hash.ts";
import { controllerOfView, keyOf } from "../../controller-runtime/views/view.ts";
import type { DeploymentView, ReplicaSetView } from "../../controller-runtime/views/workload-views.ts";
import { deployments, type Deployment } from "../../kinds/apps/deployments/types.ts";
import { replicaSets, type ReplicaSet } from "../../kinds/apps/replicasets/types.ts";
import { controllerOf } from "../../machinery/meta.ts";
import { matchesLabels, requirementsOf } from "../../machinery/selectors.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import { adoption, controllerReference, planClaims, release } from "../claims.ts";
import type { ControllerDeps } from "../deps.ts";
import {
  findNew,
  newReplicas,
  planProportional,
  planRecreate,
  planRolling,
  sizeAnnotations,
  type Scale,
} from "./plan.ts";
import { newReplicaSetAnnotations, nextRevision, planCleanup, REVISION } from "./revisions.ts";
import { isComplete, planStatus } from "./status.ts";

const KIND = { apiVersion: "apps/v1", kind: "Deployment" };

export function createDeploymentController(deps: ControllerDeps<"deployments" | "replicaSets" | "pods">): Controller {
  const { client, stores, recorder, platform } = deps;

  async function reconcile(key: Key): Promise<ReconcileResult> {
    const deployment = stores.deployments.get(key);
    if (!deployment) return { done: true };
    const owned = await claim(deployment);
    if (deployment.metadata.deletionTimestamp !== undefined) return writeStatus(deployment, owned);
    const had = findNew(deployment, owned) !== undefined;
    const scaling = planProportional(deployment, owned);
    if (scaling) {
      await scaleAll(deployment, scaling);
      if (deployment.paused && !findNew(deployment, owned)) return writeStatus(deployment, ownedOf(deployment));
    } else if (!deployment.paused) {
      const failure = await rollOut(deployment, owned);
      if (failure !== undefined) return writeStatus(deployment, ownedOf(deployment), { failure });
    }
    await cleanUp(deployment);
    const all = ownedOf(deployment);
    return writeStatus(deployment, all, { created: !had && findNew(deployment, all) !== undefined });
  }

  async function claim(deployment: DeploymentView): Promise<ReplicaSetView[]> {
    const claims = claimsOf(deployment);
    const owner = controllerReference(KIND, deployment);
    for (const one of claims.adopt) await patchReplicaSet(one, adoption(one, owner));
    for (const one of claims.release) await patchReplicaSet(one, release(one, deployment.metadata.uid));
    return ownedOf(deployment);
  }

  function claimsOf(deployment: DeploymentView) {
    const { uid, namespace } = deployment.metadata;
    const candidates = [...stores.replicaSets.by("owner", uid), ...stores.replicaSets.by(ORPHANS, namespace)];
    return planClaims({ owner: deployment, selector: deployment.selector, candidates });
  }

  const ownedOf = (deployment: DeploymentView): ReplicaSetView[] => claimsOf(deployment).owned;

  async function patchReplicaSet(view: ReplicaSetView, body: unknown): Promise<void> {
    const { namespace, name } = view.metadata;
    try {
      stores.replicaSets.observe(await client.patch<ReplicaSet>(replicaSets, { namespace, name }, "merge", body));
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
    }
  }

  /** Why the new ReplicaSet cannot be made, if that is so. */
  async function rollOut(deployment: DeploymentView, owned: ReplicaSetView[]): Promise<string | undefined> {
    const known = findNew(deployment, owned);
    const old = owned.filter((replicaSet) => replicaSet !== known);
    if (deployment.strategy.type === "Recreate") {
      const oldPodsGone = old.every(({ metadata }) => stores.pods.by("owner", metadata.uid).every(isFinished));
      const down = planRecreate(deployment, { current: known, old, oldPodsGone });
      if (down.length > 0 || !oldPodsGone) {
        await scaleAll(deployment, down);
        return undefined;
      }
    }
    const revision = nextRevision(old);
    let current: ReplicaSetView;
    try {
      current = known ?? (await createReplicaSet(deployment, { owned, revision }));
    } catch (error) {
      const isPassing = !isStatusError(error) || error.reason === "ServiceUnavailable" || error.reason === "Conflict";
      if (isPassing) throw error;
      const message = `Failed to create new replica set: ${error.message}`;
      recorder.record({
        about: referenceTo(KIND, deployment),
        type: "Warning",
        reason: "ReplicaSetCreateError",
        message,
      });
      return message;
    }
    await keepInStep(deployment, current, revision);
    const scales =
      deployment.strategy.type === "Recreate"
        ? planRecreate(deployment, { current, old, oldPodsGone: true })
        : planRolling(deployment, { current, old });
    await scaleAll(deployment, scales);
    return undefined;
  }

  async function createReplicaSet(
    view: DeploymentView,
    { owned, revision }: { owned: readonly ReplicaSetView[]; revision: bigint },
  ): Promise<ReplicaSetView> {
    const { namespace, name } = view.metadata;
    const live = await client.get<Deployment>(deployments, { namespace, name });
    const identity = templateIdentity(live.spec.template);
    // The store is behind: the event of the newer state brings us back.
    if (live.metadata.uid !== view.metadata.uid || identity !== view.templateIdentity) throw stale(name);
    const hash = templateHash(identity, view.status.collisionCount);
    const labels = { ...live.spec.template.metadata?.labels, [POD_TEMPLATE_HASH]: hash };
    const object: ReplicaSet = {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels,
        annotations: newReplicaSetAnnotations(view, { current: undefined, revision }),
        ownerReferences: [controllerReference(KIND, view)],
      },
      spec: {
        replicas: newReplicas(view, owned, undefined),
        ...(view.minReadySeconds > 0 ? { minReadySeconds: view.minReadySeconds } : {}),
        selector: {
          ...live.spec.selector,
          matchLabels: { ...live.spec.selector.matchLabels, [POD_TEMPLATE_HASH]: hash },
        },
        template: { ...live.spec.template, metadata: { ...live.spec.template.metadata, labels } },
      },
    };
    try {
      const created = await client.create(replicaSets, object);
      stores.replicaSets.observe(created);
      if ((object.spec.replicas ?? 0) > 0)
        recordScale(view, { name: `${name}-${hash}`, from: 0, to: object.spec.replicas ?? 0 });
    } catch (error) {
      if (!isStatusError(error, "AlreadyExists")) throw error;
      await settleCollision(view, `${name}-${hash}`);
    }
    const known = stores.replicaSets.get(`${namespace}/${name}-${hash}`);
    if (!known) throw stale(name);
    return known;
  }

  /** The name is taken: by our own of which we have not heard yet, or by another's; then the hash is made anew with a count. */
  async function settleCollision(view: DeploymentView, name: string): Promise<void> {
    const { namespace, uid } = view.metadata;
    const existing = await client.get<ReplicaSet>(replicaSets, { namespace, name });
    const isOurs =
      controllerOf(existing.metadata)?.uid === uid &&
      templateIdentity(existing.spec.template) === view.templateIdentity;
    if (isOurs) return stores.replicaSets.observe(existing);
    const status = { collisionCount: (view.status.collisionCount ?? 0) + 1 };
    const at = { namespace, name: view.metadata.name };
    stores.deployments.observe(await client.patch<Deployment>(deployments, at, "merge", { status }, "status"));
    throw stale(view.metadata.name);
  }

  /** What the new ReplicaSet shares with its Deployment goes there without a roll-out; the revision comes back. */
  async function keepInStep(deployment: DeploymentView, current: ReplicaSetView, revision: bigint): Promise<void> {
    const before = current.metadata.annotations ?? {};
    const annotations = newReplicaSetAnnotations(deployment, { current, revision });
    const { minReadySeconds } = deployment;
    const isBehind = Object.entries(annotations).some(([key, value]) => before[key] !== value);
    if (isBehind || current.minReadySeconds !== minReadySeconds) {
      await patchReplicaSet(current, { metadata: { annotations }, spec: { minReadySeconds } });
    }
    const newest = annotations[REVISION];
    if (deployment.metadata.annotations?.[REVISION] === newest) return;
    const { namespace, name } = deployment.metadata;
    const body = { metadata: { annotations: { [REVISION]: newest } } };
    stores.deployments.observe(await client.patch<Deployment>(deployments, { namespace, name }, "merge", body));
  }

  async function scaleAll(deployment: DeploymentView, scales: readonly Scale[]): Promise<void> {
    for (const { replicaSet, replicas } of scales) {
      const { name, resourceVersion } = replicaSet.metadata;
      const metadata = { resourceVersion, annotations: sizeAnnotations(deployment) };
      await patchReplicaSet(replicaSet, { metadata, spec: { replicas } });
      recordScale(deployment, { name, from: replicaSet.replicas, to: replicas });
    }
  }

  function recordScale(
    deployment: DeploymentView,
    { name, from, to }: { name: string; from: number; to: number },
  ): void {
    const message = `Scaled ${to > from ? "up" : "down"} replica set ${name} from ${from} to ${to}`;
    recorder.record({ about: referenceTo(KIND, deployment), type: "Normal", reason: "ScalingReplicaSet", message });
  }

  async function cleanUp(before: DeploymentView): Promise<void> {
    const owned = ownedOf(before);
    const current = findNew(before, owned);
    if (!current || !isComplete(before, planStatus({ deployment: before, current, all: owned, nowMs: 0 }).status))
      return;
    const old = owned.filter((replicaSet) => replicaSet !== current);
    for (const replicaSet of planCleanup(before, old)) {
      const { namespace, name, uid } = replicaSet.metadata;
      try {
        await client.delete(replicaSets, { namespace, name }, { preconditions: { uid } });
      } catch (error) {
        if (!isStatusError(error, "NotFound")) throw error;
      }
      stores.replicaSets.expectDeletion(replicaSet);
    }
  }

  async function writeStatus(
    before: DeploymentView,
    all: readonly ReplicaSetView[],
    news: { failure?: string; created?: boolean } = {},
  ): Promise<ReconcileResult> {
    const deployment = stores.deployments.get(keyOf(before.metadata)) ?? before;
    // Of a newer spec nothing has been done yet: its own turn says so.
    const observed = { ...deployment, metadata: { ...deployment.metadata, generation: before.metadata.generation } };
    const nowMs = platform.clock.now();
    const plan = planStatus({ deployment: observed, current: findNew(before, all), all, nowMs, ...news });
    if (plan.changed) {
      const { namespace, name } = before.metadata;
      try {
        stores.deployments.observe(
          await client.patch<Deployment>(deployments, { namespace, name }, "merge", { status: plan.status }, "status"),
        );
      } catch (error) {
        if (!isStatusError(error, "NotFound")) throw error;
      }
    }
    return plan.againAfterMs === undefined ? { done: true } : { againAfterMs: plan.againAfterMs };
  }

  function keysOfReplicaSet(replicaSet: ReplicaSetView): Key[] {
    const owner = controllerOfView(replicaSet);
    const { namespace, labels } = replicaSet.metadata;
    if (owner) return owner.kind === KIND.kind ? [`${namespace}/${owner.name}`] : [];
    return stores.deployments
      .by("namespace", namespace)
      .filter(({ selector }) => matchesLabels(requirementsOf(selector), labels))
      .map(({ metadata }) => keyOf(metadata));
  }

  return {
    name: "deployment-controller",
    concurrency: 8,
    watches: [
      watching(stores.deployments, ({ metadata }) => [keyOf(metadata)]),
      watching(stores.replicaSets, keysOfReplicaSet),
      // Recreate waits for the last pod of the old template.
      watching(stores.pods, (pod, { after }) => {
        const owner = controllerOfView(pod);
        if ((after !== undefined && !isFinished(after)) || owner?.kind !== "ReplicaSet") return [];
        const replicaSet = stores.replicaSets.get(`${pod.metadata.namespace}/${owner.name}`);
        return replicaSet ? keysOfReplicaSet(replicaSet) : [];
      }),
    ],
    reconcile,
  };
}

/** Retried with back-off; by then the store knows. */
function stale(name: string): Error {
  return new Error(`deployment ${name} has changed meanwhile`);
}
