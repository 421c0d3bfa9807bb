/** Which fields a configuration states. After typed/tofieldset.go of sigs.k8s.io/structured-merge-diff. */
import { LEAF, SELF, isEmptyTree, type FieldSet, type FieldTree, type GrowingTree } from "./field-tree.ts";
import { formOfValue, itemElement, memberOf, typeFor, type FieldType } from "./field-type.ts";

/** `object` is of `type` and has passed its check. */
export function fieldsOf(object: object, type: FieldType): FieldSet {
  const found = below(object, type);
  return found && isEmptyTree(found) ? undefined : found;
}

/** What is below a value: LEAF where it counts as one, undefined where it holds no field. */
function below(value: unknown, declared: FieldType): FieldSet {
  const type = typeFor(declared, value);
  if (type.form === "scalar" || type.atomic) return LEAF;
  const form = formOfValue(value);
  if (type.form === "list") return form === "list" ? belowItems(value as readonly unknown[], type) : undefined;
  return form === "map" ? belowMembers(value as Record<string, unknown>, type) : undefined;
}

function belowMembers(object: Record<string, unknown>, type: FieldType): FieldSet {
  const out: GrowingTree = {};
  let empty = true;
  for (const name in object) {
    const value = object[name];
    if (value === undefined) continue;
    const member = memberOf(type, name);
    const fields = below(value, member.type);
    // A key of a map is owned itself, a declared member only through what it holds.
    const owned = value === null || !type.fields.has(name) || (!fields && isEmptyObject(value));
    const tree = owned ? owning(fields) : fields;
    if (!tree) continue;
    out[member.element] = tree;
    empty = false;
  }
  return empty ? undefined : out;
}

function belowItems(items: readonly unknown[], type: FieldType): FieldSet {
  const out: GrowingTree = {};
  for (const item of items) {
    const at = itemElement(type, item);
    if ("fault" in at || !type.element) continue;
    // Items that cannot be told apart are owned together, as a whole.
    out[at.element] = Object.hasOwn(out, at.element) ? LEAF : owning(below(item, type.element));
  }
  return isEmptyTree(out) ? undefined : out;
}

function owning(fields: FieldSet): FieldTree {
  return fields === undefined || fields === LEAF ? LEAF : { [SELF]: LEAF, ...fields };
}

function isEmptyObject(value: unknown): boolean {
  return formOfValue(value) === "map" && isEmptyTree(value as FieldTree);
}
