/**
 * The log of every version of every object of one cluster. The revision of a row *is* the resourceVersion.
 * Readers (`StorageReader`) live in stateless workers; `StorageWriter` belongs to the hub, the only sequencer, but a second
 * writer is harmless: compare-and-swap is decided in SQL.
 */
import type { FieldRequirement, LabelRequirement } from "../machinery/selectors.ts";

export interface ObjectKey {
  /** Group-resource: "pods", "deployments.apps". */
  resource: string;
  /** "" for cluster-scoped objects. */
  namespace: string;
  name: string;
}

/** One version of one object. */
export interface StoredObject extends ObjectKey {
  uid: string;
  revision: number;
  /** Version and schema generation of `value`, e.g. "v1/1". */
  form: string;
  labels: Readonly<Record<string, string>>;
  /** Selectable fields beyond metadata.name and metadata.namespace, e.g. `{"spec.nodeName": "n1"}`. */
  fields: Readonly<Record<string, string>>;
  /** Canonical JSON without kind, apiVersion and resourceVersion; see stored-value.ts. */
  value: string;
}

export interface Selector {
  labels: readonly LabelRequirement[];
  /** metadata.name and metadata.namespace may appear here too. */
  fields: readonly FieldRequirement[];
}

export interface ListQuery {
  resource: string;
  /** Undefined lists all namespaces. */
  namespace?: string;
  selector?: Selector;
  /** State at exactly this revision; undefined is now. */
  revision?: number;
  /** Start after this key (exclusive), in (namespace, name) order. */
  after?: { namespace: string; name: string };
  /** At most this many objects. */
  limit?: number;
  /**
   * How many objects the list has from `after` on, where the page before has told (`remaining`, of the same revision): then they are not
   * counted again, which costs a row each.
   */
  following?: number;
  /** False: nobody asks for `remaining`, which spares the count. */
  counted?: boolean;
}

export interface ListPage {
  /** In (namespace, name) byte order. */
  objects: StoredObject[];
  /** The revision whose state this is: the cluster's newest, or the one asked for. */
  revision: number;
  /** More objects follow the last one. */
  more: boolean;
  /** How many follow. Only when there is more and the query has no selector. */
  remaining?: number;
}

export interface StorageReader {
  /** @throws StorageError "unavailable" | "unreadable" */
  get(key: ObjectKey): Promise<{ object: StoredObject | undefined; revision: number }>;
  /**
   * The live ones of these and, where asked for, all that live in a namespace: in no order, in one round trip. For what is known to be
   * few. @throws StorageError "unavailable" | "unreadable"
   */
  getMany(keys: readonly ObjectKey[], wholes?: readonly Omit<ObjectKey, "name">[]): Promise<StoredObject[]>;
  /** @throws StorageError "compacted" | "future" | "unavailable" | "unreadable" */
  list(query: ListQuery): Promise<ListPage>;
  /** The newest revision. An empty log has one too: to clients a resourceVersion of 0 means something else. */
  revision(): Promise<number>;
}

/** Several reads of one state, in one batch: what an agent's sync asks for. */
export interface SnapshotQuery {
  keys?: readonly ObjectKey[];
  /** Of the state that is read, whole. */
  lists: readonly Pick<ListQuery, "resource" | "namespace" | "selector">[];
  /** What has changed since, as `StorageWriter.changes` gives it. */
  changes?: { since: number; limit: number; bytesMax: number };
}

export interface Snapshot {
  /** The newest one: everything here is its state. */
  revision: number;
  /** Of the keys that live, in their order. */
  objects: StoredObject[];
  /** By list, each in (namespace, name) byte order. */
  lists: StoredObject[][];
  /** Absent where they were not asked for, and where the log does not reach back so far. */
  changes?: LogPage;
}

export interface SnapshotReader {
  /** In one round trip. @throws StorageError "unavailable" | "unreadable" */
  snapshot(query: SnapshotQuery): Promise<Snapshot>;
}

/** Roles and bindings, for those who authorize by them. */
export interface PolicyReader {
  /**
   * All live ones, or with `since` (the revision of an earlier answer) those that changed and those that are gone, where the log still
   * knows. @throws StorageError "unavailable"
   */
  policy(query?: { since: number }): Promise<PolicyState>;
  /** That revision alone. @throws StorageError "unavailable" */
  policyRevision(): Promise<number>;
}

export interface PolicyState {
  /** Of the last change to any of them, or later: of the state that this is. */
  revision: number;
  objects: StoredObject[];
  /** Absent: `objects` is all there is. */
  removed?: ObjectKey[];
}

/** What must hold in the same transaction as the write, beside the compare-and-swap itself. */
export type WriteCondition =
  | { kind: "namespace-active"; name: string }
  /** No live object has this key. */
  | ({ kind: "absent" } & ObjectKey)
  /** No live object of the resource other than the written one has this value in `fields`: one of those in lookup-sql.ts. */
  | { kind: "field-unique"; resource: string; field: string; value: string }
  /** Roles and bindings are those of this policy revision. */
  | { kind: "policy"; revision: number }
  /** The live head of this key is that revision, or the row that was stored for that write. */
  | ({ kind: "head" } & ObjectKey & ({ revision: number } | { writeId: string }))
  /** Of this resource nothing lives in the namespace but these. */
  | { kind: "only"; resource: string; namespace: string; uids: readonly string[] };

/** What a write takes of a ResourceQuota of its namespace. */
export interface QuotaCharge {
  name: string;
  uid: string;
  /** Quantities by resource; those that the quota does not limit do not count. Negative ones give back. */
  usage: Readonly<Record<string, string>>;
}

interface WriteBase extends ObjectKey {
  /** Unique per attempt. Stored with the row: after a lost answer it tells whether the write happened. */
  writeId: string;
  uid: string;
  form: string;
  labels: Readonly<Record<string, string>>;
  fields: Readonly<Record<string, string>>;
  value: string;
  /** Unix ms after which the object removes itself (Events). */
  expiresMs?: number;
  conditions?: readonly WriteCondition[];
  companions?: readonly CompanionWrite[];
  /** The hub makes conditions and companions of them (hub/quota-book.ts): storage itself knows nothing of quotas. */
  charges?: readonly QuotaCharge[];
}

/**
 * Another object that comes or goes with the written one: in the same transaction, right after it, and only if it was stored. It has no
 * outcome of its own. A create of what lives already and a removal of what does not do nothing: where that matters, the write itself
 * has "absent" as a condition. A removal asks nobody and waits for no finalizer; its DELETED shows the last state.
 */
export type CompanionWrite =
  | ({ op: "create" } & Pick<
      WriteBase,
      "resource" | "namespace" | "name" | "uid" | "form" | "labels" | "fields" | "value"
    >)
  | ({ op: "remove" } & ObjectKey)
  /** A new version of what lives; labels, fields and form stay. What it was made from has to be a condition of the write. */
  | ({ op: "update" } & ObjectKey & Pick<WriteBase, "value">);

/** A prepared write. `value` of a delete is the last state of the object, with its deletionTimestamp. */
export type PreparedWrite =
  | (WriteBase & { op: "create" })
  | (WriteBase & { op: "update" | "delete"; /** The head this write was computed from. */ expected: number });

export type WriteOutcome =
  | { ok: true; revision: number }
  /**
   * conflict: the head is another one. exists: create of a live name. missing: there is no live head. policy: who may do what has
   * changed since it was asked. moved: a head that was a condition is another one. unexpected: something lives that was not known of, or
   * does not that was.
   */
  | {
      ok: false;
      reason:
        | "conflict"
        | "exists"
        | "missing"
        | "namespace-missing"
        | "namespace-terminating"
        | "taken"
        | "policy"
        | "moved"
        | "unexpected";
    }
  /** `why`: "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2" */
  | { ok: false; reason: "quota"; why: string };

/** One row of the log, with what a watcher needs to know of the version before. */
export interface LogEntry extends StoredObject {
  type: "ADDED" | "MODIFIED" | "DELETED";
  /** Of the version before (MODIFIED, DELETED); its value only where labels or fields changed, and then its form if it is another. */
  before?: {
    labels: Readonly<Record<string, string>>;
    fields: Readonly<Record<string, string>>;
    value?: string;
    form?: string;
  };
  /** The stored value cannot be decrypted: `value` is a placeholder that nobody may be shown. */
  unreadable?: true;
}

/** Small named values of the cluster (its sealed keys): beside the log, seldom written. */
export interface Settings {
  get(key: string): Promise<string | undefined>;
  /** Stores `value` unless the key exists; returns what is stored then. So two first starts agree. */
  putIfAbsent(key: string, value: string): Promise<string>;
  /** Stores `to` if the value is still `from`; returns what is stored then. */
  replace(key: string, change: { from: string; to: string }): Promise<string>;
}

/** A part of the log, oldest first. */
export interface LogPage {
  entries: LogEntry[];
  /** Nothing up to here is missing: the last entry's revision when more follow, else the newest. */
  revision: number;
  /** More entries follow. */
  more: boolean;
  /** Entries at or before this revision may be missing: a page from before it has holes. */
  floor: number;
}

export interface StorageWriter extends StorageReader {
  /**
   * Applies all writes in order in one transaction and returns their outcomes in that order together with the log after `since`.
   * One lost write never fails the others.
   * @throws StorageError "unavailable"; then nothing was written, or `writeId` tells what was (`lookup`)
   */
  commit(
    writes: readonly PreparedWrite[],
    tail: { since: number; limit: number },
  ): Promise<{ outcomes: WriteOutcome[]; tail: LogPage }>;
  /**
   * Entries with revision > since, oldest first: at most `limit`, and no more once their values exceed `bytesMax`.
   * @throws StorageError "compacted"
   */
  changes(query: { since: number; limit: number; bytesMax?: number; resource?: string }): Promise<LogPage>;
  /** Which of these attempts were stored, by write id. Reads the whole log unless `since` says where to begin. */
  lookup(writeIds: readonly string[], query?: { since: number }): Promise<Map<string, number>>;
  /**
   * Removes rows superseded at or before `floor` and tombstones up to it, at most `limit` rows; done when fewer were removed. The
   * state at `floor` stays readable. Where there is nothing to remove, nothing is written and the floor stays.
   */
  compact(request: { floor: number; limit: number }): Promise<{ removed: number; done: boolean }>;
  /** Expired objects (Events) that the hub is to delete, oldest first. */
  expired(query: { nowMs: number; limit: number }): Promise<StoredObject[]>;
  /** When the next object expires (Unix ms); undefined where none does. */
  nextExpiry(): Promise<number | undefined>;
  /** Moves the newest revision on without a write to any object, so that what comes after can be told from what was before. */
  mark(): Promise<number>;
  /** Oldest revision that can still be read exactly or watched from. */
  floor(): Promise<number>;
  /**
   * The newest revision committed at or before this time (Unix ms). Reads the rows written since then, or, given a revision known
   * to be older, the rows between the two.
   */
  revisionAt(timeMs: number, query?: { since: number }): Promise<number>;
}
