/**
 * JSON Patch (RFC 6902), as Kubernetes' API server understands it (gopkg.in/evanphx/json-patch.v4): negative indices count from the
 * end of a list; a missing member reads as null in `test` and `copy`, and `replace` makes it; a missing value is null. All operations
 * apply or none does.
 */
import { StatusError, badRequest } from "../status-error.ts";
import { copyJson, equalJson, goTypeOf, isObject, member, setMember } from "./json-value.ts";
import { rejected } from "./rejected.ts";

export const JSON_PATCH_OPERATIONS_MAX = 10_000;

/** Repeated copies would otherwise double an object with each operation. Measured as JSON text, over all operations. */
const COPIED_CHARACTERS_MAX = 1.5 * 1024 * 1024;

/** Items of lists that make room or close up, over all operations: ten thousand at the front of a long list would move them for seconds. */
const SHIFTED_ITEMS_MAX = 20_000_000;

/** No object is deeper. */
const POINTER_TOKENS_MAX = 1_000;

interface Operation {
  op: string;
  path: string | undefined;
  from: string | undefined;
  /** Null where the operation has none. */
  value: unknown;
}

/** @throws StatusError BadRequest, RequestEntityTooLarge, Invalid */
export function applyJsonPatch(original: unknown, patch: unknown): unknown {
  const operations = parseOperations(patch);
  const document = new PatchedDocument(copyJson(original));
  for (const operation of operations) document.apply(operation);
  return document.root;
}

function parseOperations(patch: unknown): Operation[] {
  if (patch === null) return [];
  if (!Array.isArray(patch)) {
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${goTypeOf(patch)} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  if (patch.length > JSON_PATCH_OPERATIONS_MAX) {
    throw new StatusError(
      "RequestEntityTooLarge",
      `Request entity too large: The allowed maximum operations in a JSON patch is ${JSON_PATCH_OPERATIONS_MAX}, got ${patch.length}`,
    );
  }
  return patch.map((item: unknown) => {
    if (!isObject(item)) {
      throw badRequest(
        `error decoding patch: json: cannot unmarshal ${goTypeOf(item)} into Go value of type handlers.jsonPatchOp`,
      );
    }
    const text = (field: "op" | "path" | "from"): string | undefined => {
      const value = member(item, field);
      if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
      throw badRequest(
        `error decoding patch: json: cannot unmarshal ${goTypeOf(value)} into Go struct field jsonPatchOp.${field} of type string`,
      );
    };
    return { op: text("op") ?? "", path: text("path"), from: text("from"), value: member(item, "value") ?? null };
  });
}

class PatchedDocument {
  root: unknown;
  private copiedCharacters = 0;
  private shiftedItems = 0;

  constructor(root: unknown) {
    this.root = root;
  }

  apply(operation: Operation): void {
    const path = pointer(operation.path, "path");
    switch (operation.op) {
      case "add":
        return this.add(path, copyJson(operation.value));
      case "remove":
        return void this.remove(path);
      case "replace":
        return this.replace(path, copyJson(operation.value));
      case "move": {
        const from = pointer(operation.from, "from");
        return this.add(path, this.remove(from));
      }
      case "copy":
        return this.add(path, this.copied(pointer(operation.from, "from")));
      case "test":
        return this.test(path, operation.value);
      default:
        throw rejected(`unexpected kind of operation: ${operation.op}`);
    }
  }

  private add(path: readonly string[], value: unknown): void {
    const key = path.at(-1);
    if (key === undefined) throw rejected("nothing can be added where the document is");
    const parent = this.parentOf(path);
    if (!Array.isArray(parent)) return setMember(parent, key, value);
    const index = key === "-" ? parent.length : indexIn(key, parent.length + 1);
    this.shift(parent.length - index);
    parent.splice(index, 0, value);
  }

  private shift(items: number): void {
    this.shiftedItems += items;
    if (this.shiftedItems > SHIFTED_ITEMS_MAX) throw rejected("the operations move too much");
  }

  private remove(path: readonly string[]): unknown {
    const key = path.at(-1);
    if (key === undefined) throw rejected("the whole document cannot be removed");
    const parent = this.parentOf(path);
    if (Array.isArray(parent)) {
      const index = indexIn(key, parent.length);
      this.shift(parent.length - index);
      return parent.splice(index, 1)[0];
    }
    const value = member(parent, key);
    if (value === undefined) throw rejected(`there is nothing to remove at ${JSON.stringify(path)}`);
    delete parent[key];
    return value;
  }

  private replace(path: readonly string[], value: unknown): void {
    const key = path.at(-1);
    if (key === undefined) {
      if (!isObject(value) && !Array.isArray(value)) throw rejected("a document is a map or a list");
      this.root = value;
      return;
    }
    const parent = this.parentOf(path);
    if (Array.isArray(parent)) parent[indexIn(key, parent.length)] = value;
    else setMember(parent, key, value);
  }

  private test(path: readonly string[], expected: unknown): void {
    const key = path.at(-1);
    const parent = key === undefined ? undefined : this.parentOf(path);
    const actual = key === undefined ? this.root : step(parent, key);
    if (!equalJson(actual ?? null, expected)) {
      throw rejected(`testing value at ${JSON.stringify(path)} failed`);
    }
  }

  private copied(from: readonly string[]): unknown {
    const key = from.at(-1);
    if (key === undefined) throw rejected("the whole document cannot be copied into itself");
    const source = step(this.parentOf(from), key) ?? null;
    this.copiedCharacters += JSON.stringify(source).length;
    if (this.copiedCharacters > COPIED_CHARACTERS_MAX) throw rejected("the operations copy too much");
    return copyJson(source);
  }

  private at(path: readonly string[]): unknown {
    let current: unknown = this.root;
    for (const key of path) {
      current = step(current, key);
      if (current === undefined) throw rejected(`there is nothing at ${JSON.stringify(path)}`);
    }
    return current;
  }

  private parentOf(path: readonly string[]): Record<string, unknown> | unknown[] {
    const parent = this.at(path.slice(0, -1));
    if (Array.isArray(parent) || isObject(parent)) return parent;
    throw rejected(`there is no map and no list around ${JSON.stringify(path)}`);
  }
}

/** The unescaped tokens of a JSON pointer (RFC 6901). */
function pointer(text: string | undefined, field: string): string[] {
  if (text === undefined) throw rejected(`the operation has no ${field}`);
  if (text === "") return [];
  const [first, ...tokens] = text.split("/", POINTER_TOKENS_MAX + 2);
  if (tokens.length > POINTER_TOKENS_MAX) throw rejected(`${field} is too long`);
  if (first !== "") throw rejected(`${field} ${JSON.stringify(text)} does not begin with a slash`);
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The member or item, undefined where a map has no such member. @throws StatusError "Invalid" for an index out of range */
function step(container: unknown, key: string): unknown {
  if (Array.isArray(container)) return container[indexIn(key, container.length)];
  return isObject(container) ? member(container, key) : undefined;
}

/** An index below `length`. @throws StatusError "Invalid" */
function indexIn(key: string, length: number): number {
  if (!/^-?[0-9]{1,9}$/.test(key)) throw rejected(`${JSON.stringify(key)} is no index`);
  const index = Number(key) < 0 ? Number(key) + length : Number(key);
  if (index < 0 || index >= length) throw rejected(`the index ${key} is out of range`);
  return index;
}
