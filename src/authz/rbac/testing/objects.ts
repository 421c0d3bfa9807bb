/** Roles and bindings for tests, as they are stored. */
import { groupResource, type ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { PolicyChange } from "../policy-source.ts";
import { RbacIndex } from "../rbac-index.ts";

export function storedPolicy(ref: ResourceRef, object: KubeObject, revision = 1): PolicyChange {
  const { name = "", namespace = "" } = object.metadata;
  const resource = groupResource(ref.group, ref.resource);
  return { type: "ADDED", resource, namespace, name, revision, value: JSON.stringify(object) };
}

export function indexOf(objects: readonly (readonly [ResourceRef, KubeObject])[]): RbacIndex {
  const index = new RbacIndex();
  for (const [ref, object] of objects) index.put(storedPolicy(ref, object));
  return index;
}
