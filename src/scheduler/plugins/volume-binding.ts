/** Volumes of claims: bound ones decide where a pod runs, those that wait for their first user are chosen with the node. */
import type { NodeView } from "../../controller-runtime/views/node-view.ts";
import type { ClaimView, VolumeView } from "../../controller-runtime/views/storage-views.ts";
import { keyOf } from "../../controller-runtime/views/view.ts";
import { matchesLabels, requirementsOf } from "../../machinery/selectors.ts";
import type { Plugin, PodShape, Refusal, Tables } from "../framework.ts";
import { claimFault, claimKeys } from "./claims.ts";
import { matchesSelector } from "./node-affinity.ts";
import { shapeLike } from "./volume-restrictions.ts";

const NAME = "VolumeBinding";
const refusal = (reason: string): Refusal => ({ plugin: NAME, reasons: [reason], unresolvable: true });
const UNBOUND = refusal("pod has unbound immediate PersistentVolumeClaims");
const NO_VOLUME = refusal("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)");
const ELSEWHERE = refusal("node(s) didn't match PersistentVolume's node affinity");
const NOTHING_TO_BIND = refusal("node(s) didn't find available persistent volumes to bind");
const NO_SPACE = refusal("node(s) did not have enough free storage");
const NO_PROVISIONER = "kubernetes.io/no-provisioner";

/** What is to be done about a pod's claims before it may be bound to the node. */
export interface VolumePlan {
  bind: { volume: VolumeView; claim: ClaimView }[];
  /** To be made for this node. */
  provision: ClaimView[];
}

export const volumeBinding: Plugin = {
  name: NAME,
  prepare(shape, { tables, nodes }) {
    if (shape.claims.length === 0) return undefined;
    return {
      refusePod() {
        const fault = claimFault(shape, tables);
        if (fault !== undefined) return refusal(fault);
        return hasUnbound(shape, tables) ? UNBOUND : undefined;
      },
      refuse(slot) {
        const node = nodes.views[slot];
        const plan = node && planVolumes(shape, node, tables);
        return plan && "plugin" in plan ? plan : undefined;
      },
    };
  },
  awaits: ["node", "claim", "volume", "storage-class", "csi-node", "csi-driver", "csi-capacity"],
  helps(event, pod) {
    return event.kind !== "claim" || claimKeys(shapeLike(pod)).includes(event.key);
  },
};

function hasUnbound(shape: PodShape, tables: Tables): boolean {
  return claimsOf(shape, tables).some((claim) => !claim.bound && !waits(claim, tables));
}

/** Does the claim wait for its first user? */
function waits({ storageClassName = "", volumeName }: ClaimView, tables: Tables): boolean {
  return volumeName === "" && tables.storageClasses.get(storageClassName)?.waits === true;
}

function claimsOf(pod: Pick<PodShape, "namespace" | "claims">, tables: Tables): ClaimView[] {
  return claimKeys(pod).flatMap((key) => tables.claims.get(key) ?? []);
}

/** What the pod's claims need on this node, or why it cannot be had there. */
export function planVolumes(
  pod: Pick<PodShape, "namespace" | "claims">,
  node: NodeView,
  tables: Tables,
): VolumePlan | Refusal {
  const claims = claimsOf(pod, tables);
  const bound = boundFault(claims, node, tables);
  const open = claims.filter((claim) => !claim.bound);
  const plan = planOpen(open, node, tables);
  if (bound && "plugin" in plan) return { ...bound, reasons: [...bound.reasons, ...plan.reasons] };
  return bound ?? plan;
}

function boundFault(claims: readonly ClaimView[], node: NodeView, tables: Tables): Refusal | undefined {
  for (const { bound, volumeName } of claims) {
    if (!bound) continue;
    const volume = tables.volumes.get(volumeName);
    if (volume === undefined) return NO_VOLUME;
    if (!isReachable(volume, node)) return ELSEWHERE;
  }
  return undefined;
}

function planOpen(claims: readonly ClaimView[], node: NodeView, tables: Tables): VolumePlan | Refusal {
  const plan: VolumePlan = { bind: [], provision: [] };
  const { name } = node.metadata;
  if (claims.some(({ selectedNode }) => selectedNode !== "" && selectedNode !== name)) return NOTHING_TO_BIND;
  // Smaller claims first, so that they don't take what only the larger ones need.
  for (const claim of claims.toSorted((a, b) => a.request - b.request)) {
    const taken = plan.bind.map(({ volume }) => volume);
    const volume = claim.selectedNode === "" ? findVolume(claim, { node, tables, taken }) : undefined;
    if (volume) plan.bind.push({ volume, claim });
    else plan.provision.push(claim);
  }
  for (const claim of plan.provision) {
    const refused = refuseProvision(claim, node, tables);
    if (refused) return refused;
  }
  return plan;
}

export function isReachable({ nodeAffinity }: VolumeView, node: NodeView): boolean {
  return nodeAffinity === undefined || matchesSelector(nodeAffinity, node);
}

/** The volume that is kept for the claim, or the smallest that does. */
function findVolume(
  claim: ClaimView,
  { node, tables, taken }: { node: NodeView; tables: Tables; taken: readonly VolumeView[] },
): VolumeView | undefined {
  const labels = claim.selector ? requirementsOf(claim.selector) : [];
  let smallest: VolumeView | undefined;
  for (const volume of tables.volumes.all()) {
    if (taken.includes(volume) || !suits(volume, claim)) continue;
    if (isKeptFor(volume, claim)) return isReachable(volume, node) ? volume : undefined;
    if (volume.claim || volume.phase !== "Available" || !isReachable(volume, node)) continue;
    if (!claim.accessModes.every((mode) => volume.accessModes.includes(mode))) continue;
    if (!matchesLabels(labels, volume.metadata.labels)) continue;
    if (smallest === undefined || volume.capacity < smallest.capacity) smallest = volume;
  }
  return smallest;
}

/** Whoever it is for. */
function suits(volume: VolumeView, claim: ClaimView): boolean {
  return (
    volume.storageClassName === (claim.storageClassName ?? "") &&
    volume.volumeMode === claim.volumeMode &&
    volume.capacity >= claim.request &&
    (volume.attributesClasses[0] ?? "") === claim.attributesClass &&
    volume.metadata.deletionTimestamp === undefined
  );
}

function isKeptFor({ claim: kept }: VolumeView, { metadata }: ClaimView): boolean {
  return kept?.key === keyOf(metadata) && ["", metadata.uid].includes(kept.uid);
}

function refuseProvision(claim: ClaimView, node: NodeView, tables: Tables): Refusal | undefined {
  const found = tables.storageClasses.get(claim.storageClassName ?? "");
  if (found === undefined || found.provisioner === "" || found.provisioner === NO_PROVISIONER) return NOTHING_TO_BIND;
  const { labels } = node.metadata;
  const { allowedTopologies } = found;
  const allowed = allowedTopologies.some(
    ({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.length > 0 &&
      matchLabelExpressions.every(
        ({ key, values = [] }) => Object.hasOwn(labels, key) && values.includes(labels[key] ?? ""),
      ),
  );
  if (allowedTopologies.length > 0 && !allowed) return NOTHING_TO_BIND;
  if (claim.request === 0 || tables.csiDrivers.get(found.provisioner)?.storageCapacity !== true) return undefined;
  for (const { storageClassName, largest, nodeTopology } of tables.csiCapacities.all()) {
    if (storageClassName !== claim.storageClassName || largest < claim.request || nodeTopology === undefined) continue;
    if (matchesLabels(requirementsOf(nodeTopology), labels)) return undefined;
  }
  return NO_SPACE;
}
