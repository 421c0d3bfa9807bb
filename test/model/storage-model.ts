/** The log as a plain list in memory, and a random run of both against each other. */
import { expect } from "vitest";
import { matchesFields, matchesLabels } from "../../src/machinery/selectors.ts";
import type {
  ListQuery,
  LogEntry,
  PreparedWrite,
  Selector,
  StorageWriter,
  StoredObject,
  WriteOutcome,
} from "../../src/storage/storage.ts";
import { withSeed, type Dice } from "../harness/seeded.ts";
import { preparedWrite } from "../harness/writes.ts";

export interface StorageModel {
  readonly revision: number;
  readonly floor: number;
  apply(write: PreparedWrite): WriteOutcome;
  head(write: { resource: string; namespace: string; name: string }): StoredObject | undefined;
  list(query: ListQuery): StoredObject[];
  entries(since: number): LogEntry[];
  compact(floor: number): number;
}

export function matches(selector: Selector | undefined, object: StoredObject): boolean {
  if (selector === undefined) return true;
  const field = (name: string) =>
    name === "metadata.name"
      ? object.name
      : name === "metadata.namespace"
        ? object.namespace
        : (object.fields[name] ?? "");
  return matchesLabels(selector.labels, object.labels) && matchesFields(selector.fields, field);
}

export function createStorageModel(start: { revision: number }): StorageModel {
  const history: LogEntry[] = [];
  let revision = start.revision;
  let floor = 0;

  function stateAt(limit: number): Map<string, LogEntry> {
    const state = new Map<string, LogEntry>();
    for (const entry of history) {
      if (entry.revision > limit) break;
      if (entry.type === "DELETED") state.delete(keyOf(entry));
      else state.set(keyOf(entry), entry);
    }
    return state;
  }

  return {
    get revision() {
      return revision;
    },
    get floor() {
      return floor;
    },
    apply(write) {
      const head = stateAt(revision).get(keyOf(write));
      if (write.op === "create" && head !== undefined) return { ok: false, reason: "exists" };
      if (write.op !== "create" && head === undefined) return { ok: false, reason: "missing" };
      if (write.op !== "create" && head?.revision !== write.expected) return { ok: false, reason: "conflict" };
      const { resource, namespace, name, uid, form, labels, fields, value } = write;
      const changed =
        head !== undefined &&
        (JSON.stringify(head.labels) !== JSON.stringify(labels) ||
          JSON.stringify(head.fields) !== JSON.stringify(fields));
      revision++;
      history.push({
        type: write.op === "create" ? "ADDED" : write.op === "delete" ? "DELETED" : "MODIFIED",
        resource,
        namespace,
        name,
        uid,
        form,
        labels,
        fields,
        value,
        revision,
        ...(head === undefined
          ? {}
          : { before: { labels: head.labels, fields: head.fields, ...(changed ? { value: head.value } : {}) } }),
      });
      return { ok: true, revision };
    },
    head(at) {
      const entry = stateAt(revision).get(keyOf(at));
      return entry === undefined ? undefined : plain(entry);
    },
    list(query) {
      return [...stateAt(query.revision ?? revision).values()]
        .filter((entry) => entry.resource === query.resource)
        .filter((entry) => query.namespace === undefined || entry.namespace === query.namespace)
        .filter((entry) => matches(query.selector, entry))
        .toSorted((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1))
        .map(plain);
    },
    entries: (since) => history.filter((entry) => entry.revision > since),
    compact(at) {
      floor = Math.max(floor, at);
      return floor;
    },
  };
}

function keyOf({ resource, namespace, name }: { resource: string; namespace: string; name: string }): string {
  return `${resource} ${namespace} ${name}`;
}

function plain({ type: _type, before: _before, ...object }: LogEntry): StoredObject {
  return object;
}

const RESOURCES = ["pods", "secrets", "deployments.apps"];
const NAMESPACES = ["alpha", "beta"];
const NAMES = ["a", "b", "c", "d", "e", "f"];
const APPS = ["web", "db", "cache"];

export function randomWrite(dice: Dice, model: StorageModel): PreparedWrite {
  const key = { resource: dice.pick(RESOURCES), namespace: dice.pick(NAMESPACES), name: dice.pick(NAMES) };
  const head = model.head(key);
  const op = head === undefined ? dice.pick(["create", "create", "create", "update", "delete"] as const) : undefined;
  const chosen = op ?? dice.pick(["update", "update", "update", "delete", "create"] as const);
  const stale = dice.chance(0.15);
  return preparedWrite({
    ...key,
    op: chosen,
    uid: head?.uid ?? `uid-${model.revision}`,
    expected: stale ? dice.roll(model.revision + 2) : (head?.revision ?? 1),
    labels: dice.chance(0.8) ? { app: dice.pick(APPS) } : {},
    fields: dice.chance(0.5) ? { "spec.nodeName": dice.pick(["n1", "n2"]) } : {},
    content: dice.roll(1_000_000),
  });
}

export function randomSelector(dice: Dice): Selector {
  const labels = [
    { key: "app", operator: "In" as const, values: [dice.pick(APPS)] },
    { key: "app", operator: "NotIn" as const, values: [dice.pick(APPS)] },
    { key: "app", operator: "Exists" as const },
    { key: "app", operator: "DoesNotExist" as const },
  ];
  const fields = [
    { field: "spec.nodeName", operator: "=" as const, value: dice.pick(["n1", "n2", ""]) },
    { field: "metadata.name", operator: "!=" as const, value: dice.pick(NAMES) },
  ];
  return {
    labels: dice.chance(0.7) ? [dice.pick(labels)] : [],
    fields: dice.chance(0.4) ? [dice.pick(fields)] : [],
  };
}

/** Groups, lists now and in the past, watch ranges and compaction, each compared with the model. */
export async function randomOperations(run: { log: StorageWriter; operations: number; seed?: number }): Promise<void> {
  await withSeed(async (dice) => {
    const model = createStorageModel({ revision: await run.log.revision() });
    for (let done = 0; done < run.operations; done++) {
      const roll = dice.roll(100);
      if (roll < 60) await commitBoth(dice, model, run.log);
      else if (roll < 85) await listBoth(dice, model, run.log);
      else if (roll < 97) await changesOfBoth(dice, model, run.log);
      else await compactBoth(dice, model, run.log);
    }
  }, run.seed);
}

async function commitBoth(dice: Dice, model: StorageModel, log: StorageWriter): Promise<void> {
  const since = model.revision;
  // Made against the state before the group, so that later writes of a group conflict with earlier ones.
  const writes = Array.from({ length: dice.roll(7) }, () => randomWrite(dice, model));
  const committed = await log.commit(writes, { since, limit: 1_000 });
  const outcomes = writes.map((write) => model.apply(write));
  // The reason of a loser is read after the group, so a later write of the group may have changed it; who won may not differ.
  expect(committed.outcomes.map((outcome) => (outcome.ok ? outcome.revision : 0))).toEqual(
    outcomes.map((outcome) => (outcome.ok ? outcome.revision : 0)),
  );
  expect(committed.tail.entries).toEqual(model.entries(since));
  expect(committed.tail.revision).toBe(model.revision);
}

async function listBoth(dice: Dice, model: StorageModel, log: StorageWriter): Promise<void> {
  const past = dice.chance(0.6);
  const revision = past ? Math.max(1, model.floor - 2 + dice.roll(model.revision - model.floor + 3)) : undefined;
  const query: ListQuery = {
    resource: dice.pick(RESOURCES),
    ...(dice.chance(0.5) ? { namespace: dice.pick(NAMESPACES) } : {}),
    ...(dice.chance(0.5) ? { selector: randomSelector(dice) } : {}),
    ...(revision === undefined ? {} : { revision }),
  };
  if (revision !== undefined && revision > model.revision) {
    await expect(log.list(query)).rejects.toMatchObject({ code: "future", current: model.revision });
    return;
  }
  if (revision !== undefined && revision < model.floor) {
    await expect(log.list(query)).rejects.toMatchObject({ code: "compacted" });
    return;
  }
  const limit = 1 + dice.roll(4);
  const found: StoredObject[] = [];
  for (let more = true; more;) {
    const last = found.at(-1);
    const page = await log.list({ ...query, limit, ...(last === undefined ? {} : { after: last }) });
    expect(page.revision).toBe(revision ?? model.revision);
    found.push(...page.objects);
    more = page.more;
  }
  expect(found).toEqual(model.list(query));
  expect((await log.list(query)).objects).toEqual(found);
}

async function changesOfBoth(dice: Dice, model: StorageModel, log: StorageWriter): Promise<void> {
  const since = dice.roll(model.revision + 2);
  const resource = dice.chance(0.5) ? dice.pick(RESOURCES) : undefined;
  const query = { since, limit: 10_000, ...(resource === undefined ? {} : { resource }) };
  if (since < model.floor) {
    await expect(log.changes(query)).rejects.toMatchObject({ code: "compacted" });
    return;
  }
  const expected = model.entries(since).filter((entry) => resource === undefined || entry.resource === resource);
  expect((await log.changes(query)).entries).toEqual(expected);
}

async function compactBoth(dice: Dice, model: StorageModel, log: StorageWriter): Promise<void> {
  const floor = model.floor + dice.roll(model.revision - model.floor + 1);
  let slices = 0;
  let removed = 0;
  for (let done = false; !done; slices++) {
    const slice = await log.compact({ floor, limit: 7 });
    removed += slice.removed;
    done = slice.done;
  }
  if (removed > 0) model.compact(floor);
  expect(slices).toBe(Math.floor(removed / 7) + 1);
  expect(await log.floor()).toBe(model.floor);
}
