import type { PodView } from "../../controller-runtime/views/pod-view.ts";
import type { Volume } from "../../kinds/core/pods/types.ts";
import type { Plugin, Prepared, Refusal } from "../framework.ts";
import { claimKeys, missing, namedClaimKeys } from "./claims.ts";

const NAME = "VolumeRestrictions";
const DISK_TAKEN: Refusal = { plugin: NAME, reasons: ["node(s) had no available disk"], unresolvable: false };
const CLAIM_TAKEN: Refusal = {
  plugin: NAME,
  reasons: [
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
  ],
  unresolvable: false,
};

/** A disk that only one machine may write to is on one node; a claim for one pod is one pod's. */
export const volumeRestrictions: Plugin = {
  name: NAME,
  prepare(shape, cluster) {
    const { disks } = shape.spec;
    const keys = namedClaimKeys(shape);
    if (disks.length === 0 && keys.length === 0) return undefined;
    const prepared: Prepared = {
      refuse(slot) {
        const there = cluster.extras(slot)?.disks ?? [];
        if (disks.some((disk) => there.some((other) => exclude(disk, other)))) return DISK_TAKEN;
        const taken = keys.some(
          (key) =>
            cluster.claimUsers(key) > 0 && cluster.tables.claims.get(key)?.accessModes.includes("ReadWriteOncePod"),
        );
        return taken ? CLAIM_TAKEN : undefined;
      },
    };
    if (keys.length > 0) {
      prepared.refusePod = () => {
        const key = keys.find((one) => cluster.tables.claims.get(one) === undefined);
        if (key === undefined) return undefined;
        return { plugin: NAME, reasons: [missing(key.slice(key.indexOf("/") + 1), false)], unresolvable: true };
      };
    }
    return prepared;
  },
  awaits: ["claim", "node", "pod-gone"],
  helps(event, pod) {
    if (event.kind === "claim") return claimKeys(shapeLike(pod)).includes(event.key);
    if (event.kind === "node") return event.before === undefined;
    return event.kind === "pod-gone";
  },
};

export function shapeLike({ metadata, claims }: PodView) {
  return { namespace: metadata.namespace, claims };
}

interface Disk {
  readOnly?: boolean;
  pdName?: string;
  volumeID?: string;
  iqn?: string;
  monitors?: string[];
  pool?: string;
  image?: string;
}

function writes([first, second]: [Disk, Disk]): boolean {
  return first.readOnly !== true || second.readOnly !== true;
}

function exclude(a: Volume, b: Volume): boolean {
  const pair = (source: string): [Disk, Disk] | undefined =>
    a[source] && b[source] ? [a[source], b[source]] : undefined;
  const gce = pair("gcePersistentDisk");
  if (gce && gce[0].pdName === gce[1].pdName && writes(gce)) return true;
  const aws = pair("awsElasticBlockStore");
  if (aws && aws[0].volumeID === aws[1].volumeID) return true;
  const iscsi = pair("iscsi");
  if (iscsi && iscsi[0].iqn === iscsi[1].iqn && writes(iscsi)) return true;
  const rbd = pair("rbd");
  if (rbd === undefined || !writes(rbd)) return false;
  const [first, second] = rbd;
  const shared = (first.monitors ?? []).some((one) => (second.monitors ?? []).includes(one));
  return shared && (first.pool ?? "rbd") === (second.pool ?? "rbd") && first.image === second.image;
}
