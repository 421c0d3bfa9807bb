import type { ClaimView } from "../../controller-runtime/views/storage-views.ts";
import type { NodeView } from "../../controller-runtime/views/node-view.ts";
import type { Plugin, Refusal, Tables } from "../framework.ts";
import { claimKeys, namedClaimKeys } from "./claims.ts";
import { shapeLike } from "./volume-restrictions.ts";

const NAME = "VolumeZone";
const REFUSED: Refusal = { plugin: NAME, reasons: ["node(s) had no available volume zone"], unresolvable: true };

/** Labels of volumes and nodes that name a zone or a region, and the newer name of old ones. */
const CURRENT: Readonly<Record<string, string>> = {
  "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone": "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region": "topology.kubernetes.io/region",
};

/** A volume with the label of a zone is used there. */
export const volumeZone: Plugin = {
  name: NAME,
  prepare(shape, { tables, nodes }) {
    if (shape.claims.length === 0) return undefined;
    const keys = namedClaimKeys(shape);
    return {
      refusePod: () => refusalOfClaims(keys, tables),
      refuse(slot) {
        const node = nodes.views[slot];
        if (node === undefined || !Object.keys(CURRENT).some((key) => key in node.metadata.labels)) return undefined;
        for (const key of keys) {
          const volume = tables.volumes.get(tables.claims.get(key)?.volumeName ?? "");
          for (const [label, zones] of Object.entries(volume?.metadata.labels ?? {})) {
            if (label in CURRENT && !zones.split("__").includes(zoneOf(node, label) ?? "")) return REFUSED;
          }
        }
        return undefined;
      },
    };
  },
  awaits: ["node", "claim", "volume", "storage-class"],
  helps(event, pod) {
    return event.kind !== "claim" || claimKeys(shapeLike(pod)).includes(event.key);
  },
};

function refusalOfClaims(keys: readonly string[], tables: Tables): Refusal | undefined {
  for (const key of keys) {
    const claim = tables.claims.get(key);
    const fault = claim && zoneFault(claim, tables);
    if (fault !== undefined) return { plugin: NAME, reasons: [fault], unresolvable: true };
  }
  return undefined;
}

/** Why it cannot be said where the claim's volume is. */
function zoneFault({ volumeName, storageClassName = "" }: ClaimView, tables: Tables): string | undefined {
  if (volumeName !== "") {
    return tables.volumes.get(volumeName) ? undefined : `persistentvolume "${volumeName}" not found`;
  }
  if (storageClassName === "") return "PersistentVolumeClaim had no pv name and storageClass name";
  const found = tables.storageClasses.get(storageClassName);
  if (found === undefined) return `storageclass.storage.k8s.io "${storageClassName}" not found`;
  return found.waits ? undefined : "PersistentVolume had no name";
}

function zoneOf({ metadata }: NodeView, label: string): string | undefined {
  return metadata.labels[label] ?? metadata.labels[CURRENT[label] ?? ""];
}
