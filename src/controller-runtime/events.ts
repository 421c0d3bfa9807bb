/** Events of the core group that say what the loops do. The same event again raises a count instead of adding an object. */
import type { Client } from "../client/client.ts";
import { postEach } from "../client/post-each.ts";
import { events, type CoreEvent, type ObjectReference } from "../kinds/core/events/types.ts";
import { createEventNames } from "../machinery/event-name.ts";
import { formatTime } from "../machinery/meta.ts";
import { isStatusError } from "../machinery/status-error.ts";
import type { Platform } from "../platform/platform.ts";
import type { View } from "./views/view.ts";

export interface EventRecorder {
  /** Never throws and never waits: a lost event is no harm. */
  record(event: { about: ObjectReference; type: "Normal" | "Warning"; reason: string; message: string }): void;
  /** Resolves when what was recorded so far is written, or given up. */
  flush(): Promise<void>;
}

/** What an event of this view is about. */
export function referenceTo(of: { apiVersion: string; kind: string }, { metadata }: View): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { ...of, ...(namespace === "" ? {} : { namespace }), name, uid, resourceVersion };
}

/** Events remembered for counting. */
const REMEMBERED_MAX = 1_024;
/** As many may wait to be written; what comes on top is dropped. */
const PENDING_MAX = 1_000;
/** New events that go in one request: a group of the hub. */
const EVENTS_MAX = 64;
const MESSAGE_CHARACTERS_MAX = 1_024;
/** The same event within this time is counted but not written: a hot loop must not become a hot writer. */
const REPEAT_MS_MIN = 5_000;

type Recorded = Parameters<EventRecorder["record"]>[0];

interface Remembered {
  name: string;
  count: number;
  writtenMs: number;
}

export function createEventRecorder(deps: { client: Client; platform: Platform; component: string }): EventRecorder {
  const { client, platform, component } = deps;
  const { clock, log } = platform;
  const nameFor = createEventNames(platform);
  const remembered = new Map<string, Remembered>();
  /** New ones on their way; what counts one that is among them waits for it. */
  const waiting: CoreEvent[] = [];
  let creating: Promise<void> = Promise.resolve();
  const counting = new Set<Promise<void>>();

  const remember = (key: string, entry: Remembered): void => {
    remembered.delete(key);
    remembered.set(key, entry);
    const [oldest] = remembered.keys();
    if (remembered.size > REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
  };

  const giveUp = (error: unknown): void => log.debug("an event could not be written", { component, error });

  function add(key: string, event: Recorded): void {
    const nowMs = clock.now();
    const name = nameFor(event.about.name ?? "");
    remember(key, { name, count: 1, writtenMs: nowMs });
    waiting.push(eventOf(event, { name, component, nowMs }));
    // What is recorded in the same breath goes in the same request.
    if (waiting.length === 1) creating = creating.then(create).catch(giveUp);
  }

  async function create(): Promise<void> {
    const items = waiting.splice(0, EVENTS_MAX);
    if (waiting.length > 0) creating = creating.then(create).catch(giveUp);
    for (const failure of await postEach(client, events, { kind: "EventList", items })) if (failure) giveUp(failure);
  }

  async function count(key: string, event: Recorded, known: Remembered): Promise<void> {
    await creating;
    const namespace = event.about.namespace ?? "default";
    const body = { count: known.count, lastTimestamp: formatTime(known.writtenMs) };
    try {
      await client.patch<CoreEvent>(events, { namespace, name: known.name }, "merge", body);
    } catch (error) {
      // It has expired: told anew.
      if (isStatusError(error, "NotFound")) add(key, event);
      else giveUp(error);
    }
  }

  return {
    record(event) {
      const { about, type, reason, message } = event;
      const key = [about.uid, about.name, type, reason, message].join("|");
      const known = remembered.get(key);
      if (known) known.count += 1;
      if (known && clock.now() - known.writtenMs < REPEAT_MS_MIN) return;
      if (waiting.length + counting.size >= PENDING_MAX) return;
      if (!known) return add(key, event);
      known.writtenMs = clock.now();
      const counted = count(key, event, known).finally(() => counting.delete(counted));
      counting.add(counted);
    },
    async flush() {
      while (waiting.length + counting.size > 0) await Promise.all([creating, ...counting]);
      await creating;
    },
  };
}

/** As kube's own recorders send it. */
function eventOf(
  { about, type, reason, message }: Recorded,
  { name, component, nowMs }: { name: string; component: string; nowMs: number },
): CoreEvent {
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace: about.namespace ?? "default" },
    involvedObject: about,
    reason,
    message: message.slice(0, MESSAGE_CHARACTERS_MAX),
    source: { component },
    firstTimestamp: formatTime(nowMs),
    lastTimestamp: formatTime(nowMs),
    count: 1,
    type,
    reportingComponent: component,
    reportingInstance: "",
  };
}
