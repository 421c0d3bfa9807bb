/** VolumeBinding (plugins/volumebinding, component-helpers/storage/volume). */
import type { Node } from "../../../../src/kinds/core/nodes/types.ts";
import type { PersistentVolumeClaim } from "../../../../src/kinds/core/persistentvolumeclaims/types.ts";
import type { PersistentVolume, PersistentVolumeSpec } from "../../../../src/kinds/core/persistentvolumes/types.ts";
import type { Pod } from "../../../../src/kinds/core/pods/types.ts";
import {
  find,
  labelsOf,
  nameOf,
  namespaceOf,
  type NodeFilter,
  type PodFilter,
  type Refusal,
  type ReferenceCluster,
} from "../cluster.ts";
import { nodeMatches, selects } from "../matching.ts";
import { amount, exact } from "../resources.ts";
import { claimOf, claimsOf, classOf } from "./volumes.ts";

const NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity";
const BIND_CONFLICT = "node(s) didn't find available persistent volumes to bind";
const NO_SPACE = "node(s) did not have enough free storage";
const NO_VOLUME = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";

const refusal = (reason: string): Refusal => ({ plugin: "VolumeBinding", reasons: [reason], unresolvable: true });

const isBound = ({ metadata, spec }: PersistentVolumeClaim): boolean =>
  Boolean(spec.volumeName) && metadata.annotations?.["pv.kubernetes.io/bind-completed"] !== undefined;

/** Bound only when a pod that uses it has a node. */
function waits({ storageClasses }: ReferenceCluster, claim: PersistentVolumeClaim): boolean {
  const storageClass = find(storageClasses, classOf(claim));
  return storageClass?.volumeBindingMode === "WaitForFirstConsumer" && !claim.spec.volumeName;
}

/** volume_binding.go PreFilter. */
export const volumeBindingOfPod: PodFilter = (cluster, pod) => {
  const named = claimsOf(pod);
  for (const { name, ephemeral } of named) {
    const fault = claimFault({ cluster, pod, name, ephemeral });
    if (fault !== undefined) return refusal(fault);
  }
  const claims = named.flatMap(({ name }) => claimOf(cluster, pod, name) ?? []);
  if (claims.every((claim) => isBound(claim) || waits(cluster, claim))) return undefined;
  return refusal("pod has unbound immediate PersistentVolumeClaims");
};

function claimFault(of: { cluster: ReferenceCluster; pod: Pod; name: string; ephemeral: boolean }): string | undefined {
  const { cluster, pod, name, ephemeral } = of;
  const claim = claimOf(cluster, pod, name);
  if (claim === undefined) {
    return ephemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
      : `persistentvolumeclaim "${name}" not found`;
  }
  const { metadata, spec, status } = claim;
  if (status?.phase === "Lost") {
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${spec.volumeName ?? ""}"`;
  }
  if (metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim "${name}" is being deleted`;
  const isOwner = metadata.ownerReferences?.some(
    ({ uid, controller }) => controller === true && uid === pod.metadata.uid,
  );
  if (!ephemeral || isOwner) return undefined;
  const [claimKey, podKey] = [claim, pod].map((object) => `${namespaceOf(object)}/${nameOf(object)}`);
  return `PVC ${claimKey} was not created for pod ${podKey} (pod is not owner)`;
}

/** binder.go FindPodVolumes. */
export const volumeBinding: NodeFilter = (cluster, pod, node) => {
  const claims = claimsOf(pod).flatMap(({ name }) => claimOf(cluster, pod, name) ?? []);
  const reasons: string[] = [];
  const bound = boundFault(cluster, claims.filter(isBound), node);
  const unbound = unboundFault(
    cluster,
    claims.filter((claim) => !isBound(claim)),
    node,
  );
  for (const reason of [bound, unbound]) if (reason !== undefined) reasons.push(reason);
  return reasons.length === 0 ? undefined : { plugin: "VolumeBinding", reasons, unresolvable: true };
};

function boundFault({ volumes }: ReferenceCluster, claims: readonly PersistentVolumeClaim[], node: Node) {
  for (const { spec } of claims) {
    const volume = find(volumes, spec.volumeName ?? "");
    if (volume === undefined) return NO_VOLUME;
    if (!reaches(volume, node)) return NODE_CONFLICT;
  }
  return undefined;
}

/** CheckNodeAffinity knows the node's labels alone. */
function reaches({ spec }: PersistentVolume, node: Node): boolean {
  const required = spec.nodeAffinity?.required;
  return required === undefined || nodeMatches(required, node);
}

function unboundFault(
  cluster: ReferenceCluster,
  claims: readonly PersistentVolumeClaim[],
  node: Node,
): string | undefined {
  const toProvision: PersistentVolumeClaim[] = [];
  const toMatch: PersistentVolumeClaim[] = [];
  for (const claim of claims) {
    const selected = claim.metadata.annotations?.["volume.kubernetes.io/selected-node"];
    if (selected === undefined) toMatch.push(claim);
    else if (selected === nameOf(node)) toProvision.push(claim);
    else return BIND_CONFLICT;
  }
  const chosen = new Set<PersistentVolume>();
  for (const claim of toMatch.toSorted((a, b) => Number(sizeOf(a) - sizeOf(b)))) {
    const volume = matching(cluster, claim, node, chosen);
    if (volume) chosen.add(volume);
    else toProvision.push(claim);
  }
  for (const claim of toProvision) {
    const fault = provisionFault(cluster, claim, node);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const sizeOf = ({ spec }: PersistentVolumeClaim): bigint => amount(exact(spec.resources?.requests), "storage");
const capacityOf = ({ spec }: PersistentVolume): bigint => amount(exact(spec.capacity), "storage");

/** FindMatchingVolume: the one that is kept for the claim, or the smallest that will do. */
function matching(
  { volumes }: ReferenceCluster,
  claim: PersistentVolumeClaim,
  node: Node,
  chosen: ReadonlySet<PersistentVolume>,
): PersistentVolume | undefined {
  const usable = volumes.filter(
    (volume) =>
      classOf(volume) === classOf(claim) &&
      !chosen.has(volume) &&
      (volume.spec.claimRef === undefined || isKeptFor(volume, claim)) &&
      capacityOf(volume) >= sizeOf(claim) &&
      modeOf(volume.spec) === modeOf(claim.spec) &&
      (volume.spec.volumeAttributesClassName ?? "") === (claim.spec.volumeAttributesClassName ?? "") &&
      volume.metadata.deletionTimestamp === undefined,
  );
  const kept = usable.find((volume) => isKeptFor(volume, claim));
  if (kept) return reaches(kept, node) ? kept : undefined;
  const free = usable.filter(
    (volume) =>
      volume.status?.phase === "Available" &&
      (claim.spec.selector === undefined || selects(claim.spec.selector, labelsOf(volume))) &&
      reaches(volume, node) &&
      (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode)),
  );
  return free.toSorted((a, b) => Number(capacityOf(a) - capacityOf(b)))[0];
}

const modeOf = ({ volumeMode }: Pick<PersistentVolumeSpec, "volumeMode">): string => volumeMode ?? "Filesystem";

function isKeptFor({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { claimRef } = spec;
  if (claimRef?.name !== nameOf(claim) || claimRef.namespace !== namespaceOf(claim)) return false;
  return !claimRef.uid || claimRef.uid === claim.metadata.uid;
}

/** binder.go checkVolumeProvisions, hasEnoughCapacity. */
function provisionFault(cluster: ReferenceCluster, claim: PersistentVolumeClaim, node: Node): string | undefined {
  const storageClass = find(cluster.storageClasses, classOf(claim));
  if (!storageClass?.provisioner || storageClass.provisioner === "kubernetes.io/no-provisioner") return BIND_CONFLICT;
  const terms = storageClass.allowedTopologies ?? [];
  const isAllowed = terms.some(
    ({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.length > 0 &&
      matchLabelExpressions.every(({ key, values = [] }) => values.includes(labelsOf(node)[key] ?? "")),
  );
  if (terms.length > 0 && !isAllowed) return BIND_CONFLICT;
  if (find(cluster.csiDrivers, storageClass.provisioner)?.spec.storageCapacity !== true) return undefined;
  if (claim.spec.resources?.requests?.["storage"] === undefined) return undefined;
  const suffices = cluster.csiCapacities.some(({ storageClassName, nodeTopology, capacity, maximumVolumeSize }) => {
    const largest = maximumVolumeSize ?? capacity;
    if (storageClassName !== nameOf(storageClass) || largest === undefined) return false;
    return amount(exact({ storage: largest }), "storage") >= sizeOf(claim) && selects(nodeTopology, labelsOf(node));
  });
  return suffices ? undefined : NO_SPACE;
}
