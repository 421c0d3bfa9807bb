/** Every resource that is served with every verb, as requests of which nothing comes where they are allowed. */
import type { TestRequest } from "../harness/cluster.ts";

export interface Served {
  /** "/api/v1", "/apis/apps/v1". */
  root: string;
  group: string;
  /** "pods", "pods/log". */
  name: string;
  namespaced: boolean;
}

export const VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"] as const;
export type Verb = (typeof VERBS)[number];

/** All that discovery tells of. `read` gives the document at a path. */
export async function servedResources(read: <T>(path: string) => Promise<T>): Promise<Served[]> {
  const body = await read<{ groups: { versions: { groupVersion: string }[] }[] }>("/apis");
  const roots = [
    "/api/v1",
    ...body.groups.flatMap(({ versions }) => versions.map((one) => `/apis/${one.groupVersion}`)),
  ];
  const lists = await Promise.all(
    roots.map(async (root) => {
      const list = await read<{ resources: { name: string; namespaced: boolean }[] }>(root);
      const group = root === "/api/v1" ? "" : (root.split("/")[2] ?? "");
      return list.resources.map(({ name, namespaced }) => ({ root, group, name, namespaced }));
    }),
  );
  return lists.flat();
}

/** Undefined: there is no such request. */
export function requestOf(
  { root, name, namespaced }: Served,
  verb: Verb,
  namespace: string,
): [path: string, TestRequest] | undefined {
  const [plural = "", subresource] = name.split("/");
  const at = namespaced && namespace !== "" ? `${root}/namespaces/${namespace}/${plural}` : `${root}/${plural}`;
  const ofOne =
    verb === "get" || verb === "update" || verb === "patch" || verb === "delete" || subresource !== undefined;
  if (subresource !== undefined && ["list", "watch", "deletecollection"].includes(verb)) return undefined;
  if (ofOne && namespaced && namespace === "") return undefined;
  // Namespaces are in themselves.
  const object = plural === "namespaces" ? namespace : "none";
  if (ofOne && object === "") return undefined;
  const path = ofOne ? `${at}/${object}${subresource === undefined ? "" : `/${subresource}`}` : at;
  const headers = { "content-type": "application/none" };
  switch (verb) {
    case "get":
      return [path, {}];
    case "list":
      return [`${path}?limit=none`, {}];
    case "watch":
      return [`${path}?watch=true&limit=none`, {}];
    case "create":
      return [path, { method: "POST", body: "none" }];
    case "update":
      return [path, { method: "PUT", body: "none" }];
    case "patch":
      return [path, { method: "PATCH", body: "none", headers }];
    default:
      return [`${path}?gracePeriodSeconds=none`, { method: "DELETE" }];
  }
}
