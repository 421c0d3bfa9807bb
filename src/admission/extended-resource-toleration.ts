/**
 * ExtendedResourceToleration: a pod that asks for an extended resource tolerates the taint that keeps others off the nodes that have it
 * (plugin/pkg/admission/extendedresourcetoleration).
 */
import type { Toleration } from "../kinds/core/pods/types.ts";
import { isExtendedResource } from "../kinds/core/pods/validation/resource-names.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { podOf } from "./pod-request.ts";

export function createExtendedResourceToleration(): AdmissionPlugin {
  return {
    name: "ExtendedResourceToleration",
    mutate(attributes) {
      if (attributes.operation !== "CREATE" && attributes.operation !== "UPDATE") return;
      const spec = podOf(attributes)?.spec;
      if (!spec) return;
      const names = [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
        Object.keys(resources?.requests ?? {}).filter(isExtendedResource),
      );
      const added = [...new Set(names)]
        .toSorted()
        .filter((name) => !spec.tolerations?.some((one) => isOurs(one, name)));
      if (added.length === 0) return;
      const tolerations = added.map((key): Toleration => ({ key, operator: "Exists", effect: "NoSchedule" }));
      spec.tolerations = [...(spec.tolerations ?? []), ...tolerations];
    },
  };
}

function isOurs({ key, operator, effect, value = "" }: Toleration, name: string): boolean {
  return key === name && operator === "Exists" && effect === "NoSchedule" && value === "";
}
