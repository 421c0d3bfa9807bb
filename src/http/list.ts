/** LIST: pages of one snapshot, spliced together from stored text. */
import type { KubeObject } from "../machinery/meta.ts";
import { badRequest } from "../machinery/status-error.ts";
import { currentValue, decodeStored } from "../registry/stored-form.ts";
import type { Resource } from "../registry/scheme.ts";
import { StorageError } from "../storage/errors.ts";
import type { ListPage, ListQuery, StoredObject } from "../storage/storage.ts";
import { renderObject } from "../storage/stored-value.ts";
import {
  CONTINUE_LIFETIME_MS,
  decodeContinue,
  encodeContinue,
  expiredContinue,
  type ContinueToken,
} from "./continue-token.ts";
import { parseRevision, type Exchange, type Services } from "./exchange.ts";
import { listOptions, type ListOptions } from "./list-options.ts";
import { negotiate } from "./negotiate.ts";
import { includeObjectOption, respondObject } from "./respond-object.ts";
import { tooLargeResourceVersion } from "./respond-error.ts";
import { respondText } from "./response.ts";
import { partialList, tableOf, tableRow } from "./table.ts";

export interface ListMeta {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

export async function handleList(services: Services, exchange: Exchange): Promise<Response> {
  const { resource, namespace, request } = exchange;
  const form = negotiate(request.headers.get("accept"), ["object", "table", "partial"]);
  const options = listOptions(exchange, "list");
  const { objects, meta } = await readList(services, exchange, options);
  const overlay = await services.overlays.for(resource, namespace);
  if (form.encoding === "json" && form.shape === "object" && !overlay && !exchange.query.has("pretty")) {
    return respondText(spliceList(services, resource, { objects, meta }), {
      auditId: exchange.auditId,
      warnings: exchange.warnings,
      acceptEncoding: request.headers.get("accept-encoding"),
      sent: exchange.sent,
    });
  }
  const items = objects.map((stored) => {
    const object = decodeStored(resource, stored);
    return overlay ? overlay(object) : object;
  });
  return respondObject(exchange, { form, value: shapedList(services, exchange, { items, meta, shape: form.shape }) });
}

function shapedList(
  services: Services,
  { resource, query }: Exchange,
  { items, meta, shape }: { items: KubeObject[]; meta: ListMeta; shape: "object" | "table" | "partial" },
): unknown {
  if (shape === "partial") return partialList(meta, items);
  if (shape === "table") {
    const view = { include: includeObjectOption(query), nowMs: services.cluster.platform.clock.now() };
    return tableOf(resource, meta, { rows: items.map((item) => tableRow(resource, item, view)), columns: true });
  }
  const bare = items.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item);
  return { kind: resource.listKind, apiVersion: resource.apiVersion, metadata: meta, items: bare };
}

/** The JSON of a list without parsing any of its items. */
function spliceList(
  { joinedLists }: Services,
  resource: Resource,
  { objects, meta }: { objects: readonly StoredObject[]; meta: ListMeta },
): string {
  // The array is the same for every version; what is joined is the stored one.
  const shared = resource.stored === resource;
  let items = shared ? joinedLists.get(objects) : undefined;
  if (items === undefined) {
    items = objects
      .map((stored) => renderObject(currentValue(resource, stored), stored.revision, resource.itemHead))
      .join(",");
    if (shared) joinedLists.set(objects, items);
  }
  return `{"kind":"${resource.listKind}","apiVersion":"${resource.apiVersion}","metadata":${JSON.stringify(meta)},"items":[${items}]}`;
}

async function readList(
  services: Services,
  exchange: Exchange,
  options: ListOptions,
): Promise<{ objects: StoredObject[]; meta: ListMeta }> {
  const { storage, platform } = services.cluster;
  const { resource, namespace } = exchange;
  const nowMs = platform.clock.now();
  const token = options.continueToken === "" ? undefined : await liveToken(services, options);
  const { selector } = options;
  const query: ListQuery = { resource: resource.storageName };
  if (namespace !== "") query.namespace = namespace;
  if (selector.labels.length > 0 || selector.fields.length > 0) query.selector = selector;
  if (token) query.after = token.after;
  const revision = token ? token.revision : exactRevision(options);
  if (revision !== undefined) query.revision = revision;
  if (options.limit > 0) query.limit = options.limit;

  const page = await readPages(storage, query, { token, nowMs });
  const floor = notOlderThan(options);
  if (floor !== undefined && floor > page.revision) throw tooLargeResourceVersion(floor, page.revision);
  return { objects: page.objects, meta: metaOf(page, { query, token, nowMs }) };
}

/** A query without limit is answered whole, however the store slices it. */
async function readPages(
  storage: Services["cluster"]["storage"],
  query: ListQuery,
  { token, nowMs }: { token: ContinueToken | undefined; nowMs: number },
): Promise<ListPage> {
  try {
    const first = await storage.list(query);
    if (query.limit !== undefined || !first.more) return first;
    const objects = [...first.objects];
    let page = first;
    while (page.more) {
      const last = objects.at(-1);
      if (!last) break;
      const after = { namespace: last.namespace, name: last.name };
      page = await storage.list({ ...query, revision: first.revision, after });
      objects.push(...page.objects);
    }
    return { objects, revision: first.revision, more: false };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (error.code === "compacted" && token) throw expiredContinue(token, nowMs);
    if (error.code === "future" && query.revision !== undefined) {
      throw tooLargeResourceVersion(query.revision, error.current ?? (await storage.revision()));
    }
    throw error;
  }
}

function metaOf(
  page: ListPage,
  { query, token, nowMs }: { query: ListQuery; token: ContinueToken | undefined; nowMs: number },
): ListMeta {
  const meta: ListMeta = { resourceVersion: String(page.revision) };
  const last = page.objects.at(-1);
  if (!page.more || !last) return meta;
  meta.continue = encodeContinue({
    revision: page.revision,
    after: { namespace: last.namespace, name: last.name },
    // All pages of one list end together.
    issuedMs: token?.revision === undefined ? nowMs : token.issuedMs,
  });
  if (page.remaining !== undefined && query.selector === undefined) meta.remainingItemCount = page.remaining;
  return meta;
}

async function liveToken({ cluster }: Services, options: ListOptions): Promise<ContinueToken> {
  if (options.resourceVersion !== "" && options.resourceVersion !== "0") {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  const token = decodeContinue(options.continueToken);
  const nowMs = cluster.platform.clock.now();
  if (token.revision === undefined || nowMs - token.issuedMs <= CONTINUE_LIFETIME_MS) return token;
  // Where nothing was written since, the list that goes on must still be told from the one that expired.
  if (token.revision === (await cluster.storage.revision())) await cluster.hub.mark?.();
  throw expiredContinue(token, nowMs);
}

/** A limit without a match means the exact revision, for old clients' sake. */
function exactRevision({ resourceVersion, match, limit }: ListOptions): number | undefined {
  if (resourceVersion === "" || resourceVersion === "0") return undefined;
  const revision = parseRevision(resourceVersion);
  return match === "Exact" || (match === "" && limit > 0) ? revision : undefined;
}

function notOlderThan(options: ListOptions): number | undefined {
  if (options.resourceVersion === "" || options.resourceVersion === "0") return undefined;
  return exactRevision(options) === undefined ? parseRevision(options.resourceVersion) : undefined;
}
