/** Keeps a flow control as the stored flow schemas and priority levels say. */
import type { FlowSchema, PriorityLevelConfiguration } from "../kinds/flowcontrol/types.ts";
import type { KubeObject } from "../machinery/meta.ts";
import type { Clock, Log } from "../platform/platform.ts";
import type { LogEntry, StorageReader, StoredObject } from "../storage/storage.ts";
import type { FlowControl } from "./flow-control.ts";

const SCHEMAS = "flowschemas.flowcontrol.apiserver.k8s.io";
const LEVELS = "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io";

/** Where no commit is heard of, a change is seen after this long. */
const STALE_MS = 60_000;
/** A read that has not ended by now was ended with the request that began it. */
const ABANDONED_MS = 10_000;

export interface StoredFlows {
  /** Undefined: the configuration is known, and is read again in the background when it is old. Else it is being read for the first time. */
  ready(): Promise<void> | undefined;
}

export function createStoredFlows(deps: {
  /** Of values in the current form. */
  storage: Pick<StorageReader, "getMany">;
  flows: FlowControl;
  clock: Clock;
  log: Log;
  onCommit?: ((listener: (entries: readonly LogEntry[]) => void) => unknown) | undefined;
}): StoredFlows {
  const { storage, flows, clock, log, onCommit } = deps;
  let readMs: number | undefined;
  let isStale = false;
  let reading: { startedMs: number; done: Promise<void> } | undefined;

  onCommit?.((entries) => {
    if (entries.some(({ resource }) => resource === SCHEMAS || resource === LEVELS)) isStale = true;
  });

  async function read(): Promise<void> {
    isStale = false;
    try {
      const wholes = [SCHEMAS, LEVELS].map((resource) => ({ resource, namespace: "" }));
      const found = await storage.getMany([], wholes);
      const of = (wanted: string) => found.filter(({ resource }) => resource === wanted).map(parsed);
      const schemas = of(SCHEMAS) as FlowSchema[];
      const levels = of(LEVELS) as PriorityLevelConfiguration[];
      // A cluster that is being made has none yet: the defaults hold.
      if (schemas.length === 0) return;
      flows.configure({ schemas, levels });
      readMs = clock.now();
    } catch (error) {
      isStale = true;
      log.warn("the flow schemas could not be read", { error });
    }
  }

  return {
    ready() {
      const nowMs = clock.now();
      const isOld = readMs === undefined || isStale || (!onCommit && nowMs - readMs > STALE_MS);
      if (!isOld) return undefined;
      if (!reading || nowMs - reading.startedMs > ABANDONED_MS) {
        const started = { startedMs: nowMs, done: read() };
        started.done = started.done.finally(() => {
          if (reading === started) reading = undefined;
        });
        reading = started;
      }
      return readMs === undefined ? reading.done : undefined;
    },
  };
}

function parsed({ value, uid }: StoredObject): KubeObject {
  const object = JSON.parse(value) as KubeObject;
  return { ...object, metadata: { ...object.metadata, uid } };
}
