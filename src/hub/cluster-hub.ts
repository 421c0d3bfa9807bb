/** The hub of one cluster, on every runtime: sequencer, fan-out and maintenance behind the `Hub` port. */
import { createRevocations, type Revocation, type Revocations } from "../machinery/opener.ts";
import type { Clock, Log, Timers } from "../platform/platform.ts";
import { StorageError } from "../storage/errors.ts";
import type { LogEntry, LogPage, PreparedWrite, StorageWriter, WriteOutcome } from "../storage/storage.ts";
import type { Present } from "../storage/stored-value.ts";
import { FanOut } from "../watch/fan-out.ts";
import type { Hub, HubStatistics, WatchQuery } from "./hub.ts";
import { Maintenance, type MaintenanceReport } from "./maintenance.ts";
import { Sequencer } from "./sequencer.ts";

export interface HubLimits {
  /** Writes in one batch. */
  groupWritesMax: number;
  /** Length of their values together. */
  groupBytesMax: number;
  /** Memory for recent entries. */
  windowBytesMax: number;
  /** What may wait for one slow watcher. */
  queueBytesMax: number;
  watchersMax: number;
  bookmarkIntervalMs: number;
  /** How long history is kept. */
  retentionMs: number;
}

export const DEFAULT_HUB_LIMITS: HubLimits = {
  groupWritesMax: 64,
  groupBytesMax: 1_000_000,
  windowBytesMax: 16 * 1024 * 1024,
  queueBytesMax: 256 * 1024,
  watchersMax: 10_000,
  bookmarkIntervalMs: 60_000,
  retentionMs: 5 * 60_000,
};

export interface HubDeps {
  storage: StorageWriter;
  clock: Clock;
  timers: Timers;
  log: Log;
  limits?: Partial<HubLimits>;
  /** What watchers are shown of a row; without it (tests of the log alone) values go out as they are stored. */
  present?: Present;
  /** Where there is another who must know before this hub has started; it adds to them. */
  revocations?: Revocations;
}

export interface ClusterHub extends Hub {
  /** Reads the newest part of the log. Done by the first call of anything else, too. @throws StorageError "unavailable" */
  start(): Promise<void>;
  /** Ends watches cleanly between events; writes that are not in flight fail as "unavailable". */
  stop(): Promise<void>;
  mark(): Promise<number>;
  ready(): Promise<void>;
  statistics(): Promise<HubStatistics>;
  /** Hands on what others have written to the log. @throws StorageError "unavailable" */
  poll(): Promise<void>;
  /** Called after each commit with what it added, in order, before the watchers get it. Returns the undo. */
  onCommit(listener: (entries: readonly LogEntry[]) => void): () => void;
  /** Compaction and expiry; the platform calls it when maintenance-schedule.ts says. */
  maintain(at: { nowMs: number }): Promise<MaintenanceReport>;
  /** `clients`: watchers that are not the control plane's own. */
  stats(): { watchers: number; clients: number; windowBytes: number };
  /** Ends the watches of these, and for some seconds those that they still come to open. */
  revoke(revocation: Revocation): void;
}

/** After a restart so much history is read at once, so that a thousand returning watches need not ask the database each. */
const PRELOADED_ENTRIES = 1_000;
const PRELOAD_PAGE = { limit: 500, bytesMax: 1_000_000 };

interface Running {
  sequencer: Sequencer;
  fanOut: FanOut;
  maintenance: Maintenance;
}

export function createHub(deps: HubDeps): ClusterHub {
  return new SqlHub(deps);
}

class SqlHub implements ClusterHub {
  readonly #deps: HubDeps;
  readonly #limits: HubLimits;
  readonly #revocations: Revocations;
  readonly #listeners = new Set<(entries: readonly LogEntry[]) => void>();
  #starting: Promise<Running> | undefined;
  #running: Running | undefined;
  #stopped = false;

  constructor(deps: HubDeps) {
    this.#deps = deps;
    this.#limits = { ...DEFAULT_HUB_LIMITS, ...deps.limits };
    this.#revocations = deps.revocations ?? createRevocations({ now: () => deps.clock.now() });
  }

  async start(): Promise<void> {
    await this.#started();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const running = this.#running ?? (await this.#starting?.catch(() => undefined));
    if (running === undefined) return;
    await running.sequencer.stop();
    running.fanOut.stop();
  }

  async write(write: PreparedWrite): Promise<WriteOutcome> {
    const { sequencer } = this.#running ?? (await this.#started());
    if (this.#stopped) throw stopped();
    return sequencer.write(write);
  }

  async watch(query: WatchQuery): Promise<ReadableStream<Uint8Array>> {
    const { fanOut } = this.#running ?? (await this.#started());
    if (this.#stopped) throw stopped();
    const stream = await fanOut.open(query);
    const { opener } = query;
    if (opener === undefined || !this.#revocations.has(opener)) return stream;
    await stream.cancel();
    return over();
  }

  revoke(revocation: Revocation): void {
    this.#revocations.add(revocation);
    this.#running?.fanOut.revoke(revocation);
  }

  async poll(): Promise<void> {
    const { sequencer } = this.#running ?? (await this.#started());
    await sequencer.poll();
  }

  async ready(): Promise<void> {
    await this.#started();
  }

  async mark(): Promise<number> {
    const { sequencer } = this.#running ?? (await this.#started());
    return sequencer.exclusively(() => this.#deps.storage.mark());
  }

  async maintain(at: { nowMs: number }): Promise<MaintenanceReport> {
    const { maintenance } = this.#running ?? (await this.#started());
    return maintenance.run(at);
  }

  onCommit(listener: (entries: readonly LogEntry[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stats(): { watchers: number; clients: number; windowBytes: number } {
    const fanOut = this.#running?.fanOut;
    return {
      watchers: fanOut?.watcherCount ?? 0,
      clients: fanOut?.clientCount ?? 0,
      windowBytes: fanOut?.windowBytes ?? 0,
    };
  }

  // oxlint-disable-next-line typescript/require-await -- the port is asynchronous
  async statistics(): Promise<HubStatistics> {
    const fanOut = this.#running?.fanOut;
    return fanOut?.statistics() ?? { watchers: {}, events: {}, windowBytes: 0 };
  }

  async #started(): Promise<Running> {
    if (this.#stopped) throw stopped();
    this.#starting ??= this.#load();
    try {
      this.#running = await this.#starting;
      return this.#running;
    } catch (error) {
      // The next call tries again.
      this.#starting = undefined;
      throw error;
    }
  }

  async #load(): Promise<Running> {
    const { storage, clock, timers, log, present } = this.#deps;
    const [revision, floor] = await Promise.all([storage.revision(), storage.floor()]);
    const from = Math.max(floor, revision - PRELOADED_ENTRIES, 0);
    const fanOut = new FanOut({ storage, clock, timers, log, present, limits: this.#limits }, { revision: from });
    const position = await this.#preload(fanOut, from);
    const sequencer = new Sequencer({
      storage,
      timers,
      log,
      limits: this.#limits,
      position,
      onPage: (page) => this.#publish(fanOut, page),
    });
    const maintenance = new Maintenance({
      storage,
      retentionMs: this.#limits.retentionMs,
      exclusively: (work) => sequencer.exclusively(work),
      write: (write) => sequencer.write(write),
    });
    return { sequencer, fanOut, maintenance };
  }

  async #preload(fanOut: FanOut, from: number): Promise<number> {
    let position = from;
    for (let more = true; more;) {
      const page = await this.#deps.storage.changes({ since: position, ...PRELOAD_PAGE });
      fanOut.publish(page);
      position = page.revision;
      more = page.more;
    }
    return position;
  }

  #publish(fanOut: FanOut, page: LogPage): void {
    if (page.entries.length > 0) {
      for (const listener of this.#listeners) {
        try {
          listener(page.entries);
        } catch (error) {
          this.#deps.log.error("a listener of commits failed", { error });
        }
      }
    }
    fanOut.publish(page);
  }
}

/** A watch that has ended. */
function over(): ReadableStream<Uint8Array> {
  return new ReadableStream({ type: "bytes", start: (controller) => controller.close() });
}

function stopped(): StorageError {
  return new StorageError("unavailable", "the hub has stopped");
}
