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
  if (left === undefined) return mark(into, "added", element, everythingIn(right, declared));
  if (right === undefined) return mark(into, "removed", element, everythingIn(left, declared));
  const type = typeFor(declared, right, left);
  if (declared.form === "deduced" && left !== null && right !== null && formOfValue(left) !== formOfValue(right)) {
    return compareForms(into, element, { left, right });
  }
  if (type.form === "scalar" || type.atomic || (isHollow(left) && isHollow(right))) {
    if (!equalJson(left, right)) mark(into, "modified", element, LEAF);
    return;
  }
  const below: Growing = { added: undefined, modified: undefined, removed: undefined };
  if (type.form === "list") compareItems(below, type, itemsOf(left), itemsOf(right));
  else compareMembers(below, type, membersOf(left), membersOf(right));
  settle(into, element, below);
}

/** A value that is on one side only: all that it holds, itself included. */
function everythingIn(value: unknown, declared: FieldType): FieldTree {
  const type = typeFor(declared, value);
  if (type.form === "scalar" || type.atomic) return LEAF;
  const out: GrowingTree = { [SELF]: LEAF };
  if (type.form === "list") {
    if (isHollow(value)) return LEAF;
    for (const item of itemsOf(value)) {
      const at = itemElement(type, item);
      if ("fault" in at || !type.element) continue;
      // Items that cannot be told apart are owned together, as a whole.
      out[at.element] = Object.hasOwn(out, at.element) ? LEAF : everythingIn(item, type.element);
    }
    return out;
  }
  const members = membersOf(value);
  // To ask a large map whether it is empty costs as much as to go through it.
  let hollow = true;
  for (const name in members) {
    hollow = false;
    const member = memberOf(type, name);
    const content = members[name];
    if (content === undefined) continue;
    out[member.element] = member.type.form === "scalar" ? LEAF : everythingIn(content, member.type);
  }
  return hollow ? LEAF : out;
}

function settle(into: Growing, element: string, below: Growing): void {
  if (below.added) mark(into, "added", element, below.added);
  if (below.modified) mark(into, "modified", element, below.modified);
  if (below.removed) mark(into, "removed", element, below.removed);
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

function compareItems(into: Growing, type: FieldType, left: readonly unknown[], right: readonly unknown[]): void {
  const { element: itemType } = type;
  // Most lists stay as they are: to see that is cheaper than to find the items by their keys.
  if (!itemType || equalJson(left, right)) return;
  const before = byElement(type, left);
  const after = byElement(type, right);
  for (const [element, items] of before)
    compareItem(into, element, itemType, { before: items, after: after.get(element) });
  for (const [element, items] of after) {
    if (!before.has(element)) compareItem(into, element, itemType, { before: undefined, after: items });
  }
}

/** Items that cannot be told apart share an element. */
class Same {
  readonly items: unknown[];
  constructor(items: unknown[]) {
    this.items = items;
  }
}

/** What is at each element: an item, or Same. */
function byElement(type: FieldType, items: readonly unknown[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const item of items) {
    const at = itemElement(type, item);
    if ("fault" in at) continue;
    const known = found.get(at.element);
    if (known === undefined) found.set(at.element, item);
    else if (known instanceof Same) known.items.push(item);
    else found.set(at.element, new Same([known, item]));
  }
  return found;
}

/** Items that cannot be told apart are owned together, as a whole. */
function compareItem(
  into: Growing,
  element: string,
  type: FieldType,
  { before, after }: { before: unknown; after: unknown },
): void {
  if (before instanceof Same && after instanceof Same) {
    if (!equalJson(before.items, after.items)) mark(into, "modified", element, LEAF);
  } else if (before instanceof Same) {
    if (after !== undefined) compareField(into, element, type, undefined, after);
    mark(into, "removed", element, LEAF);
  } else if (after instanceof Same) {
    if (before !== undefined) compareField(into, element, type, before, undefined);
    mark(into, "added", element, LEAF);
  } else {
    compareField(into, element, type, before, after);
  }
}
