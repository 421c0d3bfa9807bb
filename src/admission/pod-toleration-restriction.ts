/**
 * PodTolerationRestriction: pods get the tolerations that annotations of their namespace name, and may have no others than its list
 * lets them (plugin/pkg/admission/podtolerationrestriction). A refusal is 403; kube-apiserver answers 500 with the same text.
 */
import { qosClassOf } from "../kinds/core/pods/qos.ts";
import type { Toleration } from "../kinds/core/pods/types.ts";
import type { KubeObject } from "../machinery/meta.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import type { NamespaceRulesReader } from "./namespace-rules.ts";
import { podOf } from "./pod-request.ts";
import { refused } from "./refusal.ts";
import { areCovered, mergeTolerations } from "./tolerations.ts";

const DEFAULTS = "scheduler.alpha.kubernetes.io/defaultTolerations";
const ALLOWED = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";
const MEMORY_PRESSURE: Toleration = {
  key: "node.kubernetes.io/memory-pressure",
  operator: "Exists",
  effect: "NoSchedule",
};

export function createPodTolerationRestriction({
  rules,
}: {
  rules: Pick<NamespaceRulesReader, "of">;
}): AdmissionPlugin {
  async function annotated(attributes: AdmissionAttributes, annotation: string): Promise<Toleration[]> {
    const { namespace } = await rules.of(attributes);
    return tolerationsIn(namespace, { annotation, attributes });
  }

  async function assertAllowed(attributes: AdmissionAttributes): Promise<void> {
    const tolerations = restricted(attributes)?.spec.tolerations ?? [];
    if (tolerations.length === 0) return;
    const allowed = await annotated(attributes, ALLOWED);
    if (allowed.length === 0 || areCovered(tolerations, allowed)) return;
    throw refused(
      attributes,
      "pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist",
    );
  }

  return {
    name: "PodTolerationRestriction",
    async mutate(attributes) {
      const pod = restricted(attributes);
      if (!pod) return;
      let { tolerations = [] } = pod.spec;
      if (attributes.operation === "CREATE") {
        const defaults = await annotated(attributes, DEFAULTS);
        if (defaults.length > 0) tolerations = mergeTolerations(defaults, tolerations);
      }
      if (qosClassOf(pod.spec) !== "BestEffort") tolerations = mergeTolerations(tolerations, [MEMORY_PRESSURE]);
      if (tolerations.length > 0) pod.spec.tolerations = tolerations;
      await assertAllowed(attributes);
    },
    validate: assertAllowed,
  };
}

function restricted(attributes: AdmissionAttributes): ReturnType<typeof podOf> {
  return attributes.operation === "CREATE" || attributes.operation === "UPDATE" ? podOf(attributes) : undefined;
}

/** @throws StatusError "Forbidden" where the annotation is no list of tolerations */
function tolerationsIn(
  namespace: KubeObject | undefined,
  { annotation, attributes }: { annotation: string; attributes: AdmissionAttributes },
): Toleration[] {
  const text = namespace?.metadata.annotations?.[annotation] ?? "";
  if (text === "") return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const isList = Array.isArray(value) && value.every((one) => typeof one === "object" && one !== null);
  if (value === null) return [];
  if (!isList) throw refused(attributes, `annotation ${annotation} of the namespace is no list of tolerations`);
  return value as Toleration[];
}
