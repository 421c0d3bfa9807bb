/** Whether what clients were told is what has happened. Revisions are the witnesses: each answer must fit one of the states it may show. */
import { expect } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { fingerprint, type Change, type History } from "./history-log.ts";
import type { SeenEvents, SeenList, View } from "./history-observers.ts";
import { writerOf, type Operation } from "./history-operations.ts";

export function isOutcomeUnknown({ status }: Operation): boolean {
  return status >= 500;
}

/** Every answer is that of one moment between request and answer, and every change is somebody's. */
export function checkOperations(history: History, operations: readonly Operation[]): void {
  for (const operation of operations) {
    if (isOutcomeUnknown(operation)) continue;
    const wrong = wrongAnswer(history, operation);
    if (wrong !== undefined) throw new Error(`${wrong}: ${JSON.stringify(operation)}`);
  }
  checkEachRevisionIsOnce(history, operations);
  checkEachChangeIsSomebodys(history, operations);
}

/** What is wrong with an answer, or undefined. */
function wrongAnswer(history: History, operation: Operation): string | undefined {
  const { verb, status, reason, key, from, to, body } = operation;
  const states = history.statesWithin(key, { from, to });
  if (status === 404) return states.includes(undefined) ? undefined : "not found, but it was there all the time";
  if (status === 409 && reason === "AlreadyExists") {
    return states.some((state) => state !== undefined) ? undefined : "already exists, but it never did";
  }
  if (status === 409)
    return states.some((state) => conflicts(operation, state)) ? undefined : "a conflict with nothing";
  if (status >= 300) return "refused";
  if (verb === "deletecollection") return undefined;
  if (verb === "delete") return undefined;
  const shown = states.find((state) => String(state?.revision) === body.metadata.resourceVersion);
  if (shown === undefined) return "shows a state that it cannot have seen";
  if (fingerprint(shown.object) !== fingerprint(body))
    return `differs from what was stored: ${JSON.stringify(shown.object)}`;
  if (verb === "get" || verb === "noop") return undefined;
  return wrongWrite(operation, shown);
}

function conflicts({ verb, expected, uid }: Operation, state: Change | undefined): boolean {
  if (state === undefined) return true;
  // An unconditional write gives up when others are faster again and again.
  if (verb === "update" && expected === undefined) return true;
  if (verb === "patch" || verb === "status") return true;
  return (expected !== undefined && state.revision !== expected) || (uid !== undefined && state.uid !== uid);
}

function wrongWrite({ id, verb, from, expected }: Operation, change: Change): string | undefined {
  if (change.revision <= from) return "was stored before it was asked for";
  if (verb === "create" && change.type !== "ADDED") return "created what existed";
  if (verb !== "create" && change.before === undefined) return "changed what did not exist";
  if (expected !== undefined && change.before?.revision !== expected) return `overwrote ${change.before?.revision}`;
  const writer = writerOf(change.object);
  if (verb !== "status") return writer.object === id ? undefined : "is not what it wrote";
  const { replicas } = change.object["spec"] as { replicas: number };
  return writer.status === id && replicas !== 99 ? undefined : "is not the status it wrote, or more than that";
}

function checkEachRevisionIsOnce(history: History, operations: readonly Operation[]): void {
  const revisions = history.changes.map(({ revision }) => revision);
  expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
  const wrote = operations.filter(
    ({ verb, status }) => status < 300 && ["create", "update", "patch", "status"].includes(verb),
  );
  const told = wrote.map(({ body }) => body.metadata.resourceVersion);
  expect(told.length).toBe(new Set(told).size);
}

function checkEachChangeIsSomebodys(history: History, operations: readonly Operation[]): void {
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  const deletions = operations.filter(({ verb }) => verb === "delete" || verb === "deletecollection");
  const claimed = new Map<string, number>();
  for (const change of history.changes) {
    if (change.type === "DELETED") {
      if (!deletions.some((operation) => mayHaveDeleted(history, operation, change))) throw unexplained(change);
      continue;
    }
    const now = writerOf(change.object);
    const before = change.before ? writerOf(change.before.object) : { object: 0, status: 0 };
    const writer = byId.get(now.object === before.object ? now.status : now.object);
    if (writer === undefined || writer.key !== change.key || change.revision <= writer.from) throw unexplained(change);
    if (isOutcomeUnknown(writer)) expect(claimed.get(String(writer.id)) ?? change.revision).toBe(change.revision);
    else expect(writer.body.metadata.resourceVersion).toBe(String(change.revision));
    claimed.set(String(writer.id), change.revision);
  }
  checkDeletions(history, deletions);
}

function colourOf({ object }: Change): string | undefined {
  return object.metadata.labels?.["colour"];
}

function unexplained(change: Change): Error {
  return new Error(`nobody can have made this change: ${JSON.stringify({ ...change, before: change.before?.object })}`);
}

function mayHaveDeleted(history: History, operation: Operation, change: Change): boolean {
  const { status, verb, key, colour, namespace, resource, from, to, expected, uid } = operation;
  if (change.revision <= from) return false;
  if (status >= 300 && !isOutcomeUnknown(operation)) return false;
  if (!isOutcomeUnknown(operation) && change.revision > to) return false;
  if (verb === "deletecollection") {
    if (change.namespace !== namespace || change.resource !== resource) return false;
    // It deletes what it has listed, also when it no longer matches by then, as the store of k8s.io/apiserver does; but not what has
    // taken the name meanwhile.
    const states = history.statesWithin(change.key, { from, to: change.revision });
    return states.some((state) => state?.uid === change.uid && colourOf(state) === colour);
  }
  if (expected !== undefined && change.before?.revision !== expected) return false;
  return key === change.key && (uid === undefined || uid === change.uid);
}

/** One deletion, one change; and a collection leaves nothing behind that was there all the time. */
function checkDeletions(history: History, deletions: readonly Operation[]): void {
  const gone = history.changes.filter(({ type }) => type === "DELETED");
  const successes = deletions.filter(({ status }) => status < 300);
  const taken = new Set<Change>();
  for (const operation of successes.filter(({ verb }) => verb === "delete")) {
    const { details } = operation.body as unknown as { details?: { uid: string } };
    const uid = details?.uid ?? operation.body.metadata?.uid;
    const change = gone.find((one) => one.uid === uid && !taken.has(one) && mayHaveDeleted(history, operation, one));
    if (change === undefined) throw new Error(`a deletion that deleted nothing: ${JSON.stringify(operation)}`);
    taken.add(change);
  }
  for (const { namespace, resource, colour, from, to, id } of successes.filter(
    ({ verb }) => verb === "deletecollection",
  )) {
    for (const { key, uid, object } of history.stateAt(resource, from)) {
      if (object.metadata.namespace !== namespace) continue;
      const states = history.statesWithin(key, { from, to });
      const stayed = states.every((state) => state?.uid === uid && colourOf(state) === colour);
      if (stayed) throw new Error(`deletecollection ${id} has left ${key}`);
    }
  }
}

function shows({ namespace, colour, name }: View, change: Change | undefined): boolean {
  if (change === undefined) return false;
  return (
    change.namespace === namespace &&
    (colour === undefined || colourOf(change) === colour) &&
    (name === undefined || change.name === name)
  );
}

export function checkList(history: History, { view, revision, items, within }: SeenList): void {
  if (within !== undefined && (revision < within.from || revision > within.to)) {
    throw new Error(`a list of ${revision} was asked for between ${within.from} and ${within.to}`);
  }
  const expected = history
    .stateAt(view.resource, revision)
    .filter((change) => shows(view, change))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  expect(items.map((item) => fingerprint(item))).toEqual(expected.map(({ object }) => fingerprint(object)));
}

/** From its start up to its position the watcher saw every change that concerns its view, once, in order, and nothing else. */
export function checkEvents(history: History, { view, start, events, position }: SeenEvents): void {
  const expected = history.changes
    .filter(({ resource, revision }) => resource === view.resource && revision > start && revision <= position)
    .flatMap((change) => eventOf(view, change));
  expect(events.map(({ type, object }) => `${type} ${fingerprint(object)}`)).toEqual(expected);
}

function eventOf(view: View, change: Change): string[] {
  const { type, before, object, revision } = change;
  const didShow = shows(view, before);
  const doesShow = type !== "DELETED" && shows(view, change);
  if (doesShow) return [`${didShow ? "MODIFIED" : "ADDED"} ${fingerprint(object)}`];
  if (!didShow) return [];
  // An object that no longer matches goes as it was last seen, at the revision of its going.
  return [`DELETED ${fingerprint(type === "DELETED" ? object : atRevision(before?.object, revision))}`];
}

function atRevision(object: KubeObject | undefined, revision: number): KubeObject {
  if (object === undefined) throw new Error("what was shown has no state");
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}
