/** Says of every CustomResourceDefinition whether its names are its own. One at a time: a name is given once. */
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { BY_GROUP } from "../../controller-runtime/stores.ts";
import type { DefinitionView } from "../../controller-runtime/views/definition-view.ts";
import { customResourceDefinitions } from "../../kinds/apiextensions/customresourcedefinitions/types.ts";
import { formatTime } from "../../machinery/meta.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import { planStatus } from "./plan.ts";

export function createDefinitionNamesController(deps: ControllerDeps<"customResourceDefinitions">): Controller {
  const { client, stores, platform } = deps;
  const definitions = stores.customResourceDefinitions;

  async function reconcile(name: string): Promise<ReconcileResult> {
    const definition = definitions.get(name);
    if (definition === undefined || definition.metadata.deletionTimestamp !== undefined) return { done: true };
    const others = definitions.by(BY_GROUP, definition.group).filter((other) => other.metadata.name !== name);
    const status = planStatus(definition, others, formatTime(platform.clock.now()));
    if (!status) return { done: true };
    const { uid } = definition.metadata;
    const body = { metadata: { uid }, status };
    try {
      definitions.observe(await client.patch(customResourceDefinitions, { name }, "merge", body, "status"));
    } catch (error) {
      // Gone, or another of the same name: the next event says which.
      if (!isStatusError(error, "NotFound") && !isStatusError(error, "Conflict")) throw error;
    }
    return { done: true };
  }

  /** A change of names frees some for others of the group. */
  const sameGroup = ({ group }: DefinitionView): string[] =>
    definitions.by(BY_GROUP, group).map(({ metadata }) => metadata.name);

  return {
    name: "definition-names-controller",
    concurrency: 1,
    watches: [watching(definitions, (definition) => [definition.metadata.name, ...sameGroup(definition)])],
    reconcile,
  };
}
