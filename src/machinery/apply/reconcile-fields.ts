/** Sets of fields after their type changed. After typed/reconcile_schema.go of sigs.k8s.io/structured-merge-diff. */
import { LEAF, SELF, isEmptyTree, type FieldTree, type GrowingTree } from "./field-tree.ts";
import { memberOf, type FieldType } from "./field-type.ts";
import type { Manager } from "./managers.ts";
import type { Versions } from "./versions.ts";

/**
 * Whoever owned something in a map or list that is now owned as a whole owns the whole. The other way round nothing changes: who
 * owned the whole is taken to own what it applies next. The same tree when nothing does.
 */
export function reconciledFields(set: FieldTree, type: FieldType): FieldTree {
  let out: GrowingTree | undefined;
  for (const element in set) {
    if (element === SELF) continue;
    const below = set[element] as FieldTree;
    if (isEmptyTree(below)) continue;
    const inner = typeOfElement(type, element);
    if (!inner) continue;
    const now = inner.atomic ? LEAF : reconciledFields(below, inner);
    if (now !== below) (out ??= { ...set })[element] = now;
  }
  return out ?? set;
}

/** Undefined for a member that is no longer declared: who owned it is found out when the object is compared. */
function typeOfElement(type: FieldType, element: string): FieldType | undefined {
  if (!element.startsWith("f:")) return type.element;
  const name = element.slice(2);
  return type.fields.has(name) || type.element ? memberOf(type, name).type : undefined;
}

/** Managers of versions that are not served are left out. */
export function reconciledManagers(managers: readonly Manager[], versions: Versions): Manager[] {
  return managers.flatMap((manager) => {
    const type = versions.typeOf(manager.apiVersion);
    if (!type) return [];
    const fields = reconciledFields(manager.fields, type);
    return [fields === manager.fields ? manager : { ...manager, fields }];
  });
}
