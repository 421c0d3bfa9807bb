/**
 * POST /api/v1/bindings with a BindingList: what a scheduler has decided in one turn, as if each Binding had been posted by itself, for
 * one request's price. Kubernetes has no such call; whoever may bind in every namespace (system:kube-scheduler) may do it. The answer is
 * a list with the Status of each, in their order: one that is refused says nothing of the others.
 */
import { GoDecodeError } from "../../encoding/canonical.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { isObject } from "../../machinery/patch/json-value.ts";
import { badRequest } from "../../machinery/status-error.ts";
import { writeContext, type Exchange, type Services } from "../exchange.ts";
import { negotiate } from "../negotiate.ts";
import { methodNotAllowed } from "../paths.ts";
import { asStatusError, successStatus } from "../respond-error.ts";
import { respondObject } from "../respond-object.ts";
import { readBody } from "../body.ts";
import { BINDING, bindingUpdate, podResource } from "./binding.ts";

/** About 25 ms of work. */
export const BINDINGS_MAX = 256;

/** @throws StatusError "MethodNotAllowed" for anything but a BindingList, as Kubernetes answers there; "BadRequest" for one that is too long */
export async function handleBindingList(services: Services, exchange: Exchange): Promise<Response> {
  const form = negotiate(exchange.request.headers.get("accept"));
  const context = writeContext(exchange);
  const items = itemsOf(await readBody(exchange.request));
  const resource = podResource(services);
  const keys = items.flatMap((item) => keyOf(item) ?? []);
  const stored = await services.cluster.storage.getMany(
    keys.map(({ namespace, name }) => ({ resource: resource.storageName, namespace, name })),
  );
  const known = new Map(stored.map((object) => [`${object.namespace}/${object.name}`, object]));

  async function bind(item: unknown): Promise<object> {
    const key = keyOf(item);
    if (!key) throw badRequest("each Binding must name its pod by metadata.namespace and metadata.name");
    const binding = decoded(services, item);
    const object = known.get(`${key.namespace}/${key.name}`);
    const request = { pod: { resource, ...key }, binding, context, ...(object ? { known: object } : {}) };
    await services.registry.update(bindingUpdate(services, request));
    return successStatus(undefined);
  }

  const results = await Promise.allSettled(items.map(bind));
  const { log } = services.cluster.platform;
  const statuses = results.map((result) =>
    result.status === "fulfilled" ? result.value : asStatusError(result.reason, log).toStatus(),
  );
  const value = { kind: "List", apiVersion: "v1", metadata: {}, items: statuses };
  return respondObject(exchange, { form, value, status: 201 });
}

function itemsOf(body: Uint8Array): readonly unknown[] {
  let list: unknown;
  try {
    list = JSON.parse(new TextDecoder().decode(body));
  } catch {
    throw methodNotAllowed();
  }
  if (!isObject(list) || list["kind"] !== "BindingList" || list["apiVersion"] !== "v1") throw methodNotAllowed();
  const { items } = list;
  if (!Array.isArray(items)) throw badRequest("items must be a list of Bindings");
  if (items.length > BINDINGS_MAX) throw badRequest(`a BindingList may have ${BINDINGS_MAX} items at most`);
  return items;
}

function decoded({ bodies }: Services, item: unknown): KubeObject {
  try {
    return bodies.merged(item, BINDING);
  } catch (error) {
    if (error instanceof GoDecodeError) throw badRequest(error.message, error);
    throw error;
  }
}

function keyOf(item: unknown): { namespace: string; name: string } | undefined {
  if (!isObject(item) || !isObject(item["metadata"])) return undefined;
  const { namespace, name } = item["metadata"];
  if (typeof namespace !== "string" || typeof name !== "string" || namespace === "" || name === "") return undefined;
  return { namespace, name };
}
