/** Watches as tables and as metadata alone: each event's object is replaced, line by line. */
import { INITIAL_EVENTS_END, type WatchEvent } from "../machinery/watch-event.ts";
import type { Exchange, Services } from "./exchange.ts";
import type { Form } from "./negotiate.ts";
import { includeObjectOption } from "./respond-object.ts";
import { emptyRow, partialOf, tableOf, tableRow, type MetaVersion } from "./table.ts";

type ObjectEvent = Exclude<WatchEvent, { type: "ERROR" }>;

/** Undefined for plain objects: those are not touched. @throws StatusError "BadRequest" */
export function rewriterFor(
  services: Services,
  exchange: Exchange,
  form: Form,
): TransformStream<Uint8Array, Uint8Array> | undefined {
  // An event is no list: asked for one, a stock server leaves objects as they are.
  if (form.shape === "object" || form.as === "PartialObjectMetadataList") return undefined;
  if (form.shape === "partial") return rewriteLines(({ object }) => partialOf(object, form.version));
  return rewriteLines(tables(services, exchange, form.version));
}

/** Columns are defined in the first event, whatever it is. Bookmarks are tables of one row, too. */
function tables(
  { cluster }: Services,
  { resource, query }: Exchange,
  version: MetaVersion,
): (event: ObjectEvent) => unknown {
  const asked = includeObjectOption(query);
  let columns = true;
  return ({ type, object }) => {
    // The annotation that ends the initial events must arrive, even where no objects were asked for.
    const isEnd = type === "BOOKMARK" && object.metadata.annotations?.[INITIAL_EVENTS_END] !== undefined;
    const include = isEnd && asked === "None" ? "Metadata" : asked;
    const view = { include, nowMs: cluster.platform.clock.now(), version } as const;
    const { resourceVersion = "" } = object.metadata;
    const rows = [(type === "BOOKMARK" ? emptyRow : tableRow)(resource, object, view)];
    const table = tableOf(resource, { resourceVersion }, { rows, columns, version });
    columns = false;
    return table;
  };
}

const ENCODER = new TextEncoder();

/** Errors pass as they are. */
function rewriteLines(rewrite: (event: ObjectEvent) => unknown): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  let rest = "";
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      let out = "";
      for (const line of lines) {
        if (line === "") continue;
        const event = JSON.parse(line) as WatchEvent;
        out += event.type === "ERROR" ? line : JSON.stringify({ type: event.type, object: rewrite(event) });
        out += "\n";
      }
      if (out !== "") controller.enqueue(ENCODER.encode(out));
    },
  });
}
