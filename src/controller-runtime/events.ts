/** Events of the core group that say what the loops do. The same event again raises a count instead of adding an object. */
import type { Client } from "../client/client.ts";
import { events, type CoreEvent, type ObjectReference } from "../kinds/core/events/types.ts";
import { createEventNames } from "../machinery/event-name.ts";
import { formatTime } from "../machinery/meta.ts";
import { isStatusError } from "../machinery/status-error.ts";
import type { Platform } from "../platform/platform.ts";
import { fnv1a } from "./views/template-hash.ts";
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
/** Events under way at once: the hub commits them in groups. */
const LANES = 16;
/** The same event within this time is counted but not written: a hot loop must not become a hot writer. */
const REPEAT_MS_MIN = 5_000;

interface Remembered {
  name: string;
  count: number;
  firstMs: number;
  writtenMs: number;
}

export function createEventRecorder(deps: { client: Client; platform: Platform; component: string }): EventRecorder {
  const { client, platform, component } = deps;
  const { clock, log } = platform;
  const nameFor = createEventNames(platform);
  const remembered = new Map<string, Remembered>();
  const lanes: Promise<unknown>[] = [];
  let pending = 0;

  const remember = (key: string, entry: Remembered): void => {
    remembered.delete(key);
    remembered.set(key, entry);
    const [oldest] = remembered.keys();
    if (remembered.size > REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
  };

  async function write(key: string, event: Parameters<EventRecorder["record"]>[0]): Promise<void> {
    const known = remembered.get(key);
    const nowMs = clock.now();
    const { about } = event;
    const namespace = about.namespace ?? "default";
    if (known) {
      known.count += 1;
      if (nowMs - known.writtenMs < REPEAT_MS_MIN) return;
      known.writtenMs = nowMs;
      const body = { count: known.count, lastTimestamp: formatTime(nowMs) };
      try {
        await client.patch<CoreEvent>(events, { namespace, name: known.name }, "merge", body);
        return;
      } catch (error) {
        // It has expired: told anew.
        if (!isStatusError(error, "NotFound")) throw error;
      }
    }
    const name = nameFor(about.name ?? "");
    remember(key, { name, count: 1, firstMs: nowMs, writtenMs: nowMs });
    await client.create<CoreEvent>(
      events,
      {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name, namespace },
        involvedObject: about,
        reason: event.reason,
        message: event.message.slice(0, 1_024),
        source: { component },
        firstTimestamp: formatTime(nowMs),
        lastTimestamp: formatTime(nowMs),
        count: 1,
        type: event.type,
        reportingComponent: component,
        reportingInstance: "",
      },
      { namespace },
    );
  }

  return {
    record(event) {
      if (pending >= PENDING_MAX) return;
      pending += 1;
      const { about, type, reason, message } = event;
      const key = [about.uid, about.name, type, reason, message].join("|");
      // The same event stays in its lane, so that a count follows what it counts; others don't wait for it.
      const lane = fnv1a(key, 0) % LANES;
      lanes[lane] = (lanes[lane] ?? Promise.resolve())
        .then(() => write(key, event))
        .catch((error: unknown) => log.debug("an event could not be written", { reason, about, error }))
        .finally(() => (pending -= 1));
    },
    async flush() {
      await Promise.all(lanes);
    },
  };
}
