/** The `Client` over any `Fetch`. */
import { resourcePath, type ResourceRef } from "../machinery/gvk.ts";
import type { KubeList, KubeObject } from "../machinery/meta.ts";
import { StatusError, type Status } from "../machinery/status-error.ts";
import type { WatchEvent } from "../machinery/watch-event.ts";
import type { At, Client, ClientOptions, DeleteOptions, ListOptions, PatchType, WatchOptions } from "./client.ts";

const PATCH_MEDIA: Record<PatchType, string> = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
};
const PAGE_LIMIT = 500;
/** An event is at most one object, and an object is at most 1.5 MiB and a little. */
const LINE_CHARACTERS_MAX = 8 * 1024 * 1024;

interface Call {
  method: string;
  path: string;
  query?: URLSearchParams;
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal;
}

export function createClient(options: ClientOptions): Client {
  const send = async (call: Call): Promise<Response> => {
    const query = call.query?.toString() ?? "";
    const token = await options.token();
    const headers = new Headers({ accept: "application/json", "user-agent": options.userAgent });
    if (token !== "") headers.set("authorization", `Bearer ${token}`);
    if (call.body !== undefined) headers.set("content-type", call.contentType ?? "application/json");
    const request = new Request(`${options.baseUrl}${call.path}${query === "" ? "" : `?${query}`}`, {
      method: call.method,
      headers,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    const response = await reach(() => options.fetch(request));
    if (!response.ok) throw await errorOf(response);
    return response;
  };
  const json = async <T>(call: Call): Promise<T> => {
    const response = await send(call);
    return (await reach(() => response.json())) as T;
  };
  const page = <T extends KubeObject>(ref: ResourceRef, list: ListOptions) =>
    json<KubeList<T>>({ method: "GET", path: resourcePath(ref, list), query: listQuery(list) });

  return {
    get: (ref, at, subresource) => json({ method: "GET", path: resourcePath(ref, { ...at, ...named(subresource) }) }),
    list: <T extends KubeObject>(ref: ResourceRef, list: ListOptions = {}) =>
      list.limit === undefined ? listAll<T>(ref, list, page<T>) : page<T>(ref, list),
    create: (ref, object, at = {}) => {
      const namespace = at.namespace ?? object.metadata.namespace;
      return json({ method: "POST", path: resourcePath(ref, inNamespace(namespace)), body: object });
    },
    createSubresource: (ref, at, subresource, body) =>
      json({ method: "POST", path: resourcePath(ref, { ...at, subresource }), body }),
    update: (ref, object, subresource) => {
      const at = { name: object.metadata.name ?? "", ...inNamespace(object.metadata.namespace), ...named(subresource) };
      return json({ method: "PUT", path: resourcePath(ref, at), body: object });
    },
    patch: (ref, at, type, body, subresource) =>
      json({
        method: "PATCH",
        path: resourcePath(ref, { ...at, ...named(subresource) }),
        body,
        contentType: PATCH_MEDIA[type],
      }),
    async delete(ref, at, deletion = {}) {
      const response = await send({ method: "DELETE", path: resourcePath(ref, at), body: deleteBody(deletion) });
      await response.body?.cancel();
    },
    async deleteCollection(ref, collection = {}) {
      const response = await send({
        method: "DELETE",
        path: resourcePath(ref, collection),
        query: listQuery(collection),
        body: deleteBody(collection),
      });
      if (collection.limit === undefined) {
        await response.body?.cancel();
        return {};
      }
      const { metadata } = await reach(() => response.json() as Promise<KubeList>);
      return metadata.continue ? { continue: metadata.continue } : {};
    },
    watch: <T extends KubeObject>(ref: ResourceRef, watch: WatchOptions) => watchEvents<T>(send, ref, watch),
  };
}

/** A server that cannot be reached is "ServiceUnavailable"; an abort stays what it is. */
async function reach<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof StatusError || (cause instanceof Error && cause.name === "AbortError")) throw cause;
    throw new StatusError("ServiceUnavailable", "the API server cannot be reached", { cause });
  }
}

async function errorOf(response: Response): Promise<StatusError> {
  const text = await reach(() => response.text());
  try {
    const status = JSON.parse(text) as Status;
    if (status.kind === "Status") return StatusError.fromStatus({ ...status, code: status.code ?? response.status });
  } catch {
    // Not from an API server but from something before it.
  }
  return new StatusError("InternalError", `unexpected answer ${response.status}: ${text.slice(0, 200)}`, {
    code: response.status,
  });
}

async function listAll<T extends KubeObject>(
  ref: ResourceRef,
  options: ListOptions,
  page: (ref: ResourceRef, options: ListOptions) => Promise<KubeList<T>>,
): Promise<KubeList<T>> {
  const first = await page(ref, { ...options, limit: PAGE_LIMIT });
  const items = first.items;
  for (let token = first.metadata.continue; token;) {
    // All pages are of one revision; the token carries it.
    const { resourceVersion: _first, ...rest } = options;
    const next = await page(ref, { ...rest, limit: PAGE_LIMIT, continue: token });
    items.push(...next.items);
    token = next.metadata.continue;
  }
  const { continue: _token, remainingItemCount: _count, ...metadata } = first.metadata;
  return { ...first, metadata, items };
}

async function* watchEvents<T extends KubeObject>(
  send: (call: Call) => Promise<Response>,
  ref: ResourceRef,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const query = listQuery(options);
  query.set("watch", "true");
  if (options.allowWatchBookmarks) query.set("allowWatchBookmarks", "true");
  if (options.timeoutSeconds !== undefined) query.set("timeoutSeconds", String(options.timeoutSeconds));
  if (options.signal.aborted) return;
  try {
    const response = await send({ method: "GET", path: resourcePath(ref, options), query, signal: options.signal });
    for await (const line of lines(response, options.signal)) {
      const event = JSON.parse(line) as WatchEvent<T>;
      if (event.type === "ERROR") throw StatusError.fromStatus(event.object);
      yield event;
    }
  } catch (error) {
    if (!options.signal.aborted) throw error;
  }
}

/** The lines of a body, as they come. Leaving the loop, or the signal, cancels the body. */
async function* lines(response: Response, signal: AbortSignal): AsyncGenerator<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new TextDecoder();
  const cancel = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reach(() => reader.read());
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      let start = 0;
      for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", start)) {
        if (end > start) yield rest.slice(start, end);
        start = end + 1;
      }
      rest = rest.slice(start);
      if (rest.length > LINE_CHARACTERS_MAX) throw new StatusError("InternalError", "a watch event is too large");
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

function listQuery(options: ListOptions): URLSearchParams {
  const query = new URLSearchParams();
  const { labelSelector, fieldSelector, limit, continue: token, resourceVersion } = options;
  if (labelSelector !== undefined) query.set("labelSelector", labelSelector);
  if (fieldSelector !== undefined) query.set("fieldSelector", fieldSelector);
  if (limit !== undefined) query.set("limit", String(limit));
  if (token !== undefined) query.set("continue", token);
  if (resourceVersion !== undefined) query.set("resourceVersion", resourceVersion);
  return query;
}

function deleteBody({ gracePeriodSeconds, propagationPolicy, preconditions }: DeleteOptions): DeleteOptions {
  return {
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(preconditions === undefined ? {} : { preconditions }),
  };
}

const named = (subresource: string | undefined) => (subresource === undefined ? {} : { subresource });
const inNamespace = (namespace: string | undefined): Pick<At, "namespace"> =>
  namespace === undefined ? {} : { namespace };
