/** What a request addresses, parsed once from its path. After RequestInfoFactory of k8s.io/apiserver/pkg/endpoints/request. */

/** "options" is that of no rule: only who may do everything may send it, and only to a proxy. */
export type ApiVerb =
  | "get"
  | "list"
  | "watch"
  | "create"
  | "update"
  | "patch"
  | "delete"
  | "deletecollection"
  | "options";

export interface ResourceInfo {
  isResource: true;
  verb: ApiVerb;
  group: string;
  version: string;
  resource: string;
  /** "" for cluster-scoped requests and lists over all namespaces. */
  namespace: string;
  /** "" for collections. */
  name: string;
  subresource: string;
  path: string;
  /** A watch by the path of before `?watch=true`: /api/v1/watch/…, of a collection or of one object. */
  watchPath?: true;
}

export interface PathInfo {
  isResource: false;
  /** The HTTP method in lower case. */
  verb: string;
  path: string;
}

export type RequestInfo = ResourceInfo | PathInfo;

/** The path and the query (without "?") of an absolute URL, without building a URL object: this runs on every request. */
export function splitUrl(url: string): { path: string; query: string } {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return { path: "/", query: "" };
  const question = url.indexOf("?", start);
  const hash = url.indexOf("#", start);
  const end = hash < 0 ? url.length : hash;
  if (question < 0 || question > end) return { path: url.slice(start, end), query: "" };
  return { path: url.slice(start, question), query: url.slice(question + 1, end) };
}

const READS = new Set(["GET", "HEAD"]);

/** Subresources of a namespace itself; anything else below a namespace is a resource in it. */
const NAMESPACE_SUBRESOURCES = new Set(["status", "finalize"]);

const PROXY = "proxy";

export function parseRequest(method: string, path: string, query: string): RequestInfo {
  const parts = path.split("/");
  // "/api/v1/…" splits into "", "api", "v1", …; "/apis/g/v/…" into "", "apis", "g", "v", …
  const isCore = parts[1] === "api";
  const first = isCore ? 3 : 4;
  if (parts.at(-1) === "") parts.pop();
  if ((!isCore && parts[1] !== "apis") || parts.length <= first) {
    return { isResource: false, verb: method.toLowerCase(), path };
  }
  const group = isCore ? "" : (parts[2] ?? "");
  const version = (isCore ? parts[2] : parts[3]) ?? "";
  let rest = parts.slice(first).map(decode);
  const watchPath = rest[0] === "watch" && rest.length > 1 && READS.has(method);
  if (watchPath) rest = rest.slice(1);
  let namespace = "";
  if (rest[0] === "namespaces" && rest.length > 1) {
    const isNamespaceItself = rest.length === 2 || (rest.length === 3 && NAMESPACE_SUBRESOURCES.has(rest[2] ?? ""));
    namespace = rest[1] ?? "";
    if (!isNamespaceItself) rest = rest.slice(2);
  }
  const [resource = "", name = "", subresource = ""] = rest;
  const isProxy = subresource === PROXY && !watchPath;
  const verb = watchPath ? "watch" : isProxy && method === "OPTIONS" ? "options" : verbOf(method, name, query);
  // What stands behind a proxy is for whom it leads to.
  if (verb === undefined || (rest.length > 3 && !isProxy))
    return { isResource: false, verb: method.toLowerCase(), path };
  const info = { isResource: true, verb, group, version, resource, namespace, name, subresource, path } as const;
  return watchPath ? { ...info, watchPath } : info;
}

function decode(part: string): string {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function verbOf(method: string, name: string, query: string): ApiVerb | undefined {
  switch (method) {
    case "GET":
    case "HEAD":
      // `?watch=true` means nothing to the GET of one object.
      if (name !== "") return "get";
      return isWatch(query) ? "watch" : "list";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return name === "" ? "deletecollection" : "delete";
    default:
      return undefined;
  }
}

function isWatch(query: string): boolean {
  if (!query.includes("watch")) return false;
  const value = new URLSearchParams(query).get("watch");
  return value !== null && value !== "0" && value.toLowerCase() !== "false";
}
