/** Selectors of labels and of nodes, taints and tolerations (apimachinery/pkg/labels, component-helpers/scheduling/corev1). */
import type { Node } from "../../../src/kinds/core/nodes/types.ts";
import type {
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Pod,
  Taint,
  Toleration,
} from "../../../src/kinds/core/pods/types.ts";
import type { LabelSelector } from "../../../src/machinery/selectors.ts";
import { labelsOf, nameOf } from "./cluster.ts";

type Labels = Readonly<Record<string, string>>;

/** No selector matches nothing; one without requirements matches everything. */
export function selects(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  const pairs = Object.entries(selector.matchLabels ?? {});
  if (!pairs.every(([key, value]) => labels[key] === value)) return false;
  return (selector.matchExpressions ?? []).every((requirement) => holds(requirement, labels));
}

/** A selector without requirements. */
export function isEmpty(selector: LabelSelector | undefined): boolean {
  if (selector === undefined) return false;
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

function holds({ key, operator, values = [] }: NodeSelectorRequirement, labels: Labels): boolean {
  const label = labels[key];
  switch (operator) {
    case "In":
      return label !== undefined && values.includes(label);
    case "NotIn":
      return label === undefined || !values.includes(label);
    case "Exists":
      return label !== undefined;
    case "DoesNotExist":
      return label === undefined;
    case "Gt":
    case "Lt": {
      const [left, right] = [int64(label), int64(values[0])];
      if (left === undefined || right === undefined || values.length !== 1) return false;
      return operator === "Gt" ? left > right : left < right;
    }
    default:
      return false;
  }
}

function int64(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.replace("+", ""));
  return value === BigInt.asIntN(64, value) ? value : undefined;
}

/** Terms are ORed, what is in a term is ANDed, an empty term matches nothing. */
export function nodeMatches(selector: NodeSelector, node: Node): boolean {
  return (selector.nodeSelectorTerms ?? []).some((term) => termMatches(term, node));
}

export function termMatches({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const fields = { "metadata.name": nameOf(node) };
  return (
    matchExpressions.every((requirement) => holds(requirement, labelsOf(node))) &&
    matchFields.every((requirement) => holds(requirement, fields))
  );
}

/** The node selector and the required node affinity of a pod. */
export function wantsNode({ spec }: Pod, node: Node): boolean {
  if (!selects({ matchLabels: spec.nodeSelector ?? {} }, labelsOf(node))) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || nodeMatches(required, node);
}

export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return (tolerations ?? []).some((toleration) => {
    if (toleration.effect && toleration.effect !== taint.effect) return false;
    if (toleration.key && toleration.key !== taint.key) return false;
    // Gt and Lt are behind a feature gate that is off.
    if (toleration.operator === "Exists") return true;
    return (toleration.operator ?? "Equal") === "Equal" && (toleration.value ?? "") === (taint.value ?? "");
  });
}

/** Taints that keep a pod away, as opposed to those that only make a node less liked. */
export function toleratesAll({ spec }: Pod, node: Node): boolean {
  const taints = (node.spec.taints ?? []).filter(({ effect }) => effect !== "PreferNoSchedule");
  return taints.every((taint) => tolerates(spec.tolerations, taint));
}
