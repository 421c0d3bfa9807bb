/** What controllers keep of disruption budgets, and of kinds of which only the wanted scale matters. */
import type { PodDisruptionBudget } from "../../kinds/policy/poddisruptionbudgets/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { metaView, type View } from "./view.ts";

export interface BudgetView extends View, Pick<PodDisruptionBudget["spec"], "minAvailable" | "maxUnavailable"> {
  selector?: PodDisruptionBudget["spec"]["selector"];
  status: NonNullable<PodDisruptionBudget["status"]>;
}

export interface ScaleView extends View {
  replicas: number;
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
  const { spec } = object as KubeObject & { spec?: { replicas?: number } };
  return { metadata: metaView(object.metadata), replicas: spec?.replicas ?? 1 };
}
