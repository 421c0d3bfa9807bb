/**
 * Who manages the replicas of an object, as its scale subresource sees it, and back. A scale has one field in common with its
 * parent. After scalehandler.go of k8s.io/apimachinery.
 */
import { difference, fieldAt, hasField } from "./field-tree.ts";
import { managerKey, type Manager } from "./managers.ts";

export const SCALE_VERSION = "autoscaling/v1";
const IN_SCALE = ["f:spec", "f:replicas"];

export interface ScaleMapping {
  /** The version of the parent that is addressed: "apps/v1". */
  apiVersion: string;
  /** The elements that lead to the replicas in a version of the parent; undefined for one that is not served. */
  replicasIn: (apiVersion: string) => readonly string[] | undefined;
}

/** The managers of the replicas, as managers of the scale. */
export function managersOfScale(parent: readonly Manager[], { replicasIn }: ScaleMapping): Manager[] {
  return parent.flatMap((manager) => {
    const path = replicasIn(manager.apiVersion);
    if (!path || !hasField(manager.fields, path)) return [];
    return [{ ...manager, apiVersion: SCALE_VERSION, fields: fieldAt(IN_SCALE) }];
  });
}

/** The managers of the parent after `scale` became the managers of its scale. */
export function managersOfParent(
  parent: readonly Manager[],
  scale: readonly Manager[],
  { apiVersion, replicasIn }: ScaleMapping,
): Manager[] {
  const path = replicasIn(apiVersion);
  if (!path) return [...parent];
  const owners = scale.filter(({ fields }) => hasField(fields, IN_SCALE));
  const keys = new Set(owners.map((owner) => managerKey({ ...owner, apiVersion })));
  const known = new Set<string>();
  const kept = parent.flatMap((manager) => {
    const at = replicasIn(manager.apiVersion);
    if (!at) return [];
    if (!hasField(manager.fields, at)) return [manager];
    const key = managerKey({ ...manager, apiVersion });
    if (keys.has(key)) {
      known.add(key);
      return [manager];
    }
    const fields = difference(manager.fields, fieldAt(at));
    return fields ? [{ ...manager, fields }] : [];
  });
  const gained = owners.flatMap((owner) => {
    const own: Manager = { ...owner, apiVersion, fields: fieldAt(path) };
    return known.has(managerKey(own)) ? [] : [own];
  });
  return [...kept, ...gained];
}
