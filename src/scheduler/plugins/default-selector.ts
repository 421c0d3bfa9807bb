/** Which pods count as a pod's fellows where it does not say: those that its Services and its controller select. */
import { matchesLabels, requirementsOf, type LabelRequirement } from "../../machinery/selectors.ts";
import type { PodShape, Tables } from "../framework.ts";

/** Undefined where nothing selects the pod. */
export function defaultRequirements(
  { namespace, labels, controller }: PodShape,
  tables: Tables,
): readonly LabelRequirement[] | undefined {
  const requirements: LabelRequirement[] = [];
  for (const { metadata, selector } of tables.services.all()) {
    if (metadata.namespace !== namespace) continue;
    const wanted = requirementsOf(selector);
    if (wanted.length > 0 && matchesLabels(wanted, labels)) requirements.push(...wanted);
  }
  const table = controller && CONTROLLERS[controller.kind];
  const owner = table && tables[table].get(`${namespace}/${controller.name}`);
  if (owner) requirements.push(...requirementsOf(owner.selector));
  return requirements.length === 0 ? undefined : requirements;
}

const CONTROLLERS: Partial<Record<string, "replicaSets" | "statefulSets" | "replicationControllers">> = {
  ReplicaSet: "replicaSets",
  StatefulSet: "statefulSets",
  ReplicationController: "replicationControllers",
};
