/**
 * Strategic merge patch: a merge patch that knows from the type which lists are merged, and by which key. Behaves like
 * k8s.io/apimachinery/pkg/util/strategicpatch (go-patches.test.ts holds it against that). Three things are more forgiving: directives
 * inside of newly added values are dropped instead of stored, `$patch: merge` on a map says what happens anyway, and what makes
 * Kubernetes answer with an internal error is a 400 with the same text.
 */
import { goValue } from "../go-text.ts";
import type { SchemaNode } from "../schema.ts";
import { StatusError, badRequest } from "../status-error.ts";
import { arranged, checkOrder, DIRECTIVE, hasDirective, identityBy, positions } from "./element-order.ts";
import { isObject, member, setMember, type JsonObject } from "./json-value.ts";
import { notAnObject } from "./merge-patch.ts";
import { rejected } from "./rejected.ts";

const DOLLAR = 0x24;
const RETAIN_KEYS = "$retainKeys";
const DELETE_FROM = "$deleteFromPrimitiveList";
const ELEMENT_ORDER = "$setElementOrder";

/**
 * Without a schema maps are merged and lists replaced. Mutates nothing; see applyPatch for what the result shares.
 * @throws StatusError BadRequest, Invalid
 */
export function applyStrategicMergePatch(original: unknown, patch: unknown, schema: SchemaNode | undefined): unknown {
  if (patch === null) return original;
  if (!isObject(patch)) throw notAnObject(patch);
  return mergeMaps(isObject(original) ? original : {}, patch, schema);
}

function mergeMaps(original: JsonObject, patch: JsonObject, schema: SchemaNode | undefined): JsonObject {
  const directive = member(patch, DIRECTIVE);
  if (directive === "replace") return takenMembers(patch);
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge") throw unknownDirective(directive, patch);

  const result = retained(original, patch);
  // Few of what may be thousands of members are directives.
  const keys = Object.keys(patch);
  const directives = keys.filter((key) => key.charCodeAt(0) === DOLLAR && isMapDirective(key));
  const done = mergeOrderedLists(result, patch, { directives, schema });
  for (const key of directives) done.add(key);
  for (const key of keys) {
    if (!done.has(key)) mergeMember(result, key, { value: patch[key], schema: memberSchema(schema, key) });
    else if (key.startsWith(DELETE_FROM)) deleteFromList(result, patch, key);
  }
  return result;
}

function isMapDirective(key: string): boolean {
  return key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(ELEMENT_ORDER) || key.startsWith(DELETE_FROM);
}

/** A copy of the original, with the members only that `$retainKeys` names, where it does. */
function retained(original: JsonObject, patch: JsonObject): JsonObject {
  const list = member(patch, RETAIN_KEYS);
  if (list === undefined) return { ...original };
  if (!Array.isArray(list)) throw badRequest("invalid patch format of retainKeys");
  const kept = new Set<unknown>(list);
  for (const key of Object.keys(patch)) {
    const isDirective = key === RETAIN_KEYS || key.startsWith(DELETE_FROM) || key.startsWith(ELEMENT_ORDER);
    if (!isDirective && patch[key] !== null && !kept.has(key)) {
      throw badRequest("invalid patch format of retainKeys");
    }
  }
  return Object.fromEntries(Object.entries(original).filter(([key]) => kept.has(key)));
}

/** Merges the lists that have a `$setElementOrder`. Returns their names. */
function mergeOrderedLists(
  result: JsonObject,
  patch: JsonObject,
  { directives, schema }: { directives: readonly string[]; schema: SchemaNode | undefined },
): Set<string> {
  const done = new Set<string>();
  for (const directive of directives) {
    if (!directive.startsWith(ELEMENT_ORDER)) continue;
    const key = fieldOf(directive, ELEMENT_ORDER, "invalid patch format of setElementOrder list");
    const wanted = patch[directive];
    const live = member(result, key);
    const items = member(patch, key);
    // A null deletes the whole list, whatever the order.
    if (items === null && Array.isArray(wanted)) continue;
    for (const list of [wanted, live ?? [], items ?? []]) {
      if (!Array.isArray(list)) throw badRequest(`expected a []interface {}, but received a ${typeNameOf(list)}`);
    }
    const node = memberSchema(schema, key);
    if (items !== undefined) done.add(key);
    const merged = mergeWithOrder({
      live: live as unknown[] | undefined,
      items: items as unknown[] | undefined,
      wanted: wanted as unknown[],
      node,
    });
    if (merged) setMember(result, key, merged);
  }
  return done;
}

/** As Go prints the type of a decoded value that is no list. */
function typeNameOf(value: unknown): string {
  if (value === null) return "%!s(<nil>)";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  if (isObject(value)) return "map[string]interface {}";
  return typeof value === "number" && !Number.isInteger(value) ? "float64" : "int64";
}

function mergeWithOrder(lists: {
  live: unknown[] | undefined;
  items: unknown[] | undefined;
  wanted: unknown[];
  node: SchemaNode | undefined;
}): unknown[] | undefined {
  const { live, items, wanted, node } = lists;
  const mergeKey = node?.patchMergeKey;
  const ofMaps = [...(live ?? []), ...(items ?? [])].some(isObject);
  if (ofMaps && mergeKey === undefined) return items === undefined ? live : takenItems(items);
  const identityOf = identityBy(mergeKey);
  if (items) checkOrder(items, wanted, identityOf);
  const merged = items === undefined ? live : live === undefined ? takenItems(items) : mergeLists(live, items, node);
  return merged && arranged(merged, { wanted, live: live ?? [], identityOf });
}

function deleteFromList(result: JsonObject, patch: JsonObject, directive: string): void {
  const key = fieldOf(directive, DELETE_FROM, "invalid patch format of primitive list");
  const gone = patch[directive];
  const list = member(result, key);
  if (gone === null) delete result[key];
  if (!Array.isArray(gone) || !Array.isArray(list)) return;
  const identityOf = identityBy(undefined);
  const names = new Set(gone.map(identityOf));
  setMember(
    result,
    key,
    list.filter((item) => !names.has(identityOf(item))),
  );
}

/** "finalizers" of "$setElementOrder/finalizers". */
function fieldOf(directive: string, prefix: string, fault: string): string {
  if (!directive.startsWith(`${prefix}/`)) throw badRequest(fault);
  return directive.slice(prefix.length + 1);
}

function mergeMember(
  result: JsonObject,
  key: string,
  { value, schema }: { value: unknown; schema: SchemaNode | undefined },
): void {
  if (value === null) {
    delete result[key];
    return;
  }
  const live = member(result, key);
  if (Array.isArray(live) && Array.isArray(value)) return setMember(result, key, mergeLists(live, value, schema));
  if (isObject(live) && isObject(value)) {
    const replaced = strategyOf(schema) === "replace";
    return setMember(result, key, replaced ? takenMembers(value) : mergeMaps(live, value, schema));
  }
  // Marked for deletion where there is nothing of its kind: nothing is to be left.
  if (hasDirective(value)) delete result[key];
  else setMember(result, key, taken(value));
}

function mergeLists(live: unknown[], patch: unknown[], node: SchemaNode | undefined): unknown[] {
  if (strategyOf(node) !== "merge") return takenItems(patch);
  const all = [...live, ...patch];
  if (all.some(Array.isArray)) throw rejected("lists of lists are not supported");
  const maps = all.filter(isObject).length;
  if (maps === 0) return mergePrimitives(live, patch);
  if (maps < all.length) throw badRequest(`list element types are not identical: ${goValue([live, patch])}`);
  const mergeKey = node?.patchMergeKey;
  if (mergeKey === undefined) throw badRequest("cannot merge lists without merge key for struct");
  return mergeMapLists(live as JsonObject[], patch as JsonObject[], { mergeKey, items: node?.items });
}

function mergePrimitives(live: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const identityOf = identityBy(undefined);
  const unique = new Map([...live, ...patch].map((item) => [identityOf(item), item]));
  return arranged([...unique.values()], { wanted: patch, live, identityOf });
}

function mergeMapLists(
  live: readonly JsonObject[],
  patch: readonly JsonObject[],
  { mergeKey, items }: { mergeKey: string; items: SchemaNode | undefined },
): unknown[] {
  const identityOf = identityBy(mergeKey);
  const { plain, deleted, replace } = splitDirectives(patch, identityOf);
  if (replace) return takenItems(plain);
  const left = live.filter((item) => !deleted.has(identityOf(item)));
  const merged: JsonObject[] = [...left];
  const at = positions(merged, identityOf);
  for (const item of plain) {
    const identity = identityOf(item);
    const index = at.get(identity);
    const found = index === undefined ? undefined : merged[index];
    if (index !== undefined && found) {
      merged[index] = mergeMaps(found, item, items);
    } else {
      at.set(identity, merged.length);
      merged.push(takenMembers(item));
    }
  }
  return arranged(merged, { wanted: plain, live: left, identityOf });
}

/** Items with `$patch` say what happens to others or to the list; the rest is plain. */
function splitDirectives(
  patch: readonly JsonObject[],
  identityOf: (item: unknown) => unknown,
): { plain: JsonObject[]; deleted: Set<unknown>; replace: boolean } {
  const plain: JsonObject[] = [];
  const deleted = new Set<unknown>();
  let replace = false;
  for (const item of patch) {
    const directive = member(item, DIRECTIVE);
    if (directive === undefined) plain.push(item);
    else if (directive === "delete") deleted.add(identityOf(item));
    else if (directive === "replace") replace = true;
    else if (directive === "merge") throw badRequest("merging lists cannot yet be specified in the patch");
    else throw unknownDirective(directive, item);
  }
  return { plain, deleted, replace };
}

/** A value that goes into the object as it is: a copy without nulls and without directives. */
function taken(value: unknown): unknown {
  if (Array.isArray(value)) return takenItems(value);
  return isObject(value) ? takenMembers(value) : value;
}

function takenItems(items: readonly unknown[]): unknown[] {
  return items.filter((item) => !hasDirective(item)).map(taken);
}

function takenMembers(patch: JsonObject): JsonObject {
  const copy: JsonObject = {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value !== null && !isDirectiveName(key) && !hasDirective(value)) setMember(copy, key, taken(value));
  }
  return copy;
}

function isDirectiveName(key: string): boolean {
  return (
    key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(`${DELETE_FROM}/`) || key.startsWith(`${ELEMENT_ORDER}/`)
  );
}

function unknownDirective(directive: unknown, patch: JsonObject): StatusError {
  return badRequest(`unknown patch type: ${goValue(directive)} in map: ${goValue(patch)}`);
}

function memberSchema(schema: SchemaNode | undefined, key: string): SchemaNode | undefined {
  return schema?.properties?.get(key) ?? schema?.additional;
}

/** "merge" or "replace"; retainKeys is no strategy of merging but allows its directive. */
function strategyOf(node: SchemaNode | undefined): string | undefined {
  return node?.patchStrategy?.split(",").find((strategy) => strategy !== "retainKeys");
}
