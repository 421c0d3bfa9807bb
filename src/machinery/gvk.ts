/** Names of API types: group, version, kind and resource, and how they are written. */

export interface GroupVersion {
  /** "" is the core group. */
  group: string;
  version: string;
}

export interface GroupVersionKind extends GroupVersion {
  kind: string;
}

/** A REST resource of one version, as clients address it. */
export interface ResourceRef extends GroupVersion {
  /** Lower-case plural, e.g. "deployments". */
  resource: string;
  namespaced: boolean;
}

/** "v1", "apps/v1". */
export function apiVersionOf({ group, version }: GroupVersion): string {
  return group === "" ? version : `${group}/${version}`;
}

export function parseApiVersion(apiVersion: string): GroupVersion {
  const slash = apiVersion.indexOf("/");
  return slash < 0
    ? { group: "", version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** The group-resource as Kubernetes prints it and the log stores it: "pods", "deployments.apps". */
export function groupResource(group: string, resource: string): string {
  return group === "" ? resource : `${resource}.${group}`;
}

/** The path of a collection or an object: "/api/v1/namespaces/n/pods/p/status". */
export function resourcePath(
  ref: ResourceRef,
  at: { namespace?: string; name?: string; subresource?: string } = {},
): string {
  const parts = [ref.group === "" ? `/api/${ref.version}` : `/apis/${ref.group}/${ref.version}`];
  if (ref.namespaced && at.namespace) parts.push("namespaces", encodeURIComponent(at.namespace));
  parts.push(ref.resource);
  if (at.name !== undefined) parts.push(encodeURIComponent(at.name));
  if (at.subresource !== undefined) parts.push(at.subresource);
  return parts.join("/");
}
