/** Lays a configuration over an object. After typed/merge.go of sigs.k8s.io/structured-merge-diff. */
import { formOfValue, itemElement, memberOf, typeFor, type FieldType } from "./field-type.ts";

type Members = Readonly<Record<string, unknown>>;

/**
 * `left` with all that `right` states. Takes nothing away. Items of a list keep the order of `left`, unless `right` has its own.
 * Neither is changed; the result shares with both. Both are of `type`.
 */
export function mergeObjects(left: object, right: object, type: FieldType): Record<string, unknown> {
  return mergeMembers(left as Members, right as Members, type) ?? {};
}

function merge(left: unknown, right: unknown, declared: FieldType): unknown {
  if (right === undefined) return left;
  const type = typeFor(declared, right, left);
  if (type.form === "scalar" || type.atomic) return right;
  if (formOfValue(left) !== type.form && formOfValue(right) !== type.form) return right;
  if (declared.form === "deduced" && differ(left, right)) return right;
  if (isHollow(left) && isHollow(right)) return right;
  if (type.form === "list") return mergeItems(itemsOf(left), itemsOf(right), type);
  return mergeMembers(membersOf(left), membersOf(right), type);
}

function differ(left: unknown, right: unknown): boolean {
  return left !== undefined && left !== null && right !== null && formOfValue(left) !== formOfValue(right);
}

function isHollow(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null ? (value as Members) : {};
}

function mergeMembers(left: Members, right: Members, type: FieldType): Record<string, unknown> | undefined {
  const out: Record<string, unknown> = {};
  let empty = true;
  const add = (name: string): void => {
    const merged = merge(own(left, name), own(right, name), memberOf(type, name).type);
    if (merged === undefined) return;
    out[name] = merged;
    empty = false;
  };
  for (const name in left) add(name);
  for (const name in right) if (!Object.hasOwn(left, name)) add(name);
  return empty ? undefined : out;
}

function own(object: Members, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The items of a list with their elements, in order. */
interface Indexed {
  elements: string[];
  items: Map<string, unknown>;
}

/** Items that cannot be told apart stay as they are, unless `right` states one: it replaces them all. */
function indexed(list: readonly unknown[], type: FieldType): Indexed {
  const elements: string[] = [];
  const items = new Map<string, unknown>();
  for (const item of list) {
    const at = itemElement(type, item);
    const element = "element" in at ? at.element : "";
    items.set(element, items.has(element) ? null : item);
    elements.push(element);
  }
  return { elements, items };
}

/**
 * Both orders are walked at once. What both have waits on the left until its turn on the right has come, so that the shared
 * items come in the order of `right` and the others stay close to their neighbours.
 */
function mergeItems(left: readonly unknown[], right: readonly unknown[], type: FieldType): unknown[] | undefined {
  const l = indexed(left, type);
  const r = indexed(right, type);
  const shared = r.elements.filter((element) => l.items.has(element));
  const done = new Set<string>();
  const out: unknown[] = [];
  let [li, ri, si] = [0, 0, 0];
  const take = (element: string): void => {
    done.add(element);
    out.push(type.element ? merge(l.items.get(element), r.items.get(element), type.element) : r.items.get(element));
    ri += 1;
  };
  while (li < l.elements.length || ri < r.elements.length) {
    const here = l.elements[li];
    const there = r.elements[ri];
    if (here !== undefined && there !== undefined) {
      if (here === there) {
        take(here);
        li += 1;
        si += 1;
        continue;
      }
      if (r.items.has(here) && si < shared.length && shared[si] !== here) {
        li += 1;
        continue;
      }
    }
    if (here !== undefined) {
      if (!r.items.has(here)) {
        out.push(left[li]);
        li += 1;
        continue;
      }
      if (done.has(here)) li += 1;
    }
    if (there !== undefined) {
      take(there);
      if (shared[si] === there) si += 1;
    }
  }
  return out.length > 0 ? out : undefined;
}
