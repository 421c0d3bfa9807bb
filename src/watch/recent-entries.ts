/** The newest part of the log in memory, so that a watch that comes back need not ask the database. */
import type { LogEntry } from "../storage/storage.ts";
import { SharedEntry } from "./changes.ts";

export class RecentEntries {
  readonly #bytesMax: number;
  #entries: SharedEntry[] = [];
  #bytes = 0;
  #start: number;
  #end: number;

  constructor(limits: { bytesMax: number; revision: number }) {
    this.#bytesMax = limits.bytesMax;
    this.#start = limits.revision;
    this.#end = limits.revision;
  }

  /** Everything after this revision is held. */
  get start(): number {
    return this.#start;
  }

  /** Everything up to this revision has been seen. */
  get end(): number {
    return this.#end;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Forgets everything: what comes next follows this revision. */
  restartAt(revision: number): void {
    this.#entries = [];
    this.#bytes = 0;
    this.#start = revision;
    this.#end = revision;
  }

  append(page: { entries: readonly LogEntry[]; revision: number }): SharedEntry[] {
    const added = page.entries.filter(({ revision }) => revision > this.#end).map((entry) => new SharedEntry(entry));
    for (const shared of added) {
      this.#entries.push(shared);
      this.#bytes += shared.sizeBytes;
    }
    this.#end = Math.max(this.#end, page.revision);
    this.#trim();
    return added;
  }

  /** Entries after a revision, which must not be before `start`. */
  *after(revision: number): Generator<SharedEntry> {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.entry.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    for (const shared of this.#entries.slice(low)) yield shared;
  }

  /** Down to nine tenths at once, so that not every append moves the array. */
  #trim(): void {
    if (this.#bytes <= this.#bytesMax) return;
    let count = 0;
    while (this.#bytes > this.#bytesMax * 0.9) {
      const dropped = this.#entries[count];
      if (dropped === undefined) break;
      this.#bytes -= dropped.sizeBytes;
      this.#start = dropped.entry.revision;
      count++;
    }
    this.#entries.splice(0, count);
  }
}
