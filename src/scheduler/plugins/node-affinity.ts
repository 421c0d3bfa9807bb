/** nodeSelector and node affinity (k8s.io/component-helpers/scheduling/corev1/nodeaffinity). */
import type { NodeView } from "../../controller-runtime/views/node-view.ts";
import type { NodeSelectorRequirement, NodeSelectorTerm } from "../../kinds/core/pods/types.ts";
import type { Plugin } from "../framework.ts";

export const nodeAffinity: Plugin = {
  name: "NodeAffinity",
  requeueOn: ["node-added", "node-changed"],
  filter({ placement }, { node }) {
    const labels = node.metadata.labels;
    const selected = Object.entries(placement?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
    const required = placement?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    const meets = required === undefined || (required.nodeSelectorTerms ?? []).some((term) => matchesTerm(term, node));
    return selected && meets ? [] : ["node(s) didn't match Pod's node affinity/selector"];
  },
  score: {
    weight: 2,
    normalize: "highest-is-best",
    of({ placement }, { node }) {
      const terms = placement?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
      return terms.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0), 0);
    },
  },
};

/** Everything in a term must hold; an empty one matches nothing. */
export function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: NodeView): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const { labels, name } = node.metadata;
  return (
    matchExpressions.every((requirement) => matches(requirement, labels[requirement.key])) &&
    matchFields.every((requirement) => matches(requirement, requirement.key === "metadata.name" ? name : undefined))
  );
}

function matches({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
    case "Lt": {
      const whole = /^[+-]?\d+$/;
      const [limit = ""] = values;
      if (value === undefined || !whole.test(value) || !whole.test(limit)) return false;
      return operator === "Gt" ? BigInt(value) > BigInt(limit) : BigInt(value) < BigInt(limit);
    }
    default:
      return false;
  }
}
