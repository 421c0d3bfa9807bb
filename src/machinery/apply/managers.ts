/** Who manages which fields of an object: the entries of metadata.managedFields as sets. */
import type { ManagedFieldsEntry } from "../meta.ts";
import { union, type FieldSet, type FieldTree } from "./field-tree.ts";
import { FieldsV1Error, readFieldsV1 } from "./path-element.ts";

export interface Manager {
  manager: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  /** "" for the object itself. */
  subresource: string;
  /** RFC 3339; absent where it is not known. */
  time?: string;
  fields: FieldTree;
}

export type ManagerName = Omit<Manager, "time" | "fields">;

/** Entries that are the same manager have the same key. One that applies is the same in every version. */
export function managerKey({ manager, operation, apiVersion, subresource }: ManagerName): string {
  return JSON.stringify([manager, operation, operation === "Apply" ? "" : apiVersion, subresource]);
}

/** What is stored is taken as it is. Entries without fields are left out. */
export function storedManagers(entries: readonly ManagedFieldsEntry[] | undefined): Manager[] {
  return (entries ?? []).flatMap((entry) => managerOf(entry, entry.fieldsV1 as FieldSet));
}

function managerOf(entry: ManagedFieldsEntry, fields: FieldSet): Manager[] {
  if (!fields) return [];
  const { manager = "", operation = "Update", apiVersion = "", subresource = "", time } = entry;
  return [{ manager, operation, apiVersion, subresource, ...(time === undefined ? {} : { time }), fields }];
}

/** What a client sent, checked and brought into canonical form. @throws FieldsV1Error */
export function sentManagers(entries: readonly ManagedFieldsEntry[]): Manager[] {
  const managers = new Map<string, Manager>();
  entries.forEach((entry, index) => {
    const { operation, apiVersion, fieldsType } = entry;
    if (operation !== "Apply" && operation !== "Update") {
      throw new FieldsV1Error("operation must be `Apply` or `Update`");
    }
    if (!apiVersion) throw new FieldsV1Error("apiVersion must not be empty");
    if (!fieldsType) throw new FieldsV1Error(`missing fieldsType in managed fields entry ${index}`);
    if (fieldsType !== "FieldsV1") {
      throw new FieldsV1Error(`invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${index}`);
    }
    for (const manager of managerOf(entry, readFieldsV1(entry.fieldsV1))) managers.set(managerKey(manager), manager);
  });
  return [...managers.values()];
}

/** Does this list ask for all managers to be forgotten? An empty list does, and one with a single empty entry. */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (entries === undefined) return false;
  if (entries.length === 0) return true;
  return entries.length === 1 && Object.keys(entries[0] ?? {}).length === 0;
}

/** The entries as they are stored, in their order: those that apply first, each by time and name. */
export function managedFieldsOf(managers: readonly Manager[]): ManagedFieldsEntry[] {
  return managers.toSorted(inOrder).map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
    ...(manager === "" ? {} : { manager }),
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: "FieldsV1" as const,
    fieldsV1: fields,
    ...(subresource === "" ? {} : { subresource }),
  }));
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Times are compared as text: they are all in UTC seconds. */
function inOrder(a: Manager, b: Manager): number {
  return (
    byText(a.operation, b.operation) ||
    byText(a.time ?? "", b.time ?? "") ||
    byText(a.manager, b.manager) ||
    byText(a.apiVersion, b.apiVersion) ||
    byText(a.subresource, b.subresource)
  );
}

/** Managers by update that an object keeps apart at most: capmanagers.go of k8s.io/apimachinery. */
export const UPDATERS_MAX = 10;

const ANCIENT = "ancient-changes";

/** Merges the oldest managers by update, version by version, until there are no more than UPDATERS_MAX of them. */
export function cappedManagers(managers: readonly Manager[]): Manager[] {
  const updaters = managers.filter(({ operation }) => operation === "Update");
  let count = updaters.length;
  if (count <= UPDATERS_MAX) return [...managers];
  const kept = new Map(managers.map((manager) => [managerKey(manager), manager]));
  const firsts = new Map<string, string>();
  const oldestFirst = updaters.toSorted(
    (a, b) => byText(a.time ?? "", b.time ?? "") || byText(managerKey(a), managerKey(b)),
  );
  for (const updater of oldestFirst) {
    if (count <= UPDATERS_MAX) break;
    const { apiVersion } = updater;
    const key = managerKey(updater);
    const first = firsts.get(apiVersion);
    if (first === undefined) {
      firsts.set(apiVersion, key);
      continue;
    }
    const name: ManagerName = { manager: ANCIENT, operation: "Update", apiVersion, subresource: "" };
    const bucketKey = managerKey(name);
    const into = kept.get(bucketKey) ?? kept.get(first);
    kept.delete(first);
    kept.delete(key);
    count -= 1;
    const fields = union(updater.fields, into?.fields) ?? updater.fields;
    kept.set(bucketKey, { ...name, ...(updater.time === undefined ? {} : { time: updater.time }), fields });
  }
  return [...kept.values()];
}
