/** What a hub does by the clock: it forgets old history and removes what has expired. Writes nothing where nothing is due. */
import type { PreparedWrite, StorageWriter, StoredObject, WriteOutcome } from "../storage/storage.ts";

export interface MaintenanceDeps {
  storage: StorageWriter;
  /** History younger than this is kept. */
  retentionMs: number;
  /** Runs between batches of writes. */
  exclusively: <T>(work: () => Promise<T>) => Promise<T>;
  write: (write: PreparedWrite) => Promise<WriteOutcome>;
}

export interface MaintenanceReport {
  /** Rows of history. */
  removed: number;
  /** Objects that lived out their time. */
  expired: number;
  /** When there will be more to do (Unix ms) although nothing is written; undefined where there will not. */
  nextMs: number | undefined;
}

const SLICE_ROWS = 500;
const SLICES_MAX = 200;
const EXPIRED_AT_ONCE = 64;
const EXPIRED_ROUNDS_MAX = 20;

export class Maintenance {
  readonly #deps: MaintenanceDeps;
  /** Everything up to here was compacted by this instance: nothing below needs to be looked at again. */
  #compactedTo: number | undefined;

  constructor(deps: MaintenanceDeps) {
    this.#deps = deps;
  }

  /** @throws StorageError "unavailable" */
  async run({ nowMs }: { nowMs: number }): Promise<MaintenanceReport> {
    const expired = await this.#expire(nowMs);
    const { removed, nextMs } = await this.#compact(nowMs);
    const nextExpiryMs = await this.#deps.storage.nextExpiry();
    const due = [nextMs, nextExpiryMs].filter((timeMs) => timeMs !== undefined);
    return { expired, removed, nextMs: due.length === 0 ? undefined : Math.min(...due) };
  }

  /** By `nextMs` all history that there is now will be old enough. */
  async #compact(nowMs: number): Promise<{ removed: number; nextMs: number | undefined }> {
    const { storage, retentionMs, exclusively } = this.#deps;
    const known = this.#compactedTo;
    const newest = await storage.revision();
    const floor = await storage.revisionAt(nowMs - retentionMs, known === undefined ? undefined : { since: known });
    const nextMs = floor < newest ? nowMs + retentionMs : undefined;
    if (floor <= (known ?? 0)) return { removed: 0, nextMs };
    let removed = 0;
    for (let slices = 0; slices < SLICES_MAX; slices++) {
      const slice = await exclusively(() => storage.compact({ floor, limit: SLICE_ROWS }));
      removed += slice.removed;
      if (!slice.done) continue;
      this.#compactedTo = floor;
      return { removed, nextMs };
    }
    return { removed, nextMs: nowMs };
  }

  async #expire(nowMs: number): Promise<number> {
    let count = 0;
    for (let round = 0; round < EXPIRED_ROUNDS_MAX; round++) {
      const due = await this.#deps.storage.expired({ nowMs, limit: EXPIRED_AT_ONCE });
      const outcomes = await Promise.all(due.map((object) => this.#deps.write(deletionOf(object))));
      const deleted = outcomes.filter(({ ok }) => ok).length;
      count += deleted;
      // Those that lost were changed in the meantime, and are asked about next time.
      if (due.length < EXPIRED_AT_ONCE || deleted === 0) break;
    }
    return count;
  }
}

function deletionOf(object: StoredObject): PreparedWrite {
  const { revision, ...stored } = object;
  // An object expires once in each of its versions, which makes the id unique without dice.
  return { ...stored, op: "delete", expected: revision, writeId: `expired/${stored.uid}/${revision}` };
}
