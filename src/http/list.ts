/** LIST: pages of one snapshot. What is read follows GetList of k8s.io/apiserver with its watch cache; list-text.ts writes it. */
import { badRequest, StatusError } from "../machinery/status-error.ts";
import { StorageError } from "../storage/errors.ts";
import type { ListPage, ListQuery, StoredObject } from "../storage/storage.ts";
import { nextTurn } from "../platform/platform.ts";
import {
  CONTINUE_LIFETIME_MS,
  decodeContinue,
  encodeContinue,
  expiredContinue,
  type ContinueToken,
} from "./continue-token.ts";
import type { Exchange, Services } from "./exchange.ts";
import { listOptions, type ListOptions } from "./list-options.ts";
import { listText, wholeList, type ListMeta, type ListText } from "./list-text.ts";
import { isPretty } from "./negotiate.ts";
import { tooLargeResourceVersion } from "./respond-error.ts";
import { formOfRequest, respondObject } from "./respond-object.ts";
import { respondParts, respondText } from "./response.ts";
import { isAnyRevision, parseRevision } from "./resource-version.ts";
import { exactly } from "./selector.ts";

/** Objects that are read and written at once; what is longer goes out as a stream, so that no list holds up the others. */
const SLICE_OBJECTS = 1_000;

export async function handleList(services: Services, exchange: Exchange): Promise<Response> {
  const { resource, namespace, request, query } = exchange;
  const form = formOfRequest(exchange);
  const options = listOptions(exchange, "list");
  const { first, meta, rest } = await readList(services, exchange, options);
  const overlay = await services.overlays.for(resource, namespace);
  if (form.encoding !== "json" || form.pretty || isPretty(request, query)) {
    const objects = [...first];
    for await (const slice of rest ?? []) objects.push(...slice);
    return respondObject(exchange, { form, value: wholeList(services, exchange, { objects, meta, form, overlay }) });
  }
  const text = listText(services, exchange, { form, overlay });
  const answer = {
    auditId: exchange.auditId,
    flowHeaders: exchange.flowHeaders,
    warnings: exchange.warnings,
    acceptEncoding: request.headers.get("accept-encoding"),
    sent: exchange.sent,
  };
  const start = text.head(meta) + text.items(first);
  return rest ? respondParts(parts(start, text, rest), answer) : respondText(start + text.tail, answer);
}

/** The rest of a list, slice by slice. Undefined where all has been read. */
type Slices = AsyncIterable<readonly StoredObject[]> | undefined;

async function* parts(start: string, text: ListText, rest: NonNullable<Slices>): AsyncGenerator<string> {
  yield start;
  for await (const slice of rest) if (slice.length > 0) yield `,${text.items(slice)}`;
  yield text.tail;
}

interface Plan {
  query: ListQuery;
  token: ContinueToken | undefined;
  /** The state must not be older than this. */
  floor: { revision: number; text: string } | undefined;
}

async function readList(
  services: Services,
  exchange: Exchange,
  options: ListOptions,
): Promise<{ first: readonly StoredObject[]; meta: ListMeta; rest: Slices }> {
  const { platform } = services.cluster;
  const nowMs = platform.clock.now();
  const plan = planOf(exchange, options);
  const { query, token, floor } = plan;
  if (token) await assertAlive(services, token, nowMs);
  const isPage = query.limit !== undefined;
  const firstQuery: ListQuery = isPage ? query : { ...query, limit: SLICE_OBJECTS, counted: false };
  const first = await readPage(services, firstQuery, { options, token, nowMs });
  if (floor && floor.revision > first.revision) throw tooLargeResourceVersion(floor.text, first.revision);
  const meta: ListMeta = { resourceVersion: String(first.revision) };
  if (!first.more) return { first: first.objects, meta, rest: undefined };
  if (!isPage) return { first: first.objects, meta, rest: slicesAfter(services, first, firstQuery) };
  meta.continue = encodeContinue({
    revision: first.revision,
    after: keyOf(first),
    // All pages of one list end together.
    issuedMs: token?.revision === undefined ? nowMs : token.issuedMs,
    left: first.remaining,
  });
  if (first.remaining !== undefined && query.selector === undefined) meta.remainingItemCount = first.remaining;
  return { first: first.objects, meta, rest: undefined };
}

/** Which state to read, and how much of it: resourceVersion × resourceVersionMatch × limit × continue. @throws StatusError */
function planOf(exchange: Exchange, options: ListOptions): Plan {
  const { resource, namespace } = exchange;
  const { selector, resourceVersion, match, limit, continueToken } = options;
  const query: ListQuery = { resource: resource.storageName };
  const within = namespace === "" ? exactly(selector.fields, "metadata.namespace") : namespace;
  if (within) query.namespace = within;
  if (selector.labels.length > 0 || selector.fields.length > 0) query.selector = selector;
  // From any state there are no pages: a stock server has it in memory and gives all of it.
  if (limit > 0 && resourceVersion !== "0") query.limit = limit;
  if (continueToken !== "") {
    const token = decodeContinue(continueToken);
    if (!isAnyRevision(resourceVersion)) {
      throw badRequest("specifying resource version is not allowed when using continue");
    }
    query.after = token.after;
    if (token.revision !== undefined) query.revision = token.revision;
    if (token.revision !== undefined && token.left !== undefined) query.following = token.left;
    return { query, token, floor: undefined };
  }
  if (isAnyRevision(resourceVersion)) return { query, token: undefined, floor: undefined };
  const revision = parseRevision(resourceVersion, "invalid resource version: ");
  // A limit without a match means the exact revision, for old clients' sake; but not where one object is asked for.
  const isSingle = exactly(selector.fields, "metadata.name") !== undefined && (!resource.namespaced || !!within);
  if (match === "Exact" || (match === "" && limit > 0 && !isSingle)) {
    if (revision > 0) query.revision = revision;
    return { query, token: undefined, floor: undefined };
  }
  return { query, token: undefined, floor: { revision, text: resourceVersion } };
}

async function readPage(
  { cluster: { storage } }: Services,
  query: ListQuery,
  { options, token, nowMs }: { options: ListOptions; token: ContinueToken | undefined; nowMs: number },
): Promise<ListPage> {
  try {
    return await storage.list(query);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (error.code === "compacted") {
      throw token
        ? expiredContinue(token, nowMs)
        : new StatusError("Expired", "The resourceVersion for the provided list is too old.", { cause: error });
    }
    if (error.code === "future" && query.revision !== undefined) {
      const asked = token ? query.revision : options.resourceVersion;
      throw tooLargeResourceVersion(asked, error.current ?? (await storage.revision()));
    }
    throw error;
  }
}

/** The rest of a list without limit, of the same snapshot. Others get their turn between two slices. */
async function* slicesAfter(
  { cluster }: Services,
  first: ListPage,
  query: ListQuery,
): AsyncGenerator<readonly StoredObject[]> {
  for (let page = first; page.more;) {
    await nextTurn(cluster.platform.timers);
    page = await cluster.storage.list({ ...query, revision: first.revision, after: keyOf(page) });
    yield page.objects;
  }
}

function keyOf({ objects }: ListPage): { namespace: string; name: string } {
  const last = objects.at(-1);
  if (!last) throw new Error("a page that is not the last one is empty");
  return { namespace: last.namespace, name: last.name };
}

/** @throws StatusError "Expired" */
async function assertAlive({ cluster }: Services, token: ContinueToken, nowMs: number): Promise<void> {
  if (token.revision === undefined || nowMs - token.issuedMs <= CONTINUE_LIFETIME_MS) return;
  // Where nothing was written since, the list that goes on must still be told from the one that expired.
  if (token.revision === (await cluster.storage.revision())) await cluster.hub.mark?.();
  throw expiredContinue(token, nowMs);
}
