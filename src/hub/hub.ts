/**
 * The hub of a cluster: the one sequencer of its writes and the fan-out of its log. On Node an object in the process, on Workers a
 * Durable Object; both implement this port. It holds no truth: a hub that dies loses nothing.
 */
import type { Opener } from "../machinery/opener.ts";
import type { PreparedWrite, Selector, WriteOutcome } from "../storage/storage.ts";
import type { Head } from "../storage/stored-value.ts";

export interface WatchQuery {
  resource: string;
  namespace?: string;
  selector: Selector;
  /** Events after this revision. */
  since: number;
  /** Goes before each object: see stored-value.ts. */
  head: Head;
  /** Send a BOOKMARK about every minute and before the end. */
  bookmarks: boolean;
  /** And one as soon as everything that was there when it was opened is sent. */
  marksCaughtUp?: boolean;
  /** The stream ends cleanly, between events, after this long. */
  timeoutMs: number;
  /** Absent for the control plane's own, which nobody revokes. */
  opener?: Opener;
}

/** What a hub counts, by resource as the log names it ("deployments.apps"). */
export interface HubStatistics {
  /** Watches that are open. */
  watchers: Record<string, number>;
  /** Events sent to watchers since the hub started, bookmarks not counted. */
  events: Record<string, number>;
  /** Memory that holds recent entries of the log. */
  windowBytes: number;
}

/** Plain data only: everything here crosses a Durable Object's RPC. */
export interface Hub {
  /** Resolves after the commit. @throws StorageError "unavailable" */
  write(write: PreparedWrite): Promise<WriteOutcome>;
  /**
   * A stream of `{"type":…,"object":…}\n` lines in revision order, none lost, none doubled. An object that stops matching is a
   * DELETED, one that begins to match is an ADDED. Cancel the stream to unsubscribe. A watcher that falls behind
   * (queue over 256 KB) is closed between events: it resumes by its last revision.
   * @throws StorageError "compacted"
   */
  watch(query: WatchQuery): Promise<ReadableStream<Uint8Array>>;
  /**
   * Gives out a new revision without changing any object: where nothing is written, a list begun anew after its continue token
   * expired must still have another resourceVersion. @throws StorageError "unavailable"
   */
  mark?(): Promise<number>;
  /** Resolves when the hub answers and could take a write: for readiness checks. @throws StorageError "unavailable" */
  ready?(): Promise<void>;
  /** For `/metrics`. On the edge this wakes the hub. @throws StorageError "unavailable" */
  statistics?(): Promise<HubStatistics>;
}

/** The hub's side of the nodes' tunnels. */
export interface Presence {
  /** Unix ms of the last sign of life of each node whose tunnel is up, by node name. */
  lastSeen(): Promise<Record<string, number>>;
}
