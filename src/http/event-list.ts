/** POST /api/v1/events with an EventList: what a control loop has to say of one turn. Whoever may create events in every namespace may send it. */
import { badRequest } from "../machinery/status-error.ts";
import { writeContext } from "./exchange.ts";
import { itemOf, keyOfItem, type EachItem } from "./item-list.ts";

export const recordEach: EachItem = async (services, exchange, items) => {
  const context = writeContext(exchange);
  const { resource } = exchange;

  async function record(item: unknown): Promise<void> {
    const key = keyOfItem(item);
    if (!key) throw badRequest("each Event must have a metadata.namespace and a metadata.name");
    const object = itemOf(services, item, resource.kind);
    await services.registry.create({ resource, namespace: key.namespace, object, context });
  }

  return await Promise.allSettled(items.map(record));
};
