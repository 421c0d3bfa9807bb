/**
 * PodTopologyLabels: a pod has the zone and the region of its node as labels, so that what runs in it can learn them
 * (plugin/pkg/admission/podtopologylabels). Of pods that are created on a node; of the others the binding says so (topologyLabelsOf).
 */
import type { KubeObject } from "../machinery/meta.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { isPluginOn, type PluginChoice } from "./plugin-choice.ts";
import type { Lookup } from "./service-account.ts";

const NAME = "PodTopologyLabels";
const LABELS = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"];

interface Pod extends KubeObject {
  spec: { nodeName?: string };
}

/** Of a node's labels those that its pods get; undefined where there are none. */
export function topologyLabelsOf(
  labels: Readonly<Record<string, string>> | undefined,
  choice: PluginChoice | undefined,
): Record<string, string> | undefined {
  if (!labels || (choice && !isPluginOn(NAME, choice))) return undefined;
  const entries = LABELS.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]]));
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Record<string, string>);
}

export function createPodTopologyLabels({ lookup }: { lookup: Lookup }): AdmissionPlugin {
  return {
    name: NAME,
    async mutate({ operation, group, resource, subresource, object }) {
      if (operation !== "CREATE" || group !== "" || resource !== "pods" || subresource !== "") return;
      const { metadata, spec } = object as Pod;
      const name = spec.nodeName ?? "";
      if (name === "") return;
      const node = await lookup({ resource: "nodes", namespace: "", name });
      const labels = topologyLabelsOf(node?.metadata.labels, undefined);
      if (labels) metadata.labels = { ...metadata.labels, ...labels };
    },
  };
}
