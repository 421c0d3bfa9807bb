/**
 * The streams to nodes that are open in a cluster, by who opened them. Streams outlive the hub's object (deploys, evictions), and nobody
 * hears of their end, since the runtime moves their bytes: so they are noted in the object's storage, and what is over is found by asking
 * its broker when the notes become many.
 */
import { isRevoked, type Opener, type Revocation, type Revocations } from "../../machinery/opener.ts";
import type { Clock, Log } from "../platform.ts";

export interface HubStreams {
  /** Before the agent is asked. "revoked": its opener may not. "full": more are open than a cluster may have. */
  begin(id: string, stream: { opener: Opener | undefined; nodeName: string }): Promise<"begun" | "revoked" | "full">;
  /** It came to nothing. */
  over(id: string): Promise<void>;
  revoke(revocation: Revocation): Promise<void>;
  endAll(): Promise<void>;
}

interface Note extends Opener {
  node: string;
  sinceMs: number;
}

/** A StreamBroker, from afar. */
interface Broker {
  isServing(): Promise<boolean>;
  end(): Promise<void>;
}

const PREFIX = "stream:";
const OPEN_MAX = 1_000;
/** So many notes are worth a look at which are over. */
const NOTES_MIN = 128;
const ASKED_AT_ONCE = 16;
const DELETED_AT_ONCE = 128;
/** A younger one may not have reached its broker yet. */
const AGE_MS_MIN = 60_000;
/** A cluster that is full is not looked through for every stream that is asked for. */
const SWEEP_INTERVAL_MS = 10_000;

export function createHubStreams(deps: {
  storage: Pick<DurableObjectStorage, "list" | "put" | "delete">;
  brokerOf: (id: string) => Broker;
  revocations: Revocations;
  clock: Clock;
  log: Log;
}): HubStreams {
  const { storage, brokerOf, revocations, clock, log } = deps;
  let count: number | undefined;
  let sweptFrom = NOTES_MIN;
  let sweptMs = 0;

  const notes = async (): Promise<Map<string, Note>> => {
    const found = await storage.list<Note>({ prefix: PREFIX });
    count = found.size;
    return new Map([...found].map(([key, note]) => [key.slice(PREFIX.length), note]));
  };

  async function forget(ids: readonly string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += DELETED_AT_ONCE) {
      const gone = await storage.delete(ids.slice(at, at + DELETED_AT_ONCE).map((id) => PREFIX + id));
      if (count !== undefined) count -= gone;
    }
  }

  async function sweep(): Promise<void> {
    const nowMs = clock.now();
    if (nowMs - sweptMs < SWEEP_INTERVAL_MS) return;
    sweptMs = nowMs;
    const over: string[] = [];
    const old = [...(await notes())].filter(([, { sinceMs }]) => nowMs - sinceMs >= AGE_MS_MIN).map(([id]) => id);
    await inParallel(old, async (id) => {
      const isServing = await brokerOf(id)
        .isServing()
        .catch(() => false);
      if (!isServing) over.push(id);
    });
    await forget(over);
    sweptFrom = Math.max(NOTES_MIN, 2 * (count ?? 0));
  }

  async function end(isMeant: (note: Note) => boolean): Promise<void> {
    const ids = [...(await notes())].filter(([, note]) => isMeant(note)).map(([id]) => id);
    await inParallel(ids, async (id) => {
      // It ends by breaking off, the call with it.
      await brokerOf(id)
        .end()
        .catch((error: unknown) => log.debug("a stream was ended", { stream: id, error }));
    });
    await forget(ids);
  }

  return {
    async begin(id, { opener, nodeName }) {
      if (opener && revocations.has(opener)) return "revoked";
      count ??= (await notes()).size;
      if (count >= Math.min(sweptFrom, OPEN_MAX)) await sweep();
      if (count >= OPEN_MAX) return "full";
      count++;
      await storage.put<Note>(PREFIX + id, { user: "", ...opener, node: nodeName, sinceMs: clock.now() });
      // Meanwhile it may have come.
      return opener && revocations.has(opener) ? "revoked" : "begun";
    },
    over: (id) => forget([id]),
    async revoke(revocation) {
      // Pods go all the time, streams are few.
      if (count !== 0) await end((note) => isRevoked(note, revocation));
    },
    endAll: () => end(() => true),
  };
}

async function inParallel(ids: readonly string[], run: (id: string) => Promise<void>): Promise<void> {
  const left = [...ids];
  const worker = async (): Promise<void> => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) await run(id);
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, worker));
}
