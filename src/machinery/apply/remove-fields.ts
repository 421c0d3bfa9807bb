/** Takes fields out of an object. After typed/remove.go and fieldpath.Set of sigs.k8s.io/structured-merge-diff. */
import { LEAF, SELF, isEmptyTree, isMember, type FieldSet, type FieldTree, type GrowingTree } from "./field-tree.ts";
import { formOfValue, itemElement, memberOf, typeBelow, typeFor, type FieldType } from "./field-type.ts";

/** A copy without these fields; what is not concerned is shared. What becomes empty is null. */
export function removeFields(object: object, fields: FieldSet, type: FieldType): Record<string, unknown> {
  if (!fields) return object as Record<string, unknown>;
  return (remove(object, fields, type) ?? {}) as Record<string, unknown>;
}

function remove(value: unknown, fields: FieldTree, declared: FieldType): unknown {
  const type = typeFor(declared, value);
  if (type.form === "scalar") return value;
  const form = formOfValue(value);
  if (type.form === "list") return form === "list" ? removeItems(value as readonly unknown[], fields, type) : null;
  return form === "map" ? removeMembers(value as Record<string, unknown>, fields, type) : null;
}

function removeItems(items: readonly unknown[], fields: FieldTree, type: FieldType): unknown {
  if (type.atomic) return null;
  const out: unknown[] = [];
  for (const item of items) {
    const at = itemElement(type, item);
    const below = "element" in at && Object.hasOwn(fields, at.element) ? fields[at.element] : undefined;
    if (!below || !type.element) out.push(item);
    else if (!isMember(below)) out.push(remove(item, below, type.element));
  }
  return out.length > 0 ? out : null;
}

function removeMembers(object: Record<string, unknown>, fields: FieldTree, type: FieldType): unknown {
  if (type.atomic) return null;
  const out: Record<string, unknown> = {};
  let empty = true;
  for (const name in object) {
    const member = memberOf(type, name);
    const below = Object.hasOwn(fields, member.element) ? fields[member.element] : undefined;
    if (below && isMember(below)) continue;
    out[name] = below ? remove(object[name], below, member.type) : object[name];
    empty = false;
  }
  return empty ? null : out;
}

/**
 * The set with the declared members on the way to its fields. They are usually not in it, and would keep an object alive
 * that nobody owns anything of.
 */
export function withDeclaredMembers(set: FieldSet, type: FieldType): FieldSet {
  if (!set) return undefined;
  const out: GrowingTree = {};
  for (const element in set) {
    if (element === SELF) {
      out[SELF] = LEAF;
      continue;
    }
    const below = set[element] as FieldTree;
    if (isEmptyTree(below)) {
      out[element] = below;
      continue;
    }
    const inner = withDeclaredMembers(below, typeBelow(type, element)) as FieldTree;
    const declared = element.startsWith("f:") && type.fields.has(element.slice(2));
    out[element] = declared && !(SELF in inner) ? { [SELF]: LEAF, ...inner } : inner;
  }
  return out;
}
