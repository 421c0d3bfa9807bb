/** DefaultTolerationSeconds: how long a pod stays bound to a node that stops answering, where it does not say so itself. */
import type { Toleration } from "../kinds/core/pods/types.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { podOf } from "./pod-request.ts";

const TAINTS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

export function createDefaultTolerationSeconds({ seconds }: { seconds: number }): AdmissionPlugin {
  return {
    name: "DefaultTolerationSeconds",
    mutate(attributes) {
      if (attributes.operation !== "CREATE" && attributes.operation !== "UPDATE") return;
      const spec = podOf(attributes)?.spec;
      if (!spec) return;
      const missing = TAINTS.filter((key) => !spec.tolerations?.some((toleration) => tolerates(toleration, key)));
      if (missing.length === 0) return;
      const added = missing.map((key): Toleration => ({
        key,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: seconds,
      }));
      spec.tolerations = [...(spec.tolerations ?? []), ...added];
    },
  };
}

/** Whatever value or time it names, the pod's author has thought of the taint. */
function tolerates({ key = "", effect }: Toleration, taint: string): boolean {
  return (key === "" || key === taint) && (effect === undefined || effect === "NoExecute");
}
