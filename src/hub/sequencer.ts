/** The one queue of a cluster's writes: groups of them, one batch in flight. */
import type { Log, Timers } from "../platform/platform.ts";
import { StorageError } from "../storage/errors.ts";
import { QuotaBook } from "./quota-book.ts";
import type { LogPage, PreparedWrite, StorageWriter, WriteOutcome } from "../storage/storage.ts";
import { companionCount } from "../storage/write-sql.ts";

export interface SequencerLimits {
  groupWritesMax: number;
  groupBytesMax: number;
}

export interface SequencerDeps {
  storage: StorageWriter;
  timers: Timers;
  log: Log;
  limits: SequencerLimits;
  /** The log up to here was handed on. */
  position: number;
  /** Every part of the log, in order, after it was committed. */
  onPage(page: LogPage): void;
}

interface QueuedWrite {
  write: PreparedWrite;
  resolve: (outcome: WriteOutcome) => void;
  reject: (error: unknown) => void;
  /** Times that it lost to another write of the same quota. */
  moved: number;
}

/** Groups in a row without a turn of the event loop between them. */
const FOLLOWS_MAX = 8;

/** A batch whose callers have not been told yet. */
interface Committed {
  group: readonly QueuedWrite[];
  outcomes: readonly WriteOutcome[];
  tail: LogPage;
}

/** Entries beyond the group's own that come with its answer; more than these are fetched in pages. */
const FOREIGN_ENTRIES = 64;
const PAGE_ENTRIES = 500;
const PAGE_BYTES_MAX = 1_000_000;
const LOOKUP_DELAYS_MS = [0, 100, 400, 1_600];
/** When so many writes in a row fail alone, it is the database and not them. */
const FAILURES_IN_A_ROW_MAX = 3;
/** Each time another hub has charged the same quota; within a group only where one before was not stored. */
const MOVED_MAX = 64;

export class Sequencer {
  readonly #deps: SequencerDeps;
  readonly #queue: QueuedWrite[] = [];
  /** Work that must not overlap with a batch: reading the tail, compaction. */
  readonly #jobs: (() => Promise<void>)[] = [];
  readonly #quotas: QuotaBook;
  #position: number;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(deps: SequencerDeps) {
    this.#deps = deps;
    this.#position = deps.position;
    this.#quotas = new QuotaBook({ storage: deps.storage });
  }

  /** @throws StorageError "unavailable" */
  write(write: PreparedWrite): Promise<WriteOutcome> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ write, resolve, reject, moved: 0 });
      this.#wake();
    });
  }

  /** Hands on what others have written. */
  poll(): Promise<void> {
    return this.exclusively(() => this.#readTail());
  }

  /** Runs `work` between batches. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push(() => work().then(resolve, reject));
      this.#wake();
    });
  }

  /** Takes no more work; what is in flight ends. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#running;
  }

  #wake(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#queue.length + this.#jobs.length > 0) this.#wake();
    });
  }

  async #run(): Promise<void> {
    let committed: Committed | undefined;
    let follows = 0;
    while (this.#queue.length + this.#jobs.length > 0) {
      if (!committed) await this.#gather();
      if (this.#stopped) this.#refuseQueued();
      if (!committed) await this.#jobs.shift()?.();
      const group = this.#takeGroup();
      const next = group.length > 0 ? this.#commit(group) : undefined;
      if (committed) this.#settle(committed);
      committed = await next;
      follows++;
      if (committed && this.#mayFollowAtOnce(follows)) continue;
      if (committed) this.#settle(committed);
      committed = undefined;
      follows = 0;
    }
  }

  #refuseQueued(): void {
    for (const { reject } of this.#queue.splice(0)) reject(new StorageError("unavailable", "the hub stops"));
  }

  /**
   * Where a whole group waits there is nothing to gather: it is sent before the callers of the one before go on, so that database and
   * callers work at the same time. Not forever, as everything else is to have its turn.
   */
  #mayFollowAtOnce(follows: number): boolean {
    const isFull = this.#queue.length >= this.#deps.limits.groupWritesMax;
    return isFull && follows < FOLLOWS_MAX && this.#jobs.length === 0 && !this.#stopped;
  }

  /**
   * Lets the writes that have arrived in this turn of the event loop join the group, and everything else have its turn. Where the
   * driver is synchronous nothing else would ever make a group, or end the turn.
   */
  #gather(): Promise<void> {
    const { timers } = this.#deps;
    return new Promise((resolve) => {
      if (timers.soon) timers.soon(resolve);
      else timers.after(0, resolve);
    });
  }

  #takeGroup(): QueuedWrite[] {
    const { groupWritesMax, groupBytesMax } = this.#deps.limits;
    let count = 0;
    let bytes = 0;
    let rows = 0;
    for (const { write } of this.#queue) {
      bytes += write.value.length;
      rows += 1 + companionCount([write]) + (write.charges?.length ?? 0);
      if (count > 0 && (rows > groupWritesMax || bytes > groupBytesMax)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  /** Undefined when its callers have been told already. */
  async #commit(group: readonly QueuedWrite[]): Promise<Committed | undefined> {
    let answer: Awaited<ReturnType<StorageWriter["commit"]>>;
    try {
      answer = await this.#commitOnce(group);
    } catch (error) {
      await this.#recover(group, error);
      return undefined;
    }
    this.#learn(answer.tail);
    const committed = this.#withoutMoved({ group, ...answer });
    if (!answer.tail.more) return committed;
    this.#settle(committed);
    await this.#tryTail();
    return undefined;
  }

  #settle({ group, outcomes, tail }: Committed): void {
    for (const [at, { resolve, reject }] of group.entries()) {
      const outcome = outcomes[at];
      if (outcome) resolve(outcome);
      else reject(new Error("storage answered fewer outcomes than writes"));
    }
    this.#deps.onPage(tail);
  }

  /** What lost to another write of its quota is counted and written again, before everything that waits. */
  #withoutMoved({ group, outcomes, tail }: Committed): Committed {
    const isMoved = (at: number) => this.#mayTryAgain(group[at], outcomes[at]);
    const again = group.filter((_, at) => isMoved(at));
    if (again.length === 0) return { group, outcomes, tail };
    const kept = {
      group: group.filter((_, at) => !isMoved(at)),
      outcomes: outcomes.filter((_, at) => !isMoved(at)),
      tail,
    };
    for (const queued of again) queued.moved++;
    this.#queue.unshift(...again);
    return kept;
  }

  #mayTryAgain(queued: QueuedWrite | undefined, outcome: WriteOutcome | undefined): boolean {
    return queued !== undefined && outcome?.ok === false && outcome.reason === "moved" && queued.moved < MOVED_MAX;
  }

  /** In one batch, with what the quotas make of them. */
  async #commitOnce(group: readonly QueuedWrite[]): ReturnType<StorageWriter["commit"]> {
    const charged = await this.#quotas.charge(group.map(({ write }) => write));
    const writes = charged.flatMap((one) => ("write" in one ? [one.write] : []));
    const limit = writes.length + companionCount(writes) + FOREIGN_ENTRIES;
    const { outcomes, tail } = await this.#deps.storage.commit(writes, { since: this.#position, limit });
    if (writes.length === charged.length) return { outcomes, tail };
    const stored = outcomes.values();
    const lost: WriteOutcome = { ok: false, reason: "conflict" };
    return { outcomes: charged.map((one) => ("write" in one ? (stored.next().value ?? lost) : one.outcome)), tail };
  }

  /** Before anything else is charged. */
  #learn(page: LogPage): void {
    this.#position = Math.max(this.#position, page.revision);
    this.#quotas.seen(page.entries);
  }

  async #handOn(tail: LogPage): Promise<void> {
    this.#learn(tail);
    this.#deps.onPage(tail);
    if (tail.more) await this.#tryTail();
  }

  async #tryTail(): Promise<void> {
    try {
      await this.#readTail();
    } catch (error) {
      // The next batch asks again from the same place.
      this.#deps.log.warn("could not read the log's tail", { error });
    }
  }

  async #readTail(): Promise<void> {
    for (let more = true; more;) {
      const { tail } = await this.#deps.storage.commit([], { since: this.#position, limit: 1 });
      const page = await this.#pageFrom(tail);
      this.#learn(page);
      this.#deps.onPage(page);
      more = page.more;
    }
  }

  /** One entry answers most questions for news; where there are more they come in pages. */
  #pageFrom(tail: LogPage): Promise<LogPage> | LogPage {
    if (tail.floor > this.#position) {
      this.#quotas.clear();
      return { entries: [], revision: tail.floor, more: true, floor: tail.floor };
    }
    if (!tail.more) return tail;
    return this.#deps.storage.changes({ since: this.#position, limit: PAGE_ENTRIES, bytesMax: PAGE_BYTES_MAX });
  }

  /** The group's batch failed. Nothing of it was stored, or the answer was lost. */
  async #recover(group: readonly QueuedWrite[], error: unknown): Promise<void> {
    if (!(error instanceof StorageError)) {
      for (const { reject } of group) reject(error);
      return;
    }
    this.#deps.log.warn("a batch of writes failed", { writes: group.length, error });
    const open = error.outcomeUnknown ? await this.#settleStored(group, error) : group;
    if (open.length === 1 && !error.outcomeUnknown) {
      open[0]?.reject(error);
      return;
    }
    await this.#oneByOne(open);
    // What was stored without an answer is in the log, but no answer has brought it.
    await this.#tryTail();
  }

  /** So that one write that the database refuses does not fail the others. */
  async #oneByOne(open: readonly QueuedWrite[]): Promise<void> {
    let failuresInARow = 0;
    let last: unknown;
    for (const queued of open) {
      if (failuresInARow >= FAILURES_IN_A_ROW_MAX) {
        queued.reject(last);
        continue;
      }
      try {
        const { outcomes, tail } = await this.#commitOnce([queued]);
        const outcome = await this.#notAgainstItself(queued.write, outcomes[0]);
        failuresInARow = 0;
        await this.#handOn(tail);
        const { group } = this.#withoutMoved({ group: [queued], outcomes: [outcome], tail });
        for (const { resolve } of group) resolve(outcome);
      } catch (error) {
        failuresInARow++;
        last = error;
        const unknown = error instanceof StorageError && error.outcomeUnknown;
        const stillOpen = unknown ? await this.#settleStored([queued], error) : [queued];
        for (const { reject } of stillOpen) reject(error);
      }
    }
  }

  /** Resolves what was stored after all and returns the others. Rejects all when that cannot be known. */
  async #settleStored(group: readonly QueuedWrite[], error: StorageError): Promise<readonly QueuedWrite[]> {
    const stored = await this.#lookup(group.map(({ write }) => write.writeId));
    if (stored === undefined) {
      for (const { reject } of group) reject(error);
      return [];
    }
    return group.filter(({ write, resolve }) => {
      const revision = stored.get(write.writeId);
      if (revision !== undefined) resolve({ ok: true, revision });
      return revision === undefined;
    });
  }

  /** A batch whose answer was lost may be stored late, and its retry then loses against it: that is a win. */
  async #notAgainstItself(write: PreparedWrite, outcome: WriteOutcome | undefined): Promise<WriteOutcome> {
    if (outcome === undefined) throw new Error("storage answered fewer outcomes than writes");
    if (outcome.ok) return outcome;
    const revision = (await this.#lookup([write.writeId]))?.get(write.writeId);
    return revision === undefined ? outcome : { ok: true, revision };
  }

  async #lookup(writeIds: readonly string[]): Promise<Map<string, number> | undefined> {
    for (const delayMs of LOOKUP_DELAYS_MS) {
      if (delayMs > 0) await new Promise<void>((resolve) => this.#deps.timers.after(delayMs, resolve));
      try {
        return await this.#deps.storage.lookup(writeIds, { since: this.#position });
      } catch (error) {
        this.#deps.log.warn("could not look up what was stored", { error });
      }
    }
    return undefined;
  }
}
