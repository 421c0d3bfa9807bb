/**
 * WATCH: what is there already (where the client asked for it), then the hub's stream. Plain JSON of the hub passes untouched;
 * tables and metadata-only watches are rewritten (watch-forms.ts). What begins and what fails how: pkg/storage/cacher of
 * k8s.io/apiserver.
 */
import { isStatusError, StatusError } from "../machinery/status-error.ts";
import { INITIAL_EVENTS_END } from "../machinery/watch-event.ts";
import { currentValue } from "../registry/stored-form.ts";
import { StorageError } from "../storage/errors.ts";
import type { ListQuery } from "../storage/storage.ts";
import { renderObject } from "../storage/stored-value.ts";
import type { Exchange, Services } from "./exchange.ts";
import { listOptions, type ListOptions } from "./list-options.ts";
import { tooLargeResourceVersion } from "./respond-error.ts";
import { formOfRequest } from "./respond-object.ts";
import { isAnyRevision, parseRevision } from "./resource-version.ts";
import { rewriterFor } from "./watch-forms.ts";
import { acceptWatchSocket, isSocketRequest } from "./watch-socket.ts";

const PAGE = 500;
/** The server picks the end of a watch at random in here, so that clients do not all come back at once. */
const TIMEOUT_MIN_SECONDS = 1_800;
const TIMEOUT_SPREAD_SECONDS = 1_800;

const STREAMED =
  "only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";

export async function handleWatch(services: Services, exchange: Exchange): Promise<Response> {
  const { request } = exchange;
  const { sockets } = services.cluster;
  const form = formOfRequest(exchange);
  const options = listOptions(exchange, "watch");
  const start = startOf(options);
  if (form.encoding !== "json") throw new StatusError("NotAcceptable", STREAMED);
  const rewrite = rewriterFor(services, exchange, form);
  const source = await sourceOf(services, exchange, { options, start });
  const body = rewrite ? source.pipeThrough(rewrite) : source;
  if (sockets && isSocketRequest(request)) {
    return acceptWatchSocket({ sockets, timers: services.cluster.platform.timers, request, body });
  }
  return new Response(body, {
    status: 200,
    headers: {
      "Content-Type": form.contentType,
      "Cache-Control": "no-cache, private, no-transform",
      "Audit-Id": exchange.auditId,
      ...exchange.flowHeaders,
    },
  });
}

/** Where a watch begins: after a revision, after now, or with what is there (marked: with a bookmark at its end). */
type Start =
  | { kind: "after"; since: number }
  | { kind: "now" }
  | { kind: "initial"; marked: boolean; notBefore: number; text: string };

/** @throws StatusError "BadRequest" */
function startOf({ resourceVersion, sendInitialEvents, allowWatchBookmarks }: ListOptions): Start {
  const anywhere = isAnyRevision(resourceVersion);
  const revision = anywhere ? 0 : parseRevision(resourceVersion);
  if (sendInitialEvents ?? anywhere) {
    const marked = sendInitialEvents === true && allowWatchBookmarks;
    return { kind: "initial", marked, notBefore: revision, text: resourceVersion };
  }
  return anywhere ? { kind: "now" } : { kind: "after", since: revision };
}

async function sourceOf(
  services: Services,
  exchange: Exchange,
  { options, start }: { options: ListOptions; start: Start },
): Promise<ReadableStream<Uint8Array>> {
  // A time that is over before it began: the stream is empty.
  if (options.timeoutSeconds !== undefined && options.timeoutSeconds < 0) return streamOf("");
  const followFrom = (since: number) => follow(services, exchange, { options, since });
  switch (start.kind) {
    case "after":
      return await followFrom(start.since);
    case "now":
      return await followFrom(await services.cluster.storage.revision());
    default:
      return new WatchSource(initialEvents(services, exchange, { options, start }), async (since) => {
        // Who reads slowly may be somebody else by now: somebody whose token was taken.
        try {
          await exchange.stillKnown();
        } catch (error) {
          if (!isStatusError(error, "Unauthorized")) throw error;
          return streamOf(errorEvent(error));
        }
        return await followFrom(since);
      }).stream();
  }
}

const ENCODER = new TextEncoder();

/** The hub's stream, or one that tells why there is none: by now the answer is 200, so an error is an event. */
async function follow(
  services: Services,
  { resource, namespace, opener }: Exchange,
  { options, since }: { options: ListOptions; since: number },
): Promise<ReadableStream<Uint8Array>> {
  const { hub, platform } = services.cluster;
  const randomSeconds = TIMEOUT_MIN_SECONDS + platform.random.fraction() * TIMEOUT_SPREAD_SECONDS;
  try {
    return await hub.watch({
      resource: resource.storageName,
      ...(namespace === "" ? {} : { namespace }),
      selector: options.selector,
      since,
      head: resource.head,
      bookmarks: options.allowWatchBookmarks,
      // The control plane's own loops act on what several watches tell, and wait for all of them.
      ...(opener ? { opener } : { marksCaughtUp: options.allowWatchBookmarks }),
      timeoutMs: Math.round(1000 * (options.timeoutSeconds || randomSeconds)),
    });
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== "compacted") throw error;
    return streamOf(
      errorEvent(new StatusError("Expired", `too old resource version: ${since} (${error.floor ?? since})`)),
    );
  }
}

function errorEvent(error: StatusError): string {
  return `${JSON.stringify({ type: "ERROR", object: error.toStatus() })}\n`;
}

function streamOf(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (text !== "") controller.enqueue(ENCODER.encode(text));
      controller.close();
    },
  });
}

/** Synthetic ADDED events page by page; returns the revision they show, or undefined after an error. */
async function* initialEvents(
  services: Services,
  { resource, namespace }: Exchange,
  { options, start }: { options: ListOptions; start: Extract<Start, { kind: "initial" }> },
): AsyncGenerator<Uint8Array, number | undefined> {
  const { selector } = options;
  const query: ListQuery = { resource: resource.storageName, limit: PAGE, counted: false };
  if (namespace !== "") query.namespace = namespace;
  if (selector.labels.length > 0 || selector.fields.length > 0) query.selector = selector;
  for (;;) {
    const page = await services.cluster.storage.list(query);
    if (page.revision < start.notBefore) {
      yield ENCODER.encode(errorEvent(tooLargeResourceVersion(start.text, page.revision)));
      return undefined;
    }
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
    if (start.marked) yield ENCODER.encode(endBookmark(resource.head, page.revision));
    return page.revision;
  }
}

function endBookmark(head: string, revision: number): string {
  const metadata = { resourceVersion: String(revision), annotations: { [INITIAL_EVENTS_END]: "true" } };
  return `{"type":"BOOKMARK","object":{${head}"metadata":${JSON.stringify(metadata)}}}\n`;
}

/** First the initial events, then the live ones: pulled, so that a slow client holds back the lists and not our memory. */
class WatchSource {
  readonly #initial: AsyncGenerator<Uint8Array, number | undefined>;
  readonly #follow: (since: number) => Promise<ReadableStream<Uint8Array>>;
  #live: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #cancelled = false;

  constructor(
    initial: AsyncGenerator<Uint8Array, number | undefined>,
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
      if (event.value === undefined) return undefined;
      this.#live = (await this.#follow(event.value)).getReader();
      if (this.#cancelled) await this.#live.cancel();
    }
    const { done, value } = await this.#live.read();
    return done ? undefined : value;
  }
}
