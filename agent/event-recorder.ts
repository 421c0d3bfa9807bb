/** Tells people what happens to pods: Events, repeated ones counted up, never more than a pod's share. */
import type { Client } from "../src/client/client.ts";
import { events, type CoreEvent } from "../src/kinds/core/events/types.ts";
import { createEventNames } from "../src/machinery/event-name.ts";
import { formatTime } from "../src/machinery/meta.ts";
import { isStatusError } from "../src/machinery/status-error.ts";
import type { Platform } from "../src/platform/platform.ts";
import type { PodEvent } from "./pods/worker-deps.ts";

/** As client-go's: 25 events of a pod at once, then one in five minutes. */
const BURST = 25;
const REFILL_MS = 5 * 60_000;
const REMEMBERED_MAX = 1024;
const QUEUE_MAX = 256;

interface Recorded {
  name: string;
  count: number;
  firstTimestamp: string;
}

/** Never throws. What cannot be written (no control plane) is lost: events are no record. */
export function createEventRecorder(deps: {
  client: Pick<Client, "create" | "patch">;
  nodeName: string;
  platform: Platform;
}): (event: PodEvent) => void {
  const { client, nodeName, platform } = deps;
  const { clock, log } = platform;
  const nameFor = createEventNames(platform);
  /** Oldest first. */
  const recorded = new Map<string, Recorded>();
  const tokens = new Map<string, { left: number; atMs: number }>();
  let queued = 0;
  let tail = Promise.resolve();

  function mayRecord(uid: string): boolean {
    const now = clock.now();
    const before = tokens.get(uid) ?? { left: BURST, atMs: now };
    const left = Math.min(BURST, before.left + (now - before.atMs) / REFILL_MS);
    remember(tokens, uid, { left: Math.max(0, left - 1), atMs: now });
    return left >= 1;
  }

  async function write(event: PodEvent): Promise<void> {
    const key = JSON.stringify([event.pod.uid, event.type, event.reason, event.message, event.fieldPath]);
    const now = formatTime(clock.now());
    const { namespace, name, uid } = event.pod;
    const before = recorded.get(key);
    if (before) {
      const count = before.count + 1;
      try {
        await client.patch(events, { namespace, name: before.name }, "merge", { count, lastTimestamp: now });
        return remember(recorded, key, { ...before, count });
      } catch (error) {
        // Events expire: then it is a new one.
        if (!isStatusError(error, "NotFound")) throw error;
      }
    }
    const object: CoreEvent = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: nameFor(name), namespace },
      involvedObject: {
        kind: "Pod",
        apiVersion: "v1",
        namespace,
        name,
        uid,
        ...(event.fieldPath === undefined ? {} : { fieldPath: event.fieldPath }),
      },
      type: event.type,
      reason: event.reason,
      message: event.message,
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      source: { component: "kubelet", host: nodeName },
      reportingComponent: "kubelet",
      reportingInstance: nodeName,
    };
    await client.create(events, object, { namespace });
    remember(recorded, key, { name: object.metadata.name ?? "", count: 1, firstTimestamp: now });
  }

  return (event) => {
    if (queued >= QUEUE_MAX || !mayRecord(event.pod.uid)) return;
    queued += 1;
    // One after the other: a repeated event finds the one it repeats.
    tail = tail
      .then(() => write(event))
      .catch((error: unknown) => log.debug("an event was lost", { reason: event.reason, error }))
      .finally(() => (queued -= 1));
  };
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > REMEMBERED_MAX && !oldest.done) map.delete(oldest.value);
}
