/**
 * The way of audit events into the store: gathered in memory and written in batches, off the path of requests. What was recorded within
 * the last second is lost when the process ends without warning; nothing older is, while the database answers.
 */
import type { Clock, Log, Timers } from "../platform/platform.ts";
import type { AuditRow, AuditStore } from "./audit-store.ts";

export interface AuditTrail {
  /** Takes a row; never waits, never throws. `untrusted`: by nobody in particular, of which only so many are kept a minute. */
  record(row: AuditRow, options: { untrusted: boolean }): void;
  /** Stores what waits, now. */
  flush(): Promise<void>;
}

const DELAY_MS = 1_000;
const BATCH_ROWS_MAX = 200;
const BATCH_LENGTH_MAX = 500_000;
/** What waits while the database does not answer; beyond it the newest are lost, and counted. */
const WAITING_ROWS_MAX = 2_000;
const WAITING_LENGTH_MAX = 4_000_000;
const ATTEMPTS_MAX = 5;
const RETRY_DELAY_MS = 2_000;
/** The log is bounded: nobody without a name may push out of it what the others did. */
const UNTRUSTED_PER_MINUTE_MAX = 60;
const MINUTE_MS = 60_000;
/** On the edge a request may be ended with all that it waits for; then the next one takes over. */
const ABANDONED_MS = 30_000;

export interface AuditTrailDeps {
  store: AuditStore;
  clock: Clock;
  timers: Timers;
  log: Log;
  /** Where a runtime ends what a request leaves behind: asks it to wait for this. */
  keepAlive?: ((work: Promise<void>) => void) | undefined;
}

export function createAuditTrail(deps: AuditTrailDeps): AuditTrail {
  return new BatchingTrail(deps);
}

class BatchingTrail implements AuditTrail {
  readonly #deps: AuditTrailDeps;
  readonly #waiting: AuditRow[] = [];
  #length = 0;
  #lost = 0;
  #run: { startedMs: number; done: Promise<void> } | undefined;
  #hurry: (() => void) | undefined;
  #untrusted = { minute: 0, count: 0 };

  constructor(deps: AuditTrailDeps) {
    this.#deps = deps;
  }

  record(row: AuditRow, { untrusted }: { untrusted: boolean }): void {
    const nowMs = this.#deps.clock.now();
    if (untrusted && !this.#admitsUntrusted(nowMs)) return;
    if (this.#waiting.length >= WAITING_ROWS_MAX || this.#length + row.event.length > WAITING_LENGTH_MAX) {
      this.#lost++;
      return;
    }
    this.#waiting.push(row);
    this.#length += row.event.length;
    if (this.#run && nowMs - this.#run.startedMs < ABANDONED_MS) {
      if (this.#waiting.length >= BATCH_ROWS_MAX) this.#hurry?.();
      return;
    }
    this.#begin(nowMs);
  }

  async flush(): Promise<void> {
    this.#hurry?.();
    await this.#run?.done;
  }

  #admitsUntrusted(nowMs: number): boolean {
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== this.#untrusted.minute) this.#untrusted = { minute, count: 0 };
    return ++this.#untrusted.count <= UNTRUSTED_PER_MINUTE_MAX;
  }

  #begin(startedMs: number): void {
    const run = { startedMs, done: Promise.resolve() };
    this.#run = run;
    run.done = this.#store(run).finally(() => {
      if (this.#run === run) this.#run = undefined;
    });
    this.#deps.keepAlive?.(run.done);
  }

  async #store(run: { startedMs: number }): Promise<void> {
    await this.#delay(DELAY_MS);
    while (this.#waiting.length > 0 && this.#run === run) {
      const batch = this.#nextBatch();
      if (await this.#append(batch)) this.#take(batch);
      run.startedMs = this.#deps.clock.now();
    }
    if (this.#lost > 0) this.#deps.log.error("audit events were lost", { count: this.#lost });
    this.#lost = 0;
  }

  async #append(batch: readonly AuditRow[]): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#deps.store.append(batch);
        return true;
      } catch (error) {
        this.#deps.log.warn("audit events were not stored", { error, attempt });
        if (attempt < ATTEMPTS_MAX) await this.#delay(RETRY_DELAY_MS);
        else {
          this.#lost += batch.length;
          return true;
        }
      }
    }
  }

  #nextBatch(): AuditRow[] {
    let length = 0;
    let count = 0;
    for (const { event } of this.#waiting) {
      length += event.length;
      if (count > 0 && (count >= BATCH_ROWS_MAX || length > BATCH_LENGTH_MAX)) break;
      count++;
    }
    return this.#waiting.slice(0, count);
  }

  /** They may be gone already, where another run took over. */
  #take(batch: readonly AuditRow[]): void {
    for (const row of batch) {
      if (this.#waiting[0] !== row) continue;
      this.#waiting.shift();
      this.#length -= row.event.length;
    }
  }

  #delay(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const undo = this.#deps.timers.after(delayMs, resolve);
      this.#hurry = () => {
        undo();
        resolve();
      };
    });
  }
}
