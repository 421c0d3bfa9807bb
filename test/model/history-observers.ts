/** Clients that only look: they list, page by page or in the past, and watch on from there, whatever breaks. */
import type { KubeList, KubeObject } from "../../src/machinery/meta.ts";
import type { Dice } from "../harness/seeded.ts";
import { readWatch } from "../harness/watch-client.ts";
import { COLOURS, NAMESPACES, pathOf, RESOURCES, type Call, type Resource } from "./history-operations.ts";

export interface View {
  resource: Resource;
  namespace: string;
  /** Undefined: all. */
  colour?: string;
  name?: string;
}

export interface SeenList {
  view: View;
  /** The resourceVersion that the list says it shows. */
  revision: number;
  items: KubeObject[];
  /** Newest revision before the first request was sent, and after the last answer came; undefined when a past revision was asked for. */
  within: { from: number; to: number } | undefined;
}

export interface SeenEvents {
  view: View;
  /** Events after this revision. */
  start: number;
  events: { type: string; object: KubeObject }[];
  /** Nothing up to here is missing. */
  position: number;
}

export function randomView(dice: Dice): View {
  return {
    resource: dice.pick(RESOURCES),
    namespace: dice.pick(NAMESPACES),
    ...(dice.chance(0.6) ? { colour: dice.pick(COLOURS) } : {}),
    ...(dice.chance(0.2) ? { name: dice.pick(["a", "b"]) } : {}),
  };
}

function queryOf({ colour, name }: View): URLSearchParams {
  const query = new URLSearchParams();
  if (colour !== undefined) query.set("labelSelector", `colour=${colour}`);
  if (name !== undefined) query.set("fieldSelector", `metadata.name=${name}`);
  return query;
}

export interface ObserverDeps {
  dice: Dice;
  call: Call;
  fetch: (path: string, init: { signal: AbortSignal }) => Promise<Response>;
  revision: () => Promise<number>;
}

/** A list, whole or in pages, of now or of a revision that has been. Undefined when the server could not answer. */
export async function list(deps: ObserverDeps, view: View, past?: number): Promise<SeenList | undefined> {
  const { dice, call, revision } = deps;
  const from = await revision();
  const query = queryOf(view);
  if (dice.chance(0.5)) query.set("limit", String(1 + dice.roll(3)));
  if (past !== undefined) {
    query.set("resourceVersion", String(past));
    query.set("resourceVersionMatch", "Exact");
  }
  const items: KubeObject[] = [];
  for (;;) {
    const { status, body } = await call<KubeList>(`${pathOf({ ...view, name: "" })}?${query.toString()}`);
    if (status >= 500) return undefined;
    if (status !== 200) throw new Error(`a list was refused: ${status} ${JSON.stringify(body)}`);
    items.push(...body.items);
    const { resourceVersion = "", continue: next = "" } = body.metadata;
    if (next === "") {
      const within = past === undefined ? { from, to: await revision() } : undefined;
      return { view, revision: Number(resourceVersion), items, within };
    }
    query.set("continue", next);
    query.delete("resourceVersion");
    query.delete("resourceVersionMatch");
  }
}

export interface Watching extends SeenEvents {
  /** Watches until the stream ends, however that comes. */
  run(): Promise<void>;
  /** Ends the stream from this side. */
  drop(): void;
}

export function createWatching(deps: ObserverDeps, view: View, start: number): Watching {
  let dropped = new AbortController();
  const watching: Watching = {
    view,
    start,
    events: [],
    position: start,
    drop: () => dropped.abort(),
    async run() {
      dropped = new AbortController();
      const query = queryOf(view);
      query.set("watch", "true");
      query.set("allowWatchBookmarks", "true");
      query.set("resourceVersion", String(watching.position));
      const { signal } = dropped;
      const response = await deps.fetch(`${pathOf({ ...view, name: "" })}?${query.toString()}`, { signal });
      if (response.status !== 200 || response.body === null) return await discard(response);
      const stream = readWatch(response.body);
      // Dropped while it was being opened: nothing would tell of that later.
      if (signal.aborted) await stream.cancel();
      signal.addEventListener("abort", () => void stream.cancel());
      for (let event = await stream.next(); event !== undefined; event = await stream.next()) {
        const { type, object } = event;
        if (type === "ERROR") {
          if ((object as unknown as { code: number }).code >= 500) return;
          throw new Error(`a watch from ${watching.position} failed: ${JSON.stringify(object)}`);
        }
        watching.position = event.revision;
        if (type !== "BOOKMARK") watching.events.push({ type, object });
      }
    },
  };
  return watching;
}

async function discard(response: Response): Promise<void> {
  const text = await response.text();
  if (response.status < 500) throw new Error(`a watch was refused: ${response.status} ${text}`);
}
