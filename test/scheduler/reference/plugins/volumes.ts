/**
 * VolumeRestrictions, NodeVolumeLimits and VolumeZone, and the claims of a pod. Volumes of drivers that were once in Kubernetes' tree
 * and are translated to CSI there are left out: the generators make none.
 */
import type { Node } from "../../../../src/kinds/core/nodes/types.ts";
import type { PersistentVolumeClaim } from "../../../../src/kinds/core/persistentvolumeclaims/types.ts";
import type { PersistentVolume } from "../../../../src/kinds/core/persistentvolumes/types.ts";
import type { Pod, Volume } from "../../../../src/kinds/core/pods/types.ts";
import {
  find,
  labelsOf,
  nameOf,
  namespaceOf,
  placedPods,
  podsOn,
  type NodeFilter,
  type PodFilter,
  type Refusal,
  type ReferenceCluster,
} from "../cluster.ts";

export interface NamedClaim {
  name: string;
  /** Made for this pod alone out of a template. */
  ephemeral: boolean;
}

export function claimsOf(pod: Pod): NamedClaim[] {
  return (pod.spec.volumes ?? []).flatMap((volume): NamedClaim[] => {
    if (volume.persistentVolumeClaim) return [{ name: volume.persistentVolumeClaim.claimName, ephemeral: false }];
    return volume["ephemeral"] ? [{ name: `${nameOf(pod)}-${volume.name}`, ephemeral: true }] : [];
  });
}

export function claimOf({ claims }: ReferenceCluster, pod: Pod, name: string): PersistentVolumeClaim | undefined {
  return find(claims, name, namespaceOf(pod));
}

/** The annotation is the old way, and counts where it is there. */
export function classOf({ metadata, spec }: PersistentVolumeClaim | PersistentVolume): string {
  return metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? spec.storageClassName ?? "";
}

const unresolvable = (plugin: string, reason: string): Refusal => ({ plugin, reasons: [reason], unresolvable: true });

/** plugins/volumerestrictions PreFilter: it looks claims up before every other plugin. */
export const volumeRestrictionsOfPod: PodFilter = (cluster, pod) => {
  const missing = claimsOf(pod).find(({ name, ephemeral }) => !ephemeral && !claimOf(cluster, pod, name));
  return missing && unresolvable("VolumeRestrictions", `persistentvolumeclaim "${missing.name}" not found`);
};

/** plugins/volumerestrictions Filter: disks that only one may write, and claims that only one pod may have, on whatever node. */
export const volumeRestrictions: NodeFilter = (cluster, pod, node) => {
  const existing = podsOn(cluster, node).flatMap(({ spec }) => spec.volumes ?? []);
  const isTaken = (pod.spec.volumes ?? []).some((volume) => existing.some((other) => conflict(volume, other)));
  if (isTaken) return { plugin: "VolumeRestrictions", reasons: ["node(s) had no available disk"], unresolvable: false };
  const exclusive = claimsOf(pod).filter(
    ({ name, ephemeral }) => !ephemeral && claimOf(cluster, pod, name)?.spec.accessModes?.includes("ReadWriteOncePod"),
  );
  const used = placedPods(cluster).some(
    ({ pod: other }) =>
      namespaceOf(other) === namespaceOf(pod) &&
      (other.spec.volumes ?? []).some(({ persistentVolumeClaim }) =>
        exclusive.some(({ name }) => persistentVolumeClaim?.claimName === name),
      ),
  );
  if (!used) return undefined;
  const reason =
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";
  return { plugin: "VolumeRestrictions", reasons: [reason], unresolvable: false };
};

interface Disks {
  gcePersistentDisk?: { pdName: string; readOnly?: boolean };
  awsElasticBlockStore?: { volumeID: string };
  iscsi?: { iqn: string; readOnly?: boolean };
  rbd?: { monitors: string[]; pool?: string; image: string; readOnly?: boolean };
}

const bothRead = (x: { readOnly?: boolean }, y: { readOnly?: boolean }): boolean =>
  x.readOnly === true && y.readOnly === true;

function conflict(one: Volume, other: Volume): boolean {
  const [a, b] = [one as Disks, other as Disks];
  if (a.gcePersistentDisk && b.gcePersistentDisk) {
    if (a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName)
      return !bothRead(a.gcePersistentDisk, b.gcePersistentDisk);
  }
  if (a.awsElasticBlockStore && b.awsElasticBlockStore) {
    return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID;
  }
  if (a.iscsi && b.iscsi) return a.iscsi.iqn === b.iscsi.iqn && !bothRead(a.iscsi, b.iscsi);
  const [x, y] = [a.rbd, b.rbd];
  if (!x || !y) return false;
  const same = (x.pool ?? "rbd") === (y.pool ?? "rbd") && x.image === y.image;
  return same && x.monitors.some((monitor) => y.monitors.includes(monitor)) && !bothRead(x, y);
}

/** plugins/nodevolumelimits: volumes of one driver that may be attached to a node. One that two pods use counts once. */
export const nodeVolumeLimits: NodeFilter = (cluster, pod, node) => {
  const limits = new Map(
    (find(cluster.csiNodes, nameOf(node))?.spec.drivers ?? []).flatMap(({ name, allocatable }) =>
      allocatable?.count === undefined ? [] : [[name, allocatable.count] as const],
    ),
  );
  const attached = new Map(podsOn(cluster, node).flatMap((other) => csiVolumes(cluster, other)));
  const fresh = [...new Map(csiVolumes(cluster, pod))].filter(([id]) => !attached.has(id));
  const used = new Map([...attached, ...attachedTo(cluster, node)]);
  const isFull = fresh.some(([, driver]) => {
    const limit = limits.get(driver);
    const countOf = (drivers: Iterable<string>) => [...drivers].filter((name) => name === driver).length;
    return limit !== undefined && countOf(used.values()) + countOf(fresh.map(([, name]) => name)) > limit;
  });
  if (!isFull) return undefined;
  return { plugin: "NodeVolumeLimits", reasons: ["node(s) exceed max volume count"], unresolvable: false };
};

/** What is attached to the node, whoever uses it. */
function attachedTo(cluster: ReferenceCluster, node: Node): [string, string][] {
  return cluster.attachments
    .filter(({ spec }) => spec.nodeName === nameOf(node))
    .flatMap(({ spec: { attacher, source } }): [string, string][] => {
      const csi = find(cluster.volumes, source.persistentVolumeName ?? "")?.spec.csi;
      return csi ? [[`${attacher}/${csi.volumeHandle}`, attacher]] : [];
    });
}

/** Driver by what tells volumes apart; a claim that is not bound yet is a volume of its own, of its class' provisioner. */
function csiVolumes(cluster: ReferenceCluster, pod: Pod): [string, string][] {
  return claimsOf(pod).flatMap(({ name }): [string, string][] => {
    const claim = claimOf(cluster, pod, name);
    if (claim === undefined) return [];
    const volume = find(cluster.volumes, claim.spec.volumeName ?? "");
    if (claim.spec.volumeName && volume) {
      const { csi } = volume.spec;
      return csi ? [[`${csi.driver}/${csi.volumeHandle}`, csi.driver]] : [];
    }
    const storageClass = find(cluster.storageClasses, classOf(claim));
    if (classOf(claim) === "" || storageClass === undefined) return [];
    return [[`${storageClass.provisioner}/unbound ${namespaceOf(pod)}/${name}`, storageClass.provisioner]];
  });
}

const ZONE = "topology.kubernetes.io/zone";
const REGION = "topology.kubernetes.io/region";
const OLD_ZONE = "failure-domain.beta.kubernetes.io/zone";
const OLD_REGION = "failure-domain.beta.kubernetes.io/region";
const ZONE_LABELS: readonly string[] = [OLD_ZONE, OLD_REGION, ZONE, REGION];

/** plugins/volumezone PreFilter. */
export const volumeZoneOfPod: PodFilter = (cluster, pod) => {
  for (const { name, ephemeral } of claimsOf(pod)) {
    const claim = claimOf(cluster, pod, name);
    if (ephemeral || claim === undefined) continue;
    const { volumeName } = claim.spec;
    if (volumeName) {
      if (find(cluster.volumes, volumeName)) continue;
      return unresolvable("VolumeZone", `persistentvolume "${volumeName}" not found`);
    }
    const className = classOf(claim);
    if (className === "")
      return unresolvable("VolumeZone", "PersistentVolumeClaim had no pv name and storageClass name");
    const storageClass = find(cluster.storageClasses, className);
    if (storageClass === undefined) {
      return unresolvable("VolumeZone", `storageclass.storage.k8s.io "${className}" not found`);
    }
    if (storageClass.volumeBindingMode !== "WaitForFirstConsumer") {
      return unresolvable("VolumeZone", "PersistentVolume had no name");
    }
  }
  return undefined;
};

/** plugins/volumezone Filter: zone labels of volumes, which may name several zones, and of nodes; a node without any is anywhere. */
export const volumeZone: NodeFilter = (cluster, pod, node) => {
  const labels = labelsOf(node);
  if (!ZONE_LABELS.some((key) => key in labels)) return undefined;
  for (const { name, ephemeral } of claimsOf(pod)) {
    const volume = find(cluster.volumes, claimOf(cluster, pod, name)?.spec.volumeName ?? "");
    if (ephemeral || volume === undefined) continue;
    for (const key of ZONE_LABELS) {
      const said = labelsOf(volume)[key];
      if (said === undefined) continue;
      const newKey = key === OLD_ZONE ? ZONE : key === OLD_REGION ? REGION : key;
      const value = labels[key] ?? labels[newKey];
      if (value === undefined || !said.split("__").includes(value)) {
        return unresolvable("VolumeZone", "node(s) had no available volume zone");
      }
    }
  }
  return undefined;
};
