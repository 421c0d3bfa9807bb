/** How many pods the managers of these pods want, together: the finders of pkg/controller/disruption/disruption.go. */
import type { Client } from "../../client/client.ts";
import type { Informer } from "../../controller-runtime/informer.ts";
import type { ScaleView } from "../../controller-runtime/views/budget-view.ts";
import type { Stores } from "../../controller-runtime/stores.ts";
import type { PodView } from "../../controller-runtime/views/pod-view.ts";
import { controllerOfView, type View } from "../../controller-runtime/views/view.ts";
import { groupResource, parseApiVersion, type ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject, OwnerReference } from "../../machinery/meta.ts";
import { isStatusError } from "../../machinery/status-error.ts";

export interface ScaledResource extends ResourceRef {
  kind: string;
  /** Has it the subresource scale? */
  scalable: boolean;
}

export interface ScaleDeps {
  client: Client;
  stores: Pick<Stores, "deployments" | "replicaSets" | "statefulSets" | "replicationControllers">;
  resources: readonly ScaledResource[];
}

interface Scale extends KubeObject {
  spec?: { replicas?: number };
}

type Found = { uid: string; replicas: number };

/** @throws Error in Kubernetes' words where one of the pods has a manager without a scale */
export async function expectedScale(
  deps: ScaleDeps,
  pods: readonly PodView[],
): Promise<{ scale: number; unmanaged: boolean }> {
  const scales = new Map<string, number>();
  /** A manager is looked up once, however many pods it has. */
  const managers = new Set<string>();
  let unmanaged = false;
  for (const pod of pods) {
    const owner = controllerOfView(pod);
    if (!owner) unmanaged = true;
    if (!owner || managers.has(owner.uid)) continue;
    managers.add(owner.uid);
    const found = await scaleOf(deps, owner, pod.metadata.namespace);
    if (!found) throw new Error(`found no controllers for pod ${JSON.stringify(pod.metadata.name)}`);
    scales.set(found.uid, found.replicas);
  }
  return { scale: [...scales.values()].reduce((sum, replicas) => sum + replicas, 0), unmanaged };
}

async function scaleOf(deps: ScaleDeps, owner: OwnerReference, namespace: string): Promise<Found | undefined> {
  const { group } = parseApiVersion(owner.apiVersion);
  const key = `${namespace}/${owner.name}`;
  const { deployments, replicaSets, statefulSets, replicationControllers } = deps.stores;
  if (group === "apps" && owner.kind === "ReplicaSet") {
    const set = same(replicaSets.get(key), owner.uid);
    const above = set && controllerOfView(set);
    if (!set || above?.kind !== "Deployment") return set && wanted(set);
    const deployment = same(deployments.get(`${namespace}/${above.name}`), above.uid);
    return deployment && wanted(deployment);
  }
  if (group === "apps" && owner.kind === "StatefulSet") return scaleIn(statefulSets, key, owner);
  if (group === "" && owner.kind === "ReplicationController") return scaleIn(replicationControllers, key, owner);
  return await subresourceOf(deps, owner, namespace);
}

function same<T extends View>(view: T | undefined, uid: string): T | undefined {
  return view?.metadata.uid === uid ? view : undefined;
}

function scaleIn(store: Informer<ScaleView>, key: string, { uid }: OwnerReference): Found | undefined {
  const view = same(store.get(key), uid);
  return view && wanted(view);
}

function wanted({ metadata, replicas }: View & { replicas: number }): Found {
  return { uid: metadata.uid, replicas };
}

/** Managers of other kinds are asked. */
async function subresourceOf(
  { client, resources }: ScaleDeps,
  { apiVersion, kind, name, uid }: OwnerReference,
  namespace: string,
): Promise<Found | undefined> {
  const { group, version } = parseApiVersion(apiVersion);
  const ref = resources.find((one) => one.group === group && one.kind === kind);
  if (!ref) throw new Error(`no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`);
  if (!ref.scalable) {
    throw new Error(`${groupResource(ref.group, ref.resource)} does not implement the scale subresource`);
  }
  try {
    const scale = await client.get<Scale>({ ...ref, version }, { namespace, name }, "scale");
    return scale.metadata.uid === uid ? { uid, replicas: scale.spec?.replicas ?? 0 } : undefined;
  } catch (error) {
    if (isStatusError(error, "NotFound")) return undefined;
    throw error;
  }
}
