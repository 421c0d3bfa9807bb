/** Which fields differ between two objects of a type. After typed/compare.go of sigs.k8s.io/structured-merge-diff. */
import { equalJson } from "../patch/json-value.ts";
import { LEAF, SELF, union, type FieldSet, type FieldTree, type GrowingTree } from "./field-tree.ts";
import { DEDUCED, formOfValue, itemElement, memberOf, typeFor, type FieldType } from "./field-type.ts";

/** No field is in more than one of the three. */
export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

type Change = keyof Comparison;

/** A comparison while it grows. */
type Growing = Record<Change, GrowingTree | undefined>;

type Members = Readonly<Record<string, unknown>>;

const NO_MEMBERS: Members = {};
const NO_ITEMS: readonly unknown[] = [];

/** What was changed to get from `left` to `right`. Both are objects of `type`; members that are undefined are absent. */
export function compareObjects(left: object, right: object, type: FieldType): Comparison {
  const found: Growing = { added: undefined, modified: undefined, removed: undefined };
  compareMembers(found, type, left as Members, right as Members);
  return found;
}

/** Everything that differs: added, modified or removed. */
export function changedFields({ added, modified, removed }: Comparison): FieldSet {
  return union(union(modified, added), removed);
}

export function isSame({ added, modified, removed }: Comparison): boolean {
  return !added && !modified && !removed;
}

function mark(into: Growing, change: Change, element: string, below: FieldTree): void {
  (into[change] ??= {})[element] = below;
}

function compareMembers(into: Growing, type: FieldType, left: Members, right: Members): void {
  for (const name in left) {
    const before = left[name];
    const after = own(right, name);
    if (before === undefined || (before === after && typeof before !== "object")) continue;
    const member = memberOf(type, name);
    compareField(into, member.element, member.type, before, after);
  }
  for (const name in right) {
    const after = right[name];
    if (after === undefined || own(left, name) !== undefined) continue;
    const member = memberOf(type, name);
    compareField(into, member.element, member.type, undefined, after);
  }
}

/** Names are data, too: "constructor" is no member of an empty map. */
function own(object: Members, name: string): unknown {
  const value = object[name];
  return value === undefined || Object.hasOwn(object, name) ? value : undefined;
}

function compareField(into: Growing, element: string, declared: FieldType, left: unknown, right: unknown): void {
  const type = typeFor(declared, right, left);
  if (declared.form === "deduced" && left !== undefined && left !== null && right !== undefined && right !== null) {
    if (formOfValue(left) !== formOfValue(right)) return compareForms(into, element, { left, right });
  }
  if (type.form === "scalar" || type.atomic || (isHollow(left) && isHollow(right))) {
    return compareLeaf(into, element, left, right);
  }
  const below: Growing = {
    added: left === undefined ? { [SELF]: LEAF } : undefined,
    modified: undefined,
    removed: right === undefined ? { [SELF]: LEAF } : undefined,
  };
  if (type.form === "list") compareItems(below, type, itemsOf(left), itemsOf(right));
  else compareMembers(below, type, membersOf(left), membersOf(right));
  settle(into, element, below);
}

function settle(into: Growing, element: string, below: Growing): void {
  if (below.added) mark(into, "added", element, isOnlySelf(below.added) ? LEAF : below.added);
  if (below.modified) mark(into, "modified", element, below.modified);
  if (below.removed) mark(into, "removed", element, isOnlySelf(below.removed) ? LEAF : below.removed);
}

function isOnlySelf(tree: FieldTree): boolean {
  if (!(SELF in tree)) return false;
  for (const element in tree) if (element !== SELF) return false;
  return true;
}

function compareLeaf(into: Growing, element: string, left: unknown, right: unknown): void {
  if (left === undefined) mark(into, "added", element, LEAF);
  else if (right === undefined) mark(into, "removed", element, LEAF);
  else if (!equalJson(left, right)) mark(into, "modified", element, LEAF);
}

/** A value without a type that became of another form: what was below it goes, what is below it now comes. */
function compareForms(into: Growing, element: string, { left, right }: { left: unknown; right: unknown }): void {
  const below: Growing = { added: undefined, modified: undefined, removed: undefined };
  if (formOfValue(left) === "map") compareMembers(below, typeFor(DEDUCED, left), left as Members, NO_MEMBERS);
  if (formOfValue(right) === "map") {
    compareMembers(below, typeFor(DEDUCED, right), NO_MEMBERS, right as Members);
  }
  settle(into, element, below);
  mark(into, "modified", element, LEAF);
}

/** Absent, null or empty. */
function isHollow(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== "object") return false;
  for (const _ in value) return false;
  return true;
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : NO_ITEMS;
}

function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : NO_MEMBERS;
}

/** Items by their element; those that cannot be told apart share one. */
function byElement(type: FieldType, items: readonly unknown[]): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>();
  for (const item of items) {
    const at = itemElement(type, item);
    if ("fault" in at) continue;
    const same = found.get(at.element);
    if (same) same.push(item);
    else found.set(at.element, [item]);
  }
  return found;
}

function compareItems(into: Growing, type: FieldType, left: readonly unknown[], right: readonly unknown[]): void {
  const before = byElement(type, left);
  const after = byElement(type, right);
  for (const [element, items] of before) compareItem(into, element, type, { before: items, after: after.get(element) });
  for (const [element, items] of after) {
    if (!before.has(element)) compareItem(into, element, type, { before: undefined, after: items });
  }
}

function compareItem(
  into: Growing,
  element: string,
  { element: itemType }: FieldType,
  { before = [], after = [] }: { before: readonly unknown[] | undefined; after: readonly unknown[] | undefined },
): void {
  if (!itemType) return;
  if (before.length <= 1 && after.length <= 1) {
    return compareField(into, element, itemType, before[0], after[0]);
  }
  // Items that cannot be told apart are owned together, as a whole.
  if (before.length > 1 && after.length > 1) {
    if (!equalJson(before, after)) mark(into, "modified", element, LEAF);
    return;
  }
  if (before.length > 1) {
    if (after.length === 1) compareField(into, element, itemType, undefined, after[0]);
    mark(into, "removed", element, LEAF);
    return;
  }
  if (before.length === 1) compareField(into, element, itemType, before[0], undefined);
  mark(into, "added", element, LEAF);
}
