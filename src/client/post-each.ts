/** Posting many objects for one request's price: see http/item-list.ts. */
import type { ResourceRef } from "../machinery/gvk.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { StatusError, type Status } from "../machinery/status-error.ts";
import type { Client } from "./client.ts";

/** In one request; the server takes twice as many. */
const ITEMS_MAX = 128;

interface ItemList extends KubeObject {
  items: object[];
}

/**
 * Each has its own end: undefined, or why it is not stored. `kind` is that of the list ("BindingList"). More than go in one request go in
 * several, one after the other. @throws StatusError where nothing is known of the ends of a request
 */
export async function postEach(
  client: Pick<Client, "create">,
  ref: ResourceRef,
  { kind, items }: { kind: string; items: readonly object[] },
): Promise<(StatusError | undefined)[]> {
  const ends: (StatusError | undefined)[] = [];
  for (let start = 0; start < items.length; start += ITEMS_MAX) {
    const some = items.slice(start, start + ITEMS_MAX);
    const { items: answers } = await client.create<ItemList>(ref, {
      apiVersion: "v1",
      kind,
      metadata: {},
      items: some,
    });
    ends.push(...some.map((_item, at) => endOf(answers[at] as Status | undefined)));
  }
  return ends;
}

function endOf(answer: Status | undefined): StatusError | undefined {
  if (answer === undefined) return new StatusError("InternalError", "an item of a list was not answered");
  return answer.status === "Success" ? undefined : StatusError.fromStatus(answer);
}
