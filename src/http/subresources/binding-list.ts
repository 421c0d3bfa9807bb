/** POST /api/v1/bindings with a BindingList: what a scheduler has decided in one turn. Whoever may bind in every namespace may send it. */
import { isObject } from "../../machinery/patch/json-value.ts";
import { badRequest } from "../../machinery/status-error.ts";
import { writeContext } from "../exchange.ts";
import { itemOf, keyOfItem, type EachItem } from "../item-list.ts";
import { BINDING, bindingUpdate, podResource } from "./binding.ts";
import { storedPods } from "./pod-target.ts";

/** By its raw text: what is no string is refused when the item is decoded. */
function nodeOfItem(item: unknown): string | undefined {
  if (!isObject(item) || !isObject(item["target"])) return undefined;
  const { name } = item["target"];
  return typeof name === "string" && name !== "" ? name : undefined;
}

export const bindEach: EachItem = async (services, exchange, items) => {
  const context = writeContext(exchange);
  const resource = podResource(services);
  const known = await storedPods(services, resource, {
    keys: items.map(keyOfItem),
    nodes: items.flatMap((item) => nodeOfItem(item) ?? []),
  });

  async function bind(item: unknown, at: number): Promise<void> {
    const key = keyOfItem(item);
    if (!key) throw badRequest("each Binding must name its pod by metadata.namespace and metadata.name");
    const binding = itemOf(services, item, BINDING);
    const pod = { resource, ...key };
    const node = known.nodes.get(nodeOfItem(item) ?? "");
    const request = { pod, binding, context, known: known.pods[at], node };
    await services.registry.update(bindingUpdate(services, request));
  }

  return await Promise.allSettled(items.map(bind));
};
