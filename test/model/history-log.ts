/** What has really happened, read from the log past everything that is tested: states at revisions, and lives of objects. */
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { LogEntry, StorageWriter } from "../../src/storage/storage.ts";

export interface Change {
  type: LogEntry["type"];
  /** "configmaps default/a" */
  key: string;
  resource: string;
  namespace: string;
  name: string;
  revision: number;
  uid: string;
  /** As a client sees it, without kind and apiVersion. */
  object: KubeObject;
  /** The change of the same object before this one; undefined for its first. */
  before: Change | undefined;
}

export interface History {
  /** In order. */
  changes: readonly Change[];
  /** The objects of a resource that are there at a revision. */
  stateAt(resource: string, revision: number): Change[];
  /** The states of one object from `from` on until `to`, the one at `from` first; undefined where there is none. */
  statesWithin(key: string, within: { from: number; to: number }): (Change | undefined)[];
}

/** `resources` by their storage names. Everything after `since`. */
export async function readHistory(
  storage: StorageWriter,
  { since, resources }: { since: number; resources: readonly string[] },
): Promise<History> {
  const entries: LogEntry[] = [];
  for (let position = since, more = true; more;) {
    const page = await storage.changes({ since: position, limit: 500 });
    entries.push(...page.entries);
    position = page.revision;
    more = page.more;
  }
  const heads = new Map<string, Change>();
  const changes = entries
    .filter(({ resource }) => resources.includes(resource))
    .map((entry) => {
      const change = changeOf(entry, heads.get(keyOf(entry)));
      heads.set(change.key, change);
      return change;
    });
  return { changes, ...lookups(changes) };
}

function changeOf(entry: LogEntry, last: Change | undefined): Change {
  const { type, resource, namespace, name, revision, uid } = entry;
  const object = JSON.parse(entry.value) as KubeObject;
  object.metadata.resourceVersion = String(revision);
  const before = last?.type === "DELETED" ? undefined : last;
  return { type, key: keyOf(entry), resource, namespace, name, revision, uid, object, before };
}

function lookups(changes: readonly Change[]): Pick<History, "stateAt" | "statesWithin"> {
  const byKey = Map.groupBy(changes, ({ key }) => key);
  return {
    stateAt(resource, revision) {
      const state = new Map<string, Change>();
      for (const change of changes) {
        if (change.revision > revision) break;
        if (change.resource !== resource) continue;
        if (change.type === "DELETED") state.delete(change.key);
        else state.set(change.key, change);
      }
      return [...state.values()];
    },
    statesWithin(key, { from, to }) {
      const own = byKey.get(key) ?? [];
      const states = own.filter(({ revision }) => revision > from && revision <= to);
      const first = own.findLast(({ revision }) => revision <= from);
      return [first, ...states].map((change) => (change?.type === "DELETED" ? undefined : change));
    },
  };
}

export function keyOf({ resource, namespace, name }: { resource: string; namespace: string; name: string }): string {
  return `${resource} ${namespace}/${name}`;
}

/** The same text for equal JSON, whatever the order of its fields; kind and apiVersion aside. */
export function fingerprint({ kind: _kind, apiVersion: _apiVersion, ...object }: Record<string, unknown>): string {
  return JSON.stringify(object, (_key, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
