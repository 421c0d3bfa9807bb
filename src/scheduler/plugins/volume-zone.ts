import type { NodeView } from "../../controller-runtime/views/node-view.ts";
import type { Plugin, Refusal } from "../framework.ts";
import { claimKeys } from "./claims.ts";
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
    return {
      refuse(slot) {
        const node = nodes.views[slot];
        if (node === undefined || !Object.keys(CURRENT).some((key) => key in node.metadata.labels)) return undefined;
        for (const key of claimKeys(shape)) {
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

function zoneOf({ metadata }: NodeView, label: string): string | undefined {
  return metadata.labels[label] ?? metadata.labels[CURRENT[label] ?? ""];
}
