/**
 * WATCH: what is there already (where the client asked for it), then the hub's stream. Plain JSON of the hub passes untouched;
 * tables and metadata-only watches are rewritten line by line.
 */
import type { KubeObject } from "../machinery/meta.ts";
import { StatusError } from "../machinery/status-error.ts";
import { INITIAL_EVENTS_END } from "../machinery/watch-event.ts";
import { currentValue } from "../registry/stored-form.ts";
import { StorageError } from "../storage/errors.ts";
import type { ListQuery } from "../storage/storage.ts";
import { renderObject } from "../storage/stored-value.ts";
import { parseRevision, type Exchange, type Services } from "./exchange.ts";
import { listOptions, type ListOptions } from "./list-options.ts";
import { FLOW_HEADERS } from "./response.ts";
import { negotiate, type Form } from "./negotiate.ts";
import { includeObjectOption } from "./respond-object.ts";
import { tooLargeResourceVersion } from "./respond-error.ts";
import { partialOf, tableOf, tableRow } from "./table.ts";

const PAGE = 500;
/** The server picks the end of a watch at random in here, so that clients do not all come back at once. */
const TIMEOUT_MIN_SECONDS = 1_800;
const TIMEOUT_SPREAD_SECONDS = 1_800;

export async function handleWatch(services: Services, exchange: Exchange): Promise<Response> {
  const form = negotiate(exchange.request.headers.get("accept"), ["object", "table", "partial"]);
  if (form.encoding !== "json") {
    throw new StatusError(
      "NotAcceptable",
      "only the following media types are accepted: application/json;stream=watch",
    );
  }
  const options = listOptions(exchange, "watch");
  const start = await startOf(services, options);
  const rewrite = rewriterFor(services, exchange, form);
  const source =
    start.initial === "none"
      ? await follow(services, exchange, { options, since: start.since })
      : new WatchSource(initialEvents(services, exchange, { options, mark: start.initial === "marked" }), (since) =>
          follow(services, exchange, { options, since }),
        ).stream();
  const body = rewrite ? source.pipeThrough(rewrite) : source;
  return new Response(body, {
    status: 200,
    headers: {
      "Content-Type": form.contentType,
      "Cache-Control": "no-cache, private, no-transform",
      "Audit-Id": exchange.auditId,
      ...FLOW_HEADERS,
    },
  });
}

type Start = { initial: "none"; since: number } | { initial: "plain" | "marked"; since: undefined };

async function startOf(services: Services, options: ListOptions): Promise<Start> {
  const { resourceVersion, sendInitialEvents } = options;
  const { storage } = services.cluster;
  const anyRevision = resourceVersion === "" || resourceVersion === "0";
  const asked = anyRevision ? 0 : parseRevision(resourceVersion);
  if (sendInitialEvents === true) {
    const current = anyRevision ? 0 : await storage.revision();
    if (asked > current) throw tooLargeResourceVersion(asked, current);
    return { initial: "marked", since: undefined };
  }
  if (!anyRevision) return { initial: "none", since: asked };
  if (sendInitialEvents === false) return { initial: "none", since: await storage.revision() };
  return { initial: "plain", since: undefined };
}

const ENCODER = new TextEncoder();

/** The hub's stream, or one that tells why there is none: by now the answer is 200, so an error is an event. */
async function follow(
  services: Services,
  { resource, namespace }: Exchange,
  { options, since }: { options: ListOptions; since: number },
): Promise<ReadableStream<Uint8Array>> {
  const { hub, platform } = services.cluster;
  const randomSeconds = TIMEOUT_MIN_SECONDS + platform.random.fraction() * TIMEOUT_SPREAD_SECONDS;
  const { timeoutSeconds } = options;
  try {
    return await hub.watch({
      resource: resource.storageName,
      ...(namespace === "" ? {} : { namespace }),
      selector: options.selector,
      since,
      head: resource.head,
      bookmarks: options.allowWatchBookmarks,
      timeoutMs: Math.round(1000 * (timeoutSeconds && timeoutSeconds > 0 ? timeoutSeconds : randomSeconds)),
    });
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== "compacted") throw error;
    return streamOf(errorEvent(new StatusError("Expired", `too old resource version: ${since}`)));
  }
}

function errorEvent(error: StatusError): string {
  return `${JSON.stringify({ type: "ERROR", object: error.toStatus() })}\n`;
}

function streamOf(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(ENCODER.encode(text));
      controller.close();
    },
  });
}

/** Synthetic ADDED events page by page; returns the revision they show. */
async function* initialEvents(
  services: Services,
  { resource, namespace }: Exchange,
  { options, mark }: { options: ListOptions; mark: boolean },
): AsyncGenerator<Uint8Array, number> {
  const query: ListQuery = { resource: resource.storageName, selector: options.selector, limit: PAGE };
  if (namespace !== "") query.namespace = namespace;
  for (;;) {
    const page = await services.cluster.storage.list(query);
    query.revision = page.revision;
    let lines = "";
    for (const stored of page.objects) {
      const object = renderObject(currentValue(resource, stored), stored.revision, resource.head);
      lines += `{"type":"ADDED","object":${object}}\n`;
    }
    if (lines !== "") yield ENCODER.encode(lines);
    const last = page.objects.at(-1);
    if (page.more && last) {
      query.after = { namespace: last.namespace, name: last.name };
      continue;
    }
    if (mark && options.allowWatchBookmarks) yield ENCODER.encode(endBookmark(resource.head, page.revision));
    return page.revision;
  }
}

function endBookmark(head: string, revision: number): string {
  const metadata = {
    resourceVersion: String(revision),
    creationTimestamp: null,
    annotations: { [INITIAL_EVENTS_END]: "true" },
  };
  return `{"type":"BOOKMARK","object":{${head}"metadata":${JSON.stringify(metadata)}}}\n`;
}

/** First the initial events, then the live ones: pulled, so that a slow client holds back the lists and not our memory. */
class WatchSource {
  readonly #initial: AsyncGenerator<Uint8Array, number>;
  readonly #follow: (since: number) => Promise<ReadableStream<Uint8Array>>;
  #live: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #cancelled = false;

  constructor(
    initial: AsyncGenerator<Uint8Array, number>,
    followFrom: (since: number) => Promise<ReadableStream<Uint8Array>>,
  ) {
    this.#initial = initial;
    this.#follow = followFrom;
  }

  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const chunk = await this.#next();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: async (reason) => {
        this.#cancelled = true;
        await this.#live?.cancel(reason);
      },
    });
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (!this.#live) {
      const event = await this.#initial.next();
      if (!event.done) return event.value;
      this.#live = (await this.#follow(event.value)).getReader();
      if (this.#cancelled) await this.#live.cancel();
    }
    const { done, value } = await this.#live.read();
    return done ? undefined : value;
  }
}

interface EventLine {
  type: string;
  object: KubeObject;
}

/** Undefined for plain objects: those are not touched. */
function rewriterFor(
  services: Services,
  { resource, query }: Exchange,
  form: Form,
): TransformStream<Uint8Array, Uint8Array> | undefined {
  if (form.shape === "object") return undefined;
  if (form.shape === "partial") return rewriteLines((object) => partialOf(object));
  const include = includeObjectOption(query);
  let columns = true;
  return rewriteLines((object) => {
    const row = tableRow(resource, object, { include, nowMs: services.cluster.platform.clock.now() });
    const { resourceVersion = "" } = object.metadata;
    const table = tableOf(resource, { resourceVersion }, { rows: [row], columns });
    columns = false;
    return table;
  });
}

/** Errors pass as they are; every other event's object is replaced. */
function rewriteLines(rewrite: (object: KubeObject) => unknown): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  let rest = "";
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      let out = "";
      for (const line of lines) {
        if (line === "") continue;
        const event = JSON.parse(line) as EventLine;
        out += event.type === "ERROR" ? line : JSON.stringify({ type: event.type, object: rewrite(event.object) });
        out += "\n";
      }
      if (out !== "") controller.enqueue(ENCODER.encode(out));
    },
  });
}
