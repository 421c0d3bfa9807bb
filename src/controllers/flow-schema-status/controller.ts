/** Says of every FlowSchema whether its priority level exists. Nothing queues by them yet. */
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { BY_LEVEL } from "../../controller-runtime/stores.ts";
import { flowSchemas } from "../../kinds/flowcontrol/types.ts";
import { formatTime } from "../../machinery/meta.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import { planDangling } from "./plan.ts";

export function createFlowSchemaStatusController(
  deps: ControllerDeps<"flowSchemas" | "priorityLevelConfigurations">,
): Controller {
  const { client, stores, platform } = deps;

  async function reconcile(name: string): Promise<ReconcileResult> {
    const schema = stores.flowSchemas.get(name);
    if (schema === undefined) return { done: true };
    const condition = planDangling(schema, stores.priorityLevelConfigurations.get(schema.level) !== undefined);
    if (!condition) return { done: true };
    const lastTransitionTime = formatTime(platform.clock.now());
    const status = { conditions: [{ ...condition, lastTransitionTime }] };
    try {
      stores.flowSchemas.observe(await client.patch(flowSchemas, { name }, "strategic", { status }, "status"));
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
    }
    return { done: true };
  }

  return {
    name: "flow-schema-status-controller",
    concurrency: 4,
    watches: [
      watching(stores.flowSchemas, ({ metadata }) => [metadata.name]),
      // A change of a level is nothing to its schemas, its coming and going is.
      watching(stores.priorityLevelConfigurations, ({ metadata }, { before, after }) =>
        before && after ? [] : stores.flowSchemas.by(BY_LEVEL, metadata.name).map((schema) => schema.metadata.name),
      ),
    ],
    reconcile,
  };
}
