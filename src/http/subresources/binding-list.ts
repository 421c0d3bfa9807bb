/** POST /api/v1/bindings with a BindingList: what a scheduler has decided in one turn. Whoever may bind in every namespace may send it. */
import { badRequest } from "../../machinery/status-error.ts";
import { writeContext } from "../exchange.ts";
import { itemOf, keyOfItem, type EachItem } from "../item-list.ts";
import { BINDING, bindingUpdate, podResource } from "./binding.ts";
import { storedPods } from "./pod-target.ts";

export const bindEach: EachItem = async (services, exchange, items) => {
  const context = writeContext(exchange);
  const resource = podResource(services);
  const known = await storedPods(services, resource, items.map(keyOfItem));

  async function bind(item: unknown, at: number): Promise<void> {
    const key = keyOfItem(item);
    if (!key) throw badRequest("each Binding must name its pod by metadata.namespace and metadata.name");
    const binding = itemOf(services, item, BINDING);
    const object = known[at];
    const request = { pod: { resource, ...key }, binding, context, ...(object ? { known: object } : {}) };
    await services.registry.update(bindingUpdate(services, request));
  }

  return await Promise.allSettled(items.map(bind));
};
