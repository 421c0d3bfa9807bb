/**
 * PodNodeSelector: pods of a namespace go only to the nodes that its annotation selects (plugin/pkg/admission/podnodeselector). The
 * cluster-wide selectors of that plugin's configuration file are not served.
 */
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import type { NamespaceRulesReader } from "./namespace-rules.ts";
import { podOf } from "./pod-request.ts";
import { refused } from "./refusal.ts";

const ANNOTATION = "scheduler.alpha.kubernetes.io/node-selector";

export function createPodNodeSelector({ rules }: { rules: Pick<NamespaceRulesReader, "of"> }): AdmissionPlugin {
  async function selectorOf(attributes: AdmissionAttributes): Promise<Record<string, string>> {
    const { namespace } = await rules.of(attributes);
    const selector = labelsOf(namespace?.metadata.annotations?.[ANNOTATION] ?? "", attributes);
    const own = podOf(attributes)?.spec.nodeSelector ?? {};
    if (Object.entries(selector).some(([key, value]) => Object.hasOwn(own, key) && own[key] !== value)) {
      throw refused(attributes, "pod node label selector conflicts with its namespace node label selector");
    }
    return selector;
  }

  return {
    name: "PodNodeSelector",
    async mutate(attributes) {
      if (attributes.operation !== "CREATE") return;
      const pod = podOf(attributes);
      if (!pod) return;
      const selector = await selectorOf(attributes);
      if (Object.keys(selector).length > 0) pod.spec.nodeSelector = { ...selector, ...pod.spec.nodeSelector };
    },
    async validate(attributes) {
      if (attributes.operation === "CREATE" && podOf(attributes)) await selectorOf(attributes);
    },
  };
}

/** "disk=ssd,zone=a" @throws StatusError "Forbidden" */
function labelsOf(text: string, attributes: AdmissionAttributes): Record<string, string> {
  if (text === "") return {};
  return Object.fromEntries(
    text.split(",").map((part) => {
      const [key, value, ...more] = part.split("=");
      if (key === undefined || value === undefined || more.length > 0) {
        throw refused(attributes, `annotation ${ANNOTATION} of the namespace: invalid selector: ${part}`);
      }
      return [key.trim(), value.trim()];
    }),
  );
}
