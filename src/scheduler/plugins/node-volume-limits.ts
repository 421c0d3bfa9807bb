import type { Plugin, PodShape, Refusal, Tables } from "../framework.ts";
import { claimKeys } from "./claims.ts";
import { shapeLike } from "./volume-restrictions.ts";

const NAME = "NodeVolumeLimits";
const REFUSED: Refusal = { plugin: NAME, reasons: ["node(s) exceed max volume count"], unresolvable: false };

/** A driver attaches only so many volumes to a node (its CSINode says how many). What is attached counts though no pod there uses it. */
export const nodeVolumeLimits: Plugin = {
  name: NAME,
  prepare(shape, cluster) {
    if (shape.claims.length === 0) return undefined;
    const { tables, nodes } = cluster;
    return {
      refuse(slot) {
        const name = nodes.views[slot]?.metadata.name ?? "";
        const limits = tables.csiNodes.get(name)?.limits;
        if (limits === undefined) return undefined;
        const wanted = attachments(shape, tables);
        if (![...wanted.values()].some((driver) => limits[driver] !== undefined)) return undefined;
        const there = new Map<string, string>();
        for (const pod of cluster.podsOn(slot))
          for (const one of attachments(shapeLike(pod), tables)) there.set(...one);
        const fresh = [...wanted].filter(([id]) => !there.has(id)).map(([, driver]) => driver);
        for (const one of attachedTo(name, tables)) there.set(...one);
        const counts = new Map<string, number>();
        for (const driver of [...there.values(), ...fresh]) counts.set(driver, (counts.get(driver) ?? 0) + 1);
        const full = fresh.some((driver) => (counts.get(driver) ?? 0) > (limits[driver] ?? Infinity));
        return full ? REFUSED : undefined;
      },
    };
  },
  awaits: ["csi-node", "node", "claim", "pod-gone", "attachment-gone"],
  helps(event, pod) {
    if (event.kind === "csi-node" || event.kind === "attachment-gone") return true;
    if (event.kind === "node") return event.before === undefined;
    if (event.kind === "claim") return claimKeys(shapeLike(pod)).includes(event.key);
    return event.kind === "pod-gone" && event.pod.claims.length > 0;
  },
};

/** The driver of each volume that a pod has attached, by an identity of the volume. */
function attachments(pod: Pick<PodShape, "namespace" | "claims">, tables: Tables): Map<string, string> {
  const found = new Map<string, string>();
  for (const key of claimKeys(pod)) {
    const claim = tables.claims.get(key);
    if (claim === undefined) continue;
    const volume = tables.volumes.get(claim.volumeName);
    if (volume?.csi) found.set(`${volume.csi.driver} ${volume.csi.handle}`, volume.csi.driver);
    // As long as its volume is not there: one of its own, of its class' provisioner.
    const provisioner = volume ? undefined : tables.storageClasses.get(claim.storageClassName ?? "")?.provisioner;
    if (provisioner !== undefined) found.set(`${provisioner} ${key}`, provisioner);
  }
  return found;
}

/** The same of what is attached to a node, whoever uses it. */
function attachedTo(node: string, { attachments: attached, volumes }: Tables): [string, string][] {
  return [...attached.on(node)].flatMap(({ attacher, volumeName }): [string, string][] => {
    const csi = volumes.get(volumeName)?.csi;
    return csi ? [[`${attacher} ${csi.handle}`, attacher]] : [];
  });
}
