/** Watches as tables and as metadata alone: each event's object is replaced, line by line. */
import type { KubeObject } from "../machinery/meta.ts";
import { INITIAL_EVENTS_END, type WatchEvent } from "../machinery/watch-event.ts";
import type { Exchange, Services } from "./exchange.ts";
import type { Form } from "./negotiate.ts";
import { includeObjectOption } from "./respond-object.ts";
import { partialOf, tableOf, tableRow } from "./table.ts";

type ObjectEvent = Exclude<WatchEvent, { type: "ERROR" }>;

/** Undefined for plain objects: those are not touched. @throws StatusError "BadRequest" */
export function rewriterFor(
  services: Services,
  exchange: Exchange,
  form: Form,
): TransformStream<Uint8Array, Uint8Array> | undefined {
  if (form.shape === "object") return undefined;
  if (form.shape === "partial") return rewriteLines(({ object }) => partialOf(object));
  return rewriteLines(tables(services, exchange));
}

/** Columns are defined in the first event, whatever it is. Bookmarks are tables of one row, too. */
function tables({ cluster }: Services, { resource, query }: Exchange): (event: ObjectEvent) => unknown {
  const asked = includeObjectOption(query);
  let columns = true;
  return ({ type, object }) => {
    // The annotation that ends the initial events must arrive, even where no objects were asked for.
    const isEnd = type === "BOOKMARK" && object.metadata.annotations?.[INITIAL_EVENTS_END] !== undefined;
    const view = { include: isEnd && asked === "None" ? "Metadata" : asked, nowMs: cluster.platform.clock.now() };
    // A bookmark has nothing but metadata; columns may count on the rest.
    const shown: KubeObject = type === "BOOKMARK" ? { spec: {}, status: {}, ...object } : object;
    const { resourceVersion = "" } = object.metadata;
    const table = tableOf(resource, { resourceVersion }, { rows: [tableRow(resource, shown, view)], columns });
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
