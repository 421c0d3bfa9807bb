/** Who manages what after an object was changed other than by apply. After Updater.Update of structured-merge-diff. */
import { changedFields, compareObjects, isSame, type Comparison } from "./compare.ts";
import { difference, union, type FieldSet } from "./field-tree.ts";
import { cappedManagers, managerKey, type Manager, type ManagerName } from "./managers.ts";
import { reconciledManagers } from "./reconcile-fields.ts";
import type { Versions } from "./versions.ts";

/** Leaves in a set only what a write may own: one of the status owns nothing else, and no other one owns of the status. */
export type OwnableFields = (set: FieldSet) => FieldSet;

export interface ObjectChange {
  /** Without what no manager owns: kind, apiVersion, name, uid, managedFields … */
  live: object;
  next: object;
  versions: Versions;
  ownable: OwnableFields;
}

export interface TrackedUpdate extends ObjectChange {
  managers: readonly Manager[];
  by: ManagerName;
  /** RFC 3339 */
  time: string;
}

/** The managers after the update: the very list that came in when nothing changed. */
export function trackUpdate(update: TrackedUpdate): readonly Manager[] {
  const { managers, by, time, versions } = update;
  const changeIn = changesByVersion(update);
  const own = changeIn(versions.apiVersion);
  if (!own || isSame(own)) return managers;
  const others = reconciledManagers(managers, versions).flatMap((manager) => {
    const change = changeIn(manager.apiVersion);
    return change ? without(manager, changedFields(change)) : [];
  });
  const taken = union(own.added, own.modified);
  return cappedManagers(taken ? withFields(others, { ...by, time, fields: taken }) : others);
}

/** The change as each version sees it; undefined for a version that is not served. Each is worked out once. */
export function changesByVersion(change: ObjectChange): (apiVersion: string) => Comparison | undefined {
  const { live, next, versions, ownable } = change;
  const known = new Map<string, Comparison | undefined>();
  const compare = (apiVersion: string): Comparison | undefined => {
    const type = versions.typeOf(apiVersion);
    if (!type) return undefined;
    const into = { from: versions.apiVersion, to: apiVersion };
    const same = apiVersion === versions.apiVersion;
    const { added, modified, removed } = same
      ? compareObjects(live, next, type)
      : compareObjects(versions.convert(live, into), versions.convert(next, into), type);
    return { added: ownable(added), modified: ownable(modified), removed: ownable(removed) };
  };
  return (apiVersion) => {
    if (!known.has(apiVersion)) known.set(apiVersion, compare(apiVersion));
    return known.get(apiVersion);
  };
}

/** None when nothing is left of it. */
export function without(manager: Manager, fields: FieldSet): Manager[] {
  const left = difference(manager.fields, fields);
  if (left === manager.fields) return [manager];
  return left ? [{ ...manager, fields: left }] : [];
}

/** What a manager gained goes to what it has. */
function withFields(managers: readonly Manager[], gained: Manager): Manager[] {
  const key = managerKey(gained);
  const before = managers.find((manager) => managerKey(manager) === key);
  const fields = union(gained.fields, before?.fields) ?? gained.fields;
  return [...managers.filter((manager) => manager !== before), { ...gained, fields }];
}
