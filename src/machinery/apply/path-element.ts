/**
 * A step of the path to a field, as FieldsV1 writes it: `f:name` a member, `k:{"name":"web"}` the item of a list with these
 * keys (sorted by name), `v:"a"` the item of a set, `i:0` an index.
 */
import { LEAF, SELF, isEmptyTree, type FieldSet, type FieldTree, type GrowingTree } from "./field-tree.ts";

/** A set of fields that cannot be read. */
export class FieldsV1Error extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FieldsV1Error";
  }
}

/** As messages show it: `.spec`, `[name="web"]`, `[="a"]`, `[0]`. */
export function elementText(element: string): string {
  const content = element.slice(2);
  if (element.startsWith("f:")) return `.${content}`;
  if (element.startsWith("k:")) {
    const keys = Object.entries(JSON.parse(content) as Record<string, unknown>);
    return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}]`;
  }
  return element.startsWith("v:") ? `[=${content}]` : `[${content}]`;
}

export function pathText(path: readonly string[]): string {
  return path.map(elementText).join("");
}

/** Brings an element into the one form it is compared in; undefined for a kind that is not known (it is dropped). */
function canonicalElement(element: string): string | undefined {
  if (element.length < 2) throw new FieldsV1Error("key must be 2 characters long:");
  if (element[1] !== ":") throw new FieldsV1Error(`missing colon: ${element}`);
  const content = element.slice(2);
  switch (element[0]) {
    case "f":
      return element;
    case "v":
      return `v:${JSON.stringify(parsed(content))}`;
    case "k": {
      const keys = parsed(content);
      if (typeof keys !== "object" || keys === null || Array.isArray(keys)) {
        throw new FieldsV1Error(`no object: ${element}`);
      }
      return `k:${JSON.stringify(Object.fromEntries(Object.entries(keys).toSorted(([a], [b]) => (a < b ? -1 : 1))))}`;
    }
    case "i":
      if (!/^[+-]?[0-9]{1,15}$/.test(content)) throw new FieldsV1Error(`invalid index: ${element}`);
      return `i:${Number(content)}`;
    default:
      return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FieldsV1Error(`invalid JSON in a path element: ${text}`);
  }
}

/** A set that a client sent, checked and in canonical form. @throws FieldsV1Error */
export function readFieldsV1(value: unknown): FieldSet {
  const tree = readNode(value);
  if (isEmptyTree(tree)) return undefined;
  const { [SELF]: _self, ...root } = tree;
  return isEmptyTree(root) ? undefined : root;
}

function readNode(value: unknown): FieldTree {
  if (value === null || value === undefined) return LEAF;
  if (typeof value !== "object" || Array.isArray(value)) throw new FieldsV1Error("a set of fields must be an object");
  const out: GrowingTree = {};
  for (const [element, below] of Object.entries(value as Record<string, unknown>)) {
    if (element === SELF) {
      out[SELF] = LEAF;
      continue;
    }
    const canonical = canonicalElement(element);
    if (canonical !== undefined) out[canonical] = readNode(below);
  }
  return Object.keys(out).length === 1 && SELF in out ? LEAF : out;
}
