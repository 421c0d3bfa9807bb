/**
 * Server-side apply: merges what a manager wants into an object, takes out what it no longer wants and nobody else owns, and
 * finds what others own and would be changed. After Updater.Apply of sigs.k8s.io/structured-merge-diff.
 */
import { equalJson } from "../patch/json-value.ts";
import { union, difference, fieldPaths, intersection, type FieldSet } from "./field-tree.ts";
import type { FieldType } from "./field-type.ts";
import { fieldsOf } from "./fields-of.ts";
import { managerKey, type Manager, type ManagerName } from "./managers.ts";
import { mergeObjects } from "./merge-objects.ts";
import { reconciledManagers } from "./reconcile-fields.ts";
import { removeFields, withDeclaredMembers } from "./remove-fields.ts";
import { changesByVersion, without, type OwnableFields } from "./track-update.ts";
import type { Versions } from "./versions.ts";

export interface Application {
  /** Complete, but for managedFields. */
  live: object;
  /** What the manager wants, without managedFields. It has passed the check against its type. */
  config: object;
  managers: readonly Manager[];
  by: ManagerName;
  /** Takes what others own. */
  force: boolean;
  /** RFC 3339 */
  time: string;
  versions: Versions;
  ownable: OwnableFields;
  /** Leaves out of an object what no manager owns. */
  ownedParts(object: object): object;
}

export interface Conflict {
  with: ManagerName;
  path: string[];
}

export type Applied = { conflicts: Conflict[] } | { object: object; managers: Manager[]; changed: boolean };

/** Changes nothing that it is given; the new object shares with both. */
export function applyConfiguration(application: Application): Applied {
  const { live, config, by, force, time, versions, ownable } = application;
  const managers = reconciledManagers(application.managers, versions);
  const type = versions.typeOf(versions.apiVersion);
  if (!type) throw new Error(`there is no type for ${versions.apiVersion}`);
  const key = managerKey(by);
  const last = managers.find((manager) => managerKey(manager) === key);
  const fields = ownable(fieldsOf(application.ownedParts(config), type));
  const others = managers.filter((manager) => manager !== last);
  const own: Manager[] = fields ? [{ ...by, fields }] : [];

  const merged = mergeObjects(live, config, type);
  const next = last ? pruned({ merged, last, owners: [...others, ...wantedBy(application, type)], versions }) : merged;

  const changeIn = changesByVersion({
    live: application.ownedParts(live),
    next: application.ownedParts(next),
    versions,
    ownable,
  });
  const conflicts = others.flatMap((other) => {
    const change = changeIn(other.apiVersion);
    const taken = change && intersection(other.fields, union(change.modified, change.added));
    return fieldPaths(taken).map((path) => ({ with: other, path }));
  });
  if (conflicts.length > 0 && !force) return { conflicts };

  const left = others.flatMap((other) => {
    const change = changeIn(other.apiVersion);
    return change ? without(other, union(union(change.modified, change.added), change.removed)) : [];
  });
  const changed = !equalJson(live, next);
  const kept = !changed && last !== undefined && equalJson(last.fields, fields) && last.apiVersion === by.apiVersion;
  const entry = own.map((manager) =>
    kept && last.time !== undefined ? { ...manager, time: last.time } : { ...manager, time },
  );
  return { object: changed ? next : live, managers: [...left, ...entry], changed };
}

/** Name and namespace are nobody's, yet they stay with what else was wanted: or metadata would go with its last label. */
function wantedBy({ config, by, ownable }: Application, type: FieldType): Manager[] {
  const fields = ownable(fieldsOf(config, type));
  return fields ? [{ ...by, fields }] : [];
}

interface Pruning {
  merged: object;
  last: Manager;
  /** All managers but the last state of the one that applies. */
  owners: readonly Manager[];
  versions: Versions;
}

/** Without what the manager applied the last time, does not apply now, and nobody owns. */
function pruned({ merged, last, owners, versions }: Pruning): object {
  const lastType = versions.typeOf(last.apiVersion) as FieldType;
  const here = versions.apiVersion;
  const inLast = converted(versions, merged, { from: here, to: last.apiVersion });
  const rest: object = removeFields(inLast, withDeclaredMembers(last.fields, lastType), lastType);
  let both = { merged: inLast, pruned: rest, version: last.apiVersion };
  for (const [apiVersion, owned] of ownedByVersion(owners, last.apiVersion)) {
    const type = versions.typeOf(apiVersion);
    if (!type) continue;
    const into = { from: both.version, to: apiVersion };
    const there = { merged: converted(versions, both.merged, into), pruned: converted(versions, both.pruned, into) };
    both = { merged: there.merged, pruned: withOwned({ ...there, owned, type }), version: apiVersion };
  }
  const back = { from: both.version, to: last.apiVersion };
  const final = withUnowned({
    merged: inLast,
    pruned: converted(versions, both.pruned, back),
    last: last.fields,
    type: lastType,
  });
  return converted(versions, final, { from: last.apiVersion, to: here });
}

function converted(versions: Versions, object: object, { from, to }: { from: string; to: string }): object {
  return from === to ? object : versions.convert(object, { from, to });
}

/** What anybody owns in each version, the given one first. */
function ownedByVersion(owners: readonly Manager[], first: string): Map<string, FieldSet> {
  const owned = new Map<string, FieldSet>([[first, undefined]]);
  for (const { apiVersion, fields } of owners) owned.set(apiVersion, union(owned.get(apiVersion), fields));
  return owned;
}

/** Puts back what was taken out although somebody owns it. */
function withOwned(parts: { merged: object; pruned: object; owned: FieldSet; type: FieldType }): object {
  const { merged, pruned: rest, owned, type } = parts;
  const all = withDeclaredMembers(fieldsOf(merged, type), type);
  const kept = union(withDeclaredMembers(fieldsOf(rest, type), type), withDeclaredMembers(owned, type));
  return removeFields(merged, difference(all, kept), type);
}

/** Puts back what went with its parent although the manager never owned it. */
function withUnowned(parts: { merged: object; pruned: object; last: FieldSet; type: FieldType }): object {
  const { merged, pruned: rest, last, type } = parts;
  const all = withDeclaredMembers(fieldsOf(merged, type), type);
  const kept = withDeclaredMembers(fieldsOf(rest, type), type);
  return removeFields(merged, intersection(difference(all, kept), withDeclaredMembers(last, type)), type);
}
