/**
 * The roles and bindings that requests are judged by, never older than the write that changed them. Two ways to keep that promise:
 * where one process is the only writer, it hears of every commit before the writer does (`announced`); elsewhere every read brings the
 * policy's revision along and every write holds on to it (`asked`). See decisions/0012.
 */
import type { Clock } from "../../platform/platform.ts";
import type { PolicyMemory } from "./policy-memory.ts";
import type { PolicyChange, PolicyReader, PolicyState } from "./policy-source.ts";
import { RbacIndex } from "./rbac-index.ts";

export interface Policy {
  /** The newest that is known of; at once where it is at hand. @throws StorageError "unavailable" */
  current(): RbacIndex | Promise<RbacIndex>;
  /** The newest revision that is known of. */
  readonly seen: number;
  /** Absent: `current` is always the newest there is. */
  asked?: AskedPolicy;
}

/** How others' writes are found out. */
export interface AskedPolicy {
  /** Goes up whenever a question to the database begins. */
  readonly begun: number;
  /** The newest of them that was answered, by its number, and when (Unix ms). */
  readonly answered: number;
  readonly answeredMs: number;
  /** Asks for the revision alone. Those who call while one is under way share the next. @throws StorageError "unavailable" */
  check(): Promise<void>;
}

/** `onCommit` is the hub's: called in order, after each commit, before its writers get their answers. */
export function createAnnouncedPolicy(deps: {
  read: PolicyReader["policy"];
  /** Of roles and bindings alone. */
  onCommit(listener: (changes: readonly PolicyChange[]) => void): unknown;
}): Policy {
  let index: RbacIndex | undefined;
  let loading: Promise<RbacIndex> | undefined;
  /** What was committed while the first read was under way. */
  let early: PolicyChange[] = [];
  deps.onCommit((changes) => {
    for (const change of changes) {
      if (index) apply(index, change);
      else if (loading) early.push(change);
    }
  });

  async function load(): Promise<RbacIndex> {
    try {
      const { revision, objects } = await deps.read();
      const loaded = indexOf(objects, revision);
      for (const change of early) if (change.revision > revision) apply(loaded, change);
      index = loaded;
      return loaded;
    } finally {
      loading = undefined;
      early = [];
    }
  }

  return {
    current: () => index ?? (loading ??= load()),
    get seen() {
      return index?.revision ?? 0;
    },
  };
}

function apply(index: RbacIndex, change: PolicyChange): void {
  if (change.type === "DELETED") index.remove(change);
  else index.put(change);
  index.revision = Math.max(index.revision, change.revision);
}

/** In place: whoever holds it has decided by it already. */
function changed(index: RbacIndex, { revision, objects, removed = [] }: PolicyState): RbacIndex {
  for (const key of removed) index.remove(key);
  for (const object of objects) index.put(object);
  index.revision = Math.max(index.revision, revision);
  return index;
}

function indexOf(objects: Awaited<ReturnType<PolicyReader["policy"]>>["objects"], revision: number): RbacIndex {
  const index = new RbacIndex();
  for (const object of objects) index.put(object);
  index.revision = revision;
  return index;
}

/** Reads of the whole policy before it is given up: somebody changes it faster than it can be read. */
const LOADS_MAX = 8;

/** What reads tell of the policy's revision. */
export interface PolicyWatch {
  /** A read begins; what it returns gets the revision that the read has found. */
  begin(): (revision: number) => void;
  readonly seen: number;
  readonly begun: number;
  readonly answered: number;
  readonly answeredMs: number;
}

export function createPolicyWatch({ clock }: { clock: Clock }): PolicyWatch {
  const state = { seen: 0, begun: 0, answered: 0, answeredMs: 0 };
  const begin = (): ((revision: number) => void) => {
    const number = ++state.begun;
    return (revision) => {
      state.seen = Math.max(state.seen, revision);
      state.answered = Math.max(state.answered, number);
      state.answeredMs = clock.now();
    };
  };
  return Object.assign(state, { begin });
}

export interface AskedPolicyDeps {
  /** Is told by `reader`, and by whatever else reads. */
  watch: PolicyWatch;
  reader: PolicyReader;
  /** Shared by the clusters of an isolate. */
  memory: PolicyMemory;
  clusterId: string;
}

export function createAskedPolicy({ watch, reader, memory, clusterId }: AskedPolicyDeps): Policy {
  let loading: Promise<RbacIndex> | undefined;
  const load = (): Promise<RbacIndex> =>
    (loading ??= (async () => {
      try {
        const kept = memory.get(clusterId);
        const state = await reader.policy(kept && { since: kept.revision });
        const index = state.removed && kept ? changed(kept, state) : indexOf(state.objects, state.revision);
        memory.put(clusterId, index);
        return index;
      } finally {
        loading = undefined;
      }
    })());

  async function atLeast(wanted: number): Promise<RbacIndex> {
    let index = await load();
    // One that was under way may have begun before the news.
    for (let loads = 1; index.revision < wanted && loads < LOADS_MAX; loads++) index = await load();
    return index;
  }

  return {
    current() {
      const kept = memory.get(clusterId);
      return kept && kept.revision >= watch.seen ? kept : atLeast(watch.seen);
    },
    get seen() {
      return watch.seen;
    },
    asked: {
      get begun() {
        return watch.begun;
      },
      get answered() {
        return watch.answered;
      },
      get answeredMs() {
        return watch.answeredMs;
      },
      check: shared(async () => void (await reader.policyRevision())),
    },
  };
}

/** Calls while `run` is under way get one run more, together: each gets one that began after it was asked for. */
function shared(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const begin = (): Promise<void> => {
    next = undefined;
    const mine = run().finally(() => {
      if (running === mine) running = undefined;
    });
    running = mine;
    return mine;
  };
  return () => {
    if (!running) return begin();
    next ??= running.then(begin, begin);
    return next;
  };
}
