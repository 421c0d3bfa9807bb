/**
 * LimitPodHardAntiAffinityTopology: what a pod must not be near to is a matter of nodes, so that nobody keeps others out of a whole zone
 * (plugin/pkg/admission/antiaffinity).
 */
import type { AdmissionPlugin } from "./admission.ts";
import { podOf } from "./pod-request.ts";
import { refused } from "./refusal.ts";

const HOSTNAME = "kubernetes.io/hostname";

export function createAntiAffinityTopology(): AdmissionPlugin {
  return {
    name: "LimitPodHardAntiAffinityTopology",
    validate(attributes) {
      if (attributes.operation !== "CREATE" && attributes.operation !== "UPDATE") return;
      const { podAntiAffinity } = podOf(attributes)?.spec.affinity ?? {};
      for (const { topologyKey } of podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
        if (topologyKey === HOSTNAME) continue;
        throw refused(
          attributes,
          `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${topologyKey} but only key ${HOSTNAME} is allowed`,
        );
      }
    },
  };
}
