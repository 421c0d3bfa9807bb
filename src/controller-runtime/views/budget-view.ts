/** What controllers keep of disruption budgets, and of kinds of which only the wanted scale matters. */
import type { PodDisruptionBudget } from "../../kinds/policy/poddisruptionbudgets/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import type { LabelSelector } from "../../machinery/selectors.ts";
import { metaView, type View } from "./view.ts";

export interface BudgetView extends View, Pick<PodDisruptionBudget["spec"], "minAvailable" | "maxUnavailable"> {
  selector?: PodDisruptionBudget["spec"]["selector"];
  status: NonNullable<PodDisruptionBudget["status"]>;
}

export interface ScaleView extends View {
  replicas: number;
  /** Of the pods it has; undefined where it says none. */
  selector?: LabelSelector;
}

export function budgetView(object: KubeObject): BudgetView {
  const { metadata, spec, status } = object as PodDisruptionBudget;
  const { minAvailable, maxUnavailable, selector } = spec;
  return {
    metadata: metaView(metadata),
    status: status ?? {},
    ...(minAvailable === undefined ? {} : { minAvailable }),
    ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
    ...(selector === undefined ? {} : { selector }),
  };
}

export function scaleView(object: KubeObject): ScaleView {
  const { spec } = object as KubeObject & { spec?: { replicas?: number; selector?: LabelSelector } };
  const { replicas = 1, selector } = spec ?? {};
  return { metadata: metaView(object.metadata), replicas, ...(selector ? { selector } : {}) };
}

/** Of a kind whose selector is a map of labels. */
export function replicationControllerView(object: KubeObject): ScaleView {
  const { spec } = object as KubeObject & { spec?: { replicas?: number; selector?: Record<string, string> } };
  const { replicas = 1, selector } = spec ?? {};
  return {
    metadata: metaView(object.metadata),
    replicas,
    ...(selector ? { selector: { matchLabels: selector } } : {}),
  };
}
