/** Which pods count as a pod's fellows where it does not say: those that its Services and its controller select. */
import { matchesLabels, requirementsOf, requirementsOfMap, type LabelRequirement } from "../../machinery/selectors.ts";
import type { PodShape, Tables } from "../framework.ts";

/** Undefined where nothing selects the pod. */
export function defaultRequirements(
  { namespace, labels, controller }: PodShape,
  tables: Tables,
): readonly LabelRequirement[] | undefined {
  // Pairs of the same key take each other's place, the controller's last; requirements are added.
  const pairs: Record<string, string> = {};
  for (const { metadata, selector } of tables.services.all()) {
    if (metadata.namespace !== namespace) continue;
    if (matchesLabels(requirementsOf(selector), labels)) Object.assign(pairs, selector.matchLabels);
  }
  const table = controller && CONTROLLERS[`${controller.apiVersion} ${controller.kind}`];
  const owner = table && tables[table].get(`${namespace}/${controller.name}`)?.selector;
  if (table === "replicationControllers") Object.assign(pairs, owner?.matchLabels);
  const requirements: LabelRequirement[] = requirementsOfMap(pairs);
  if (owner && table !== "replicationControllers") requirements.push(...requirementsOf(owner));
  return requirements.length === 0 ? undefined : requirements;
}

const CONTROLLERS: Partial<Record<string, "replicaSets" | "statefulSets" | "replicationControllers">> = {
  "apps/v1 ReplicaSet": "replicaSets",
  "apps/v1 StatefulSet": "statefulSets",
  "v1 ReplicationController": "replicationControllers",
};
