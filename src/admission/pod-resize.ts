/** PodResizeValidator: a bound pod may not come to ask for more than its node could ever give (plugin/pkg/admission/podresize). */
import type { Node } from "../kinds/core/nodes/types.ts";
import { addAll, podTotals, quantitiesOf } from "../kinds/core/pods/pod-resources.ts";
import type { Pod, ResourceList } from "../kinds/core/pods/types.ts";
import { compareQuantities, milliValue, readQuantity, value, type Quantity } from "../machinery/quantity.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { refused } from "./refusal.ts";
import type { Lookup } from "./service-account.ts";

const OS_LABEL = "kubernetes.io/os";
const ZERO: Quantity = { nano: 0n, format: "DecimalSI" };

export function createPodResize({ lookup }: { lookup: Lookup }): AdmissionPlugin {
  return {
    name: "PodResizeValidator",
    async validate(attributes) {
      const { group, resource, subresource, operation, object, oldObject } = attributes;
      if (group !== "" || resource !== "pods" || subresource !== "resize" || operation !== "UPDATE") return;
      const pod = object as Pod;
      const name = pod.spec.nodeName ?? "";
      if (name === "" || pod.metadata.generation === oldObject?.metadata.generation) return;
      const node = (await lookup({ resource: "nodes", namespace: "", name })) as Node | undefined;
      if (!node) throw refused(attributes, `node ${JSON.stringify(name)} not found`);
      const os = node.metadata.labels?.[OS_LABEL] ?? "linux";
      if (os !== "linux") {
        const why = `pod resize is only supported on linux nodes, node ${JSON.stringify(name)} is ${JSON.stringify(os)}`;
        throw refused(attributes, why, "UnsupportedPlatform");
      }
      const missing = missingFor(pod, node.status?.allocatable ?? {});
      if (missing === "") return;
      throw refused(attributes, `node didn't have enough allocatable resources: ${missing}`, "NodeCapacity");
    },
  };
}

/** "" where there is enough. */
function missingFor({ spec }: Pod, allocatable: ResourceList): string {
  const wanted = podTotals(spec, "requests");
  addAll(wanted, quantitiesOf(spec.overhead ?? {}));
  const texts = [
    { name: "cpu", read: milliValue },
    { name: "memory", read: value },
  ].flatMap(({ name, read }) => {
    const asked = wanted.get(name) ?? ZERO;
    const there = readQuantity(allocatable[name] ?? "0") ?? ZERO;
    if (compareQuantities(asked, there) <= 0) return [];
    return [`${name}, requested: ${read(asked)}, allocatable: ${read(there)}`];
  });
  return texts.join("; ");
}
