/** Keeps the rules of ClusterRoles that are made of others: pkg/controller/clusterroleaggregation of Kubernetes. */
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { AGGREGATED } from "../../controller-runtime/stores.ts";
import { aggregatedRules, sameRules } from "../../kinds/rbac/aggregation.ts";
import { clusterRoles } from "../../kinds/rbac/types.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";

export function createClusterRoleAggregation({ client, stores }: ControllerDeps<"clusterRoles">): Controller {
  async function reconcile(name: string): Promise<ReconcileResult> {
    const role = stores.clusterRoles.get(name);
    if (!role || role.metadata.deletionTimestamp !== undefined) return { done: true };
    const rules = aggregatedRules(role, [...stores.clusterRoles.all()]);
    if (rules === undefined || sameRules(rules, role.rules)) return { done: true };
    try {
      // Of this revision only: rules that somebody else made of newer roles are not taken back.
      const body = { metadata: { resourceVersion: role.metadata.resourceVersion }, rules };
      stores.clusterRoles.observe(await client.patch(clusterRoles, { name }, "merge", body));
    } catch (error) {
      // Gone, or changed: the next event says which.
      if (!isStatusError(error, "NotFound") && !isStatusError(error, "Conflict")) throw error;
    }
    return { done: true };
  }

  /** There are few that aggregate, and nobody knows which of them a label concerns, or concerned. */
  const aggregated = (): string[] => stores.clusterRoles.by(AGGREGATED, "").map(({ metadata }) => metadata.name);

  return {
    name: "clusterrole-aggregation-controller",
    concurrency: 4,
    watches: [watching(stores.clusterRoles, ({ metadata }) => [metadata.name, ...aggregated()])],
    reconcile,
  };
}
