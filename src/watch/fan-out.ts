/**
 * Hands the log to its watchers. A watcher first catches up, from memory or page by page from storage, and then joins the live
 * ones. Both ways offer entries in order and a watcher takes each revision once, so none is lost or doubled where they meet.
 */
import { isRevoked, type Revocation } from "../machinery/opener.ts";
import { nextTurn, type Clock, type Log, type Timers } from "../platform/platform.ts";
import { StorageError } from "../storage/errors.ts";
import type { LogPage, StorageWriter } from "../storage/storage.ts";
import type { Present } from "../storage/stored-value.ts";
import { SharedEntry } from "./changes.ts";
import { RecentEntries } from "./recent-entries.ts";
import { Watcher, type WatcherOptions } from "./watcher.ts";

export interface FanOutLimits {
  /** Memory for recent entries. */
  windowBytesMax: number;
  /** What may wait for one slow client. */
  queueBytesMax: number;
  watchersMax: number;
  bookmarkIntervalMs: number;
}

export interface FanOutDeps {
  storage: Pick<StorageWriter, "changes">;
  clock: Clock;
  timers: Timers;
  log: Log;
  limits: FanOutLimits;
  /** Without it values go out as they are stored. */
  present?: Present | undefined;
}

const SLICE_MS = 10;
/** Bounds a slice where the clock stands still while code runs (Workers). */
const SLICE_DELIVERIES = 1_000;
const PAGE_ENTRIES = 500;
/** Catch-up fills half of a queue, so that it never closes the watcher itself. */
const CATCH_UP_SHARE = 0.5;
/** Reads of storage for catch-up at one time: a hub's requests are few. */
const CATCH_UP_READS_MAX = 2;

export class FanOut {
  readonly #deps: FanOutDeps;
  readonly #recent: RecentEntries;
  readonly #watchers = new Set<Watcher>();
  readonly #live = new Map<string, Set<Watcher>>();
  /** By resource. Grows with what has been watched, which is what exists. */
  readonly #sent = new Map<string, { events: number }>();
  readonly #pending: SharedEntry[] = [];
  /** Every live watcher was offered everything up to here. */
  #delivered: number;
  #pumping = false;
  #reads = 0;
  readonly #waitingReads: (() => void)[] = [];
  #stopped = false;

  constructor(deps: FanOutDeps, { revision }: { revision: number }) {
    this.#deps = deps;
    this.#recent = new RecentEntries({ bytesMax: deps.limits.windowBytesMax, revision });
    this.#delivered = revision;
  }

  get watcherCount(): number {
    return this.#watchers.size;
  }

  /** Watchers of clients, the control plane's own not counted. */
  get clientCount(): number {
    let count = 0;
    for (const { opener } of this.#watchers) if (opener) count++;
    return count;
  }

  get windowBytes(): number {
    return this.#recent.bytes;
  }

  /** By resource; `events` since this fan-out began. */
  statistics(): { watchers: Record<string, number>; events: Record<string, number>; windowBytes: number } {
    const watchers: Record<string, number> = {};
    for (const { resource } of this.#watchers) watchers[resource] = (watchers[resource] ?? 0) + 1;
    const events = Object.fromEntries([...this.#sent].map(([resource, { events: count }]) => [resource, count]));
    return { watchers, events, windowBytes: this.windowBytes };
  }

  /** Takes the next part of the log. Delivery goes on after this returns. */
  publish(page: LogPage): void {
    if (page.floor > this.#recent.end) {
      // History was compacted past what was seen: nobody can be told what is missing, so everybody lists again.
      this.#deps.log.warn("the log was compacted past this hub's position", { floor: page.floor });
      this.#endAll();
      this.#recent.restartAt(page.floor);
    }
    // What nobody watches is delivered already.
    const wanted = this.#recent.append(page).filter(({ entry }) => this.#live.has(entry.resource));
    this.#pending.push(...wanted);
    if (this.#pending.length > 0) void this.#pump();
    else if (!this.#pumping) this.#delivered = this.#recent.end;
  }

  /** @throws StorageError "compacted" | "unavailable" */
  async open(options: WatcherOptions): Promise<ReadableStream<Uint8Array>> {
    if (this.#watchers.size >= this.#deps.limits.watchersMax) {
      throw new StorageError("unavailable", `more than ${this.#deps.limits.watchersMax} watches are open`);
    }
    const page = options.since < this.#recent.start ? await this.#read(options) : undefined;
    // Meanwhile it may have ended; nothing would ever end a watch that joined now.
    if (this.#stopped) throw new StorageError("unavailable", "the hub has stopped");
    const watcher = new Watcher(options, {
      timers: this.#deps.timers,
      present: this.#deps.present,
      queueBytesMax: this.#deps.limits.queueBytesMax,
      bookmarkIntervalMs: this.#deps.limits.bookmarkIntervalMs,
      positionOf: (asking) => (this.#live.get(asking.resource)?.has(asking) ? this.#delivered : 0),
      newest: () => this.#recent.end,
      onEnd: (ended) => this.#remove(ended),
      sent: this.#sentOf(options.resource),
    });
    this.#watchers.add(watcher);
    if (page !== undefined) this.#offerPage(watcher, page);
    if (!this.#catchUpFromMemory(watcher)) void this.#catchUp(watcher);
    return watcher.stream;
  }

  /** Ends the watches of these, cleanly: what is queued was theirs to see. */
  revoke(revocation: Revocation): void {
    for (const watcher of this.#watchers) if (watcher.opener && isRevoked(watcher.opener, revocation)) watcher.end();
  }

  /** Ends every watch cleanly and takes no more. */
  stop(): void {
    this.#stopped = true;
    this.#endAll();
  }

  #endAll(): void {
    for (const watcher of this.#watchers) watcher.end();
  }

  /** In the background, at the pace of the client. */
  async #catchUp(watcher: Watcher): Promise<void> {
    try {
      while (watcher.open && !this.#catchUpFromMemory(watcher)) {
        await watcher.drained();
        if (!watcher.open || watcher.position >= this.#recent.start) continue;
        this.#offerPage(watcher, await this.#read({ resource: watcher.resource, since: watcher.position }));
      }
    } catch (error) {
      // It resumes by its last revision and is told then what is wrong.
      this.#deps.log.warn("a watch ended while catching up", { error });
      watcher.end();
    }
  }

  /** True when the watcher is live, or over. Without a pause, so that nothing is committed in between. */
  #catchUpFromMemory(watcher: Watcher): boolean {
    if (!watcher.open) return true;
    if (watcher.position < this.#recent.start) return false;
    for (const shared of this.#recent.after(watcher.position)) {
      if (watcher.queuedBytes >= this.#catchUpBytes) return false;
      watcher.offer(shared, "catch-up");
    }
    watcher.position = Math.max(watcher.position, this.#recent.end);
    let live = this.#live.get(watcher.resource);
    if (live === undefined) this.#live.set(watcher.resource, (live = new Set()));
    if (watcher.open) live.add(watcher);
    watcher.caughtUp();
    return true;
  }

  get #catchUpBytes(): number {
    return this.#deps.limits.queueBytesMax * CATCH_UP_SHARE;
  }

  #offerPage(watcher: Watcher, page: LogPage): void {
    for (const entry of page.entries) watcher.offer(new SharedEntry(entry), "catch-up");
    watcher.position = Math.max(watcher.position, page.revision);
  }

  async #read({ resource, since }: { resource: string; since: number }): Promise<LogPage> {
    if (this.#reads >= CATCH_UP_READS_MAX) await new Promise<void>((resolve) => this.#waitingReads.push(resolve));
    else this.#reads++;
    try {
      return await this.#deps.storage.changes({ resource, since, limit: PAGE_ENTRIES, bytesMax: this.#catchUpBytes });
    } finally {
      // The place goes to whoever waits.
      const next = this.#waitingReads.shift();
      if (next) next();
      else this.#reads--;
    }
  }

  #sentOf(resource: string): { events: number } {
    let sent = this.#sent.get(resource);
    if (sent === undefined) this.#sent.set(resource, (sent = { events: 0 }));
    return sent;
  }

  #remove(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    const live = this.#live.get(watcher.resource);
    live?.delete(watcher);
    if (live?.size === 0) this.#live.delete(watcher.resource);
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    // The writers whose commit this was come first.
    await nextTurn(this.#deps.timers);
    let slice = this.#newSlice();
    for (let shared = this.#pending.shift(); shared !== undefined; shared = this.#pending.shift()) {
      for (const watcher of this.#live.get(shared.entry.resource) ?? []) {
        this.#deliver(watcher, shared);
        slice.deliveries--;
        if (slice.deliveries > 0 && (slice.deliveries % 64 > 0 || this.#deps.clock.now() < slice.deadlineMs)) continue;
        await nextTurn(this.#deps.timers);
        slice = this.#newSlice();
      }
      this.#delivered = shared.entry.revision;
    }
    this.#delivered = this.#recent.end;
    this.#pumping = false;
  }

  #deliver(watcher: Watcher, shared: SharedEntry): void {
    try {
      watcher.offer(shared, "live");
    } catch (error) {
      // One watcher must not stop the others.
      this.#deps.log.error("a watch failed", { error });
      watcher.end();
    }
  }

  #newSlice(): { deliveries: number; deadlineMs: number } {
    return { deliveries: SLICE_DELIVERIES, deadlineMs: this.#deps.clock.now() + SLICE_MS };
  }
}
