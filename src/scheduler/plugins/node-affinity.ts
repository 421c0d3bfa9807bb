/** nodeSelector and node affinity (k8s.io/component-helpers/scheduling/corev1/nodeaffinity). */
import type { NodeView } from "../../controller-runtime/views/node-view.ts";
import type { SchedulingSpec } from "../../controller-runtime/views/scheduling-spec.ts";
import type {
  NodeAffinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
} from "../../kinds/core/pods/types.ts";
import type { Plugin, Prepared, Refusal } from "../framework.ts";
import { normalize } from "./normalize.ts";

const NAME = "NodeAffinity";
const refusal = (reason: string): Refusal => ({ plugin: NAME, reasons: [reason], unresolvable: true });
const REFUSED = refusal("node(s) didn't match Pod's node affinity/selector");
const ADDED_REFUSED = refusal("node(s) didn't match scheduler-enforced node affinity");
const CONFLICT = refusal("pod affinity terms conflict");

type Requirements = Pick<SchedulingSpec, "nodeSelector" | "nodeAffinity">;

/** `addedAffinity`: what every pod of the profile wants beside its own. */
export function createNodeAffinity({ addedAffinity }: { addedAffinity?: NodeAffinity } = {}): Plugin {
  const added = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const addedPreferred = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return {
    name: NAME,
    prepare({ spec }, { nodes }) {
      const preferred = [
        ...addedPreferred,
        ...(spec.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
      ];
      const prepared: Prepared = {};
      if (added || hasRequirements(spec)) {
        prepared.refuseNode = (node) => {
          if (added && !matchesSelector(added, node)) return ADDED_REFUSED;
          return meetsNodeAffinity(spec, node) ? undefined : REFUSED;
        };
      }
      const only = onlyNodes(spec.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution);
      if (only?.size === 0) prepared.refusePod = () => CONFLICT;
      else if (only) prepared.only = only;
      if (preferred.length > 0) {
        prepared.score = ({ slots, count, scores }) => {
          for (let index = 0; index < count; index++) {
            const node = nodes.views[slots[index] ?? 0];
            let sum = 0;
            if (node) for (const { weight, preference } of preferred) if (matchesTerm(preference, node)) sum += weight;
            scores[index] = sum;
          }
          normalize(scores, count, "highest");
        };
      }
      return prepared;
    },
    awaits: ["node"],
    helps(event, { scheduling }) {
      if (event.kind !== "node") return false;
      const suits = (node: NodeView) =>
        meetsNodeAffinity(scheduling, node) && (added === undefined || matchesSelector(added, node));
      return suits(event.after) && (event.before === undefined || !suits(event.before));
    },
  };
}

export function hasRequirements({ nodeSelector, nodeAffinity }: Requirements): boolean {
  for (const key in nodeSelector) if (key !== undefined) return true;
  return nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution !== undefined;
}

/** What the pod requires of its node. */
export function meetsNodeAffinity({ nodeSelector, nodeAffinity }: Requirements, node: NodeView): boolean {
  const { labels } = node.metadata;
  for (const key in nodeSelector) if (valueOf(labels, key) !== nodeSelector[key]) return false;
  const required = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesSelector(required, node);
}

/** Terms are ORed; none matches nothing. */
export function matchesSelector({ nodeSelectorTerms = [] }: NodeSelector, node: NodeView): boolean {
  return nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** Everything in a term must hold; an empty one matches nothing. */
export function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: NodeView): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const { labels, name } = node.metadata;
  return (
    matchExpressions.every((requirement) => matches(requirement, valueOf(labels, requirement.key))) &&
    matchFields.every((requirement) => matches(requirement, requirement.key === "metadata.name" ? name : undefined))
  );
}

/** Names of the only nodes that may match, where every term names some. */
function onlyNodes(required: NodeSelector | undefined): ReadonlySet<string> | undefined {
  const terms = required?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  const all = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const named = matchFields.filter(({ key, operator }) => key === "metadata.name" && operator === "In");
    const [first, ...others] = named.map(({ values = [] }) => values);
    if (first === undefined) return undefined;
    for (const name of first) if (others.every((values) => values.includes(name))) all.add(name);
  }
  return all;
}

function valueOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
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
