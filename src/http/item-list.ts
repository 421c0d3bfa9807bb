/**
 * A list that is posted: each item is taken as if it had been posted by itself, for one request's price. Kubernetes has no such calls;
 * the control loops make them. The answer is a list with the Status of each, in their order: one that is refused says nothing of the
 * others.
 */
import { GoDecodeError } from "../encoding/canonical.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { isObject } from "../machinery/patch/json-value.ts";
import { badRequest } from "../machinery/status-error.ts";
import { readBody } from "./body.ts";
import type { BodyType } from "./body-type.ts";
import type { Exchange, Services } from "./exchange.ts";
import { negotiate } from "./negotiate.ts";
import { methodNotAllowed } from "./paths.ts";
import { asStatusError, successStatus } from "./respond-error.ts";
import { respondObject } from "./respond-object.ts";

/** About 25 ms of work. */
export const ITEMS_MAX = 256;

/** What is done with all items, each with its own end. */
export type EachItem = (
  services: Services,
  exchange: Exchange,
  items: readonly unknown[],
) => Promise<PromiseSettledResult<unknown>[]>;

/**
 * By the kind of the list.
 * @throws StatusError "MethodNotAllowed" for any other body, as Kubernetes answers there; "BadRequest" for a list that is too long
 */
export function handleItemList(
  byKind: Readonly<Record<string, EachItem>>,
): (services: Services, exchange: Exchange) => Promise<Response> {
  return async (services, exchange) => {
    const form = negotiate(exchange.request.headers.get("accept"));
    const { kind, items } = listOf(await readBody(exchange.request));
    const each = Object.hasOwn(byKind, kind) ? byKind[kind] : undefined;
    if (!each) throw methodNotAllowed();
    if (items.length > ITEMS_MAX) throw badRequest(`a list may have ${ITEMS_MAX} items at most`);
    const { log } = services.cluster.platform;
    const statuses = (await each(services, exchange, items)).map((result) =>
      result.status === "fulfilled" ? successStatus(undefined) : asStatusError(result.reason, log).toStatus(),
    );
    const value = { kind: "List", apiVersion: "v1", metadata: {}, items: statuses };
    return respondObject(exchange, { form, value, status: 201 });
  };
}

function listOf(body: Uint8Array): { kind: string; items: readonly unknown[] } {
  let list: unknown;
  try {
    list = JSON.parse(new TextDecoder().decode(body));
  } catch {
    throw methodNotAllowed();
  }
  if (!isObject(list) || typeof list["kind"] !== "string" || list["apiVersion"] !== "v1") throw methodNotAllowed();
  const { kind, items } = list;
  if (!kind.endsWith("List")) throw methodNotAllowed();
  if (!Array.isArray(items)) throw badRequest("items must be a list");
  return { kind, items };
}

/** @throws StatusError "BadRequest" */
export function itemOf({ bodies }: Services, item: unknown, type: BodyType): KubeObject {
  try {
    return bodies.merged(item, type);
  } catch (error) {
    if (error instanceof GoDecodeError) throw badRequest(error.message, error);
    throw error;
  }
}

export interface ItemKey {
  namespace: string;
  name: string;
}

/** Of the object that an item names by metadata.namespace and metadata.name; undefined where it does not. */
export function keyOfItem(item: unknown): ItemKey | undefined {
  if (!isObject(item) || !isObject(item["metadata"])) return undefined;
  const { namespace, name } = item["metadata"];
  if (typeof namespace !== "string" || typeof name !== "string" || namespace === "" || name === "") return undefined;
  return { namespace, name };
}
