/** Volumes of claims: bound ones decide where a pod runs, those that wait for their first user are chosen with the node. */
import type { NodeView } from "../../controller-runtime/views/node-view.ts";
import type { ClaimView, VolumeView } from "../../controller-runtime/views/storage-views.ts";
import { keyOf } from "../../controller-runtime/views/view.ts";
import { matchesLabels, requirementsOf } from "../../machinery/selectors.ts";
import type { Plugin, PodShape, Refusal, Tables } from "../framework.ts";
import { claimKeys, missingClaim } from "./claims.ts";
import { matchesSelector } from "./node-affinity.ts";
import { shapeLike } from "./volume-restrictions.ts";

const NAME = "VolumeBinding";
const refusal = (reason: string): Refusal => ({ plugin: NAME, reasons: [reason], unresolvable: true });
const UNBOUND = refusal("pod has unbound immediate PersistentVolumeClaims");
const NO_VOLUME = refusal("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)");
const ELSEWHERE = refusal("node(s) had volume node affinity conflict");
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
      refusePod: () => missingClaim(NAME, shape, tables) ?? (hasUnbound(shape, tables) ? UNBOUND : undefined),
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
  const plan: VolumePlan = { bind: [], provision: [] };
  const open: ClaimView[] = [];
  for (const claim of claimsOf(pod, tables)) {
    if (!claim.bound) {
      open.push(claim);
      continue;
    }
    const volume = tables.volumes.get(claim.volumeName);
    if (volume === undefined) return NO_VOLUME;
    if (!isReachable(volume, node)) return ELSEWHERE;
  }
  // Smaller claims first, so that they don't take what only the larger ones need.
  for (const claim of open.toSorted((a, b) => a.request - b.request)) {
    if (claim.selectedNode !== "" && claim.selectedNode !== node.metadata.name) return NOTHING_TO_BIND;
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

function isReachable({ nodeAffinity }: VolumeView, node: NodeView): boolean {
  return nodeAffinity === undefined || matchesSelector(nodeAffinity, node);
}

/** The volume that is kept for the claim, or the smallest that does. */
function findVolume(
  claim: ClaimView,
  { node, tables, taken }: { node: NodeView; tables: Tables; taken: readonly VolumeView[] },
): VolumeView | undefined {
  const key = keyOf(claim.metadata);
  const labels = claim.selector ? requirementsOf(claim.selector) : [];
  let smallest: VolumeView | undefined;
  for (const volume of tables.volumes.all()) {
    const { capacity, accessModes, storageClassName, volumeMode, metadata } = volume;
    if (storageClassName !== (claim.storageClassName ?? "") || taken.includes(volume)) continue;
    if (metadata.deletionTimestamp !== undefined || volumeMode !== claim.volumeMode) continue;
    if (capacity < claim.request || !claim.accessModes.every((mode) => accessModes.includes(mode))) continue;
    if (volume.claim?.key === key && ["", claim.metadata.uid].includes(volume.claim.uid)) {
      return isReachable(volume, node) ? volume : undefined;
    }
    if (volume.claim || volume.phase !== "Available" || !isReachable(volume, node)) continue;
    if (!matchesLabels(labels, metadata.labels)) continue;
    if (smallest === undefined || capacity < smallest.capacity) smallest = volume;
  }
  return smallest;
}

function refuseProvision(claim: ClaimView, node: NodeView, tables: Tables): Refusal | undefined {
  const found = tables.storageClasses.get(claim.storageClassName ?? "");
  if (found === undefined || found.provisioner === "" || found.provisioner === NO_PROVISIONER) return NOTHING_TO_BIND;
  const { labels } = node.metadata;
  const { allowedTopologies } = found;
  const allowed = allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(
      ({ key, values = [] }) => Object.hasOwn(labels, key) && values.includes(labels[key] ?? ""),
    ),
  );
  if (allowedTopologies.length > 0 && !allowed) return NOTHING_TO_BIND;
  if (tables.csiDrivers.get(found.provisioner)?.storageCapacity !== true) return undefined;
  for (const { storageClassName, largest, nodeTopology } of tables.csiCapacities.all()) {
    if (storageClassName !== claim.storageClassName || largest < claim.request || nodeTopology === undefined) continue;
    if (matchesLabels(requirementsOf(nodeTopology), labels)) return undefined;
  }
  return NO_SPACE;
}
