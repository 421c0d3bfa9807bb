/**
 * What can be done with each resource, before it is written in either version of OpenAPI: paths, methods, parameters, bodies and
 * answers. After the installer of kube-apiserver (k8s.io/apiserver/pkg/endpoints/installer.go) and its names of operations.
 */
import { resourcePath, type GroupVersionKind } from "../../machinery/gvk.ts";
import type { SubresourceDefinition } from "../../registry/kind.ts";

/** A resource in one version, as far as its paths depend on it. */
export interface RoutedKind extends GroupVersionKind {
  plural: string;
  namespaced: boolean;
  verbs: readonly string[];
  subresources: readonly SubresourceDefinition[];
  /** Definition of the object. */
  schema: string;
}

/** What a route takes from the published document. */
export interface RouteFacts {
  /** Definition of a type that is no kind of ours, e.g. autoscaling/v1 Scale. Undefined when there is none. */
  definitionOf(gvk: GroupVersionKind): string | undefined;
  /** Whether there are query parameters of this name: so it is with kinds of options ("PodExecOptions"). */
  hasParameters(set: string): boolean;
  /** Whether DELETE of an object of this definition answers with the object instead of a Status. */
  answersDeleted(definition: string): boolean;
}

export type Method = "get" | "put" | "post" | "delete" | "options" | "head" | "patch";

export interface Route {
  path: string;
  method: Method;
  description: string;
  operationId: string;
  tag: string;
  /** x-kubernetes-action; absent for what is no resource. */
  action?: string;
  gvk?: GroupVersionKind;
  /** Names of the set of query parameters. */
  parameters?: string;
  body?: { schema: string; required: boolean };
  consumes: readonly string[];
  produces: readonly string[];
  answers: readonly Answer[];
}

/** `schema` is a definition, "string" for text. */
export interface Answer {
  code: number;
  description: string;
  schema?: string;
}

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";
export const STATUS = `${META}.Status`;
const DELETE_OPTIONS = `${META}.DeleteOptions`;
const PATCH = `${META}.Patch`;
const RESOURCE_LIST = `${META}.APIResourceList`;

/** Kubernetes encodes objects in protobuf and CBOR too; only what is served is named. */
const MEDIA_TYPES = ["application/json", "application/yaml"];
const WATCH_TYPES = [...MEDIA_TYPES, "application/json;stream=watch"];
const ANY_TYPE = ["*/*"];
const PATCH_TYPES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];

const OK = { code: 200, description: "OK" };
const CREATED = { code: 201, description: "Created" };
const ACCEPTED = { code: 202, description: "Accepted" };
const UNAUTHORIZED: Answer = { code: 401, description: "Unauthorized" };

/** Methods of what is handed on as it is, by the verb that allows it. */
const CONNECT_METHODS: readonly (readonly [verb: string, method: Method])[] = [
  ["get", "get"],
  ["create", "post"],
  ["update", "put"],
  ["delete", "delete"],
  ["patch", "patch"],
];

export function routesOf(kind: RoutedKind, facts: RouteFacts): Route[] {
  const whole = new Paths(kind);
  const routes = [...collectionRoutes(kind, whole), ...objectRoutes(kind, whole, facts)];
  for (const subresource of kind.subresources) routes.push(...subresourceRoutes(kind, subresource, facts));
  return routes;
}

/** `/apis/apps/v1/`: the resources there are. */
export function resourceListRoute({ group, version }: { group: string; version: string }): Route {
  const path = group === "" ? `/api/${version}/` : `/apis/${group}/${version}/`;
  return discoveryRoute(path, "get available resources", "getAPIResources", RESOURCE_LIST);
}

/** Of a path that is no resource: it is only read. */
export function discoveryRoute(path: string, description: string, operation: string, schema: string): Route {
  const [, root = "", ...rest] = path.split("/");
  const [group = "", version = ""] = root === "api" ? ["core", ...rest] : rest;
  const names = group === "" ? { id: "", tag: root } : namesOf(root === "api" ? "" : group, version);
  return {
    path,
    method: "get",
    description,
    operationId: `get${names.id}${operation.slice("get".length)}`,
    tag: names.tag,
    consumes: MEDIA_TYPES,
    produces: MEDIA_TYPES,
    answers: [{ ...OK, schema }, UNAUTHORIZED],
  };
}

/** What the routes of one resource or subresource have in common. */
class Paths {
  readonly kind: RoutedKind;
  readonly subresource: string;
  /** Ends the ids of operations: "NamespacedPodStatus". */
  readonly suffix: string;

  constructor(kind: RoutedKind, subresource = "") {
    this.kind = kind;
    this.subresource = subresource;
    const name = subresource === "" ? "" : `${subresource.charAt(0).toUpperCase()}${subresource.slice(1)}`;
    this.suffix = `${kind.namespaced ? "Namespaced" : ""}${kind.kind}${name}`;
  }

  /** With the parts in braces that are asked for. */
  at(parts: { namespace?: boolean; name?: boolean; rest?: string }): string {
    const { group, version, plural, namespaced } = this.kind;
    const path = resourcePath(
      { group, version, resource: plural, namespaced },
      {
        ...(parts.namespace === false ? {} : { namespace: "{namespace}" }),
        ...(parts.name ? { name: "{name}" } : {}),
        ...(this.subresource === "" ? {} : { subresource: this.subresource }),
      },
    );
    return decodeURIComponent(path) + (parts.rest ?? "");
  }

  /** `verb` begins the id, `more` stands between the version and the kind, `end` after it. */
  names({
    verb,
    more = "",
    suffix = this.suffix,
    end = "",
  }: {
    verb: string;
    more?: string;
    suffix?: string;
    end?: string;
  }) {
    const { id, tag } = namesOf(this.kind.group, this.kind.version);
    return { operationId: `${verb}${id}${more}${suffix}${end}`, tag };
  }
}

/** "rbac.authorization.k8s.io", "v1" → RbacAuthorizationV1 in ids, rbacAuthorization_v1 as a tag. */
function namesOf(group: string, version: string): { id: string; tag: string } {
  const words = (group === "" ? "core" : group.replace(/\.k8s\.io$/, "")).split(/[^A-Za-z0-9_]+/);
  const pascal = words.map(capitalised).join("");
  const camel = [words[0], ...words.slice(1).map(capitalised)].join("");
  return { id: `${pascal}${capitalised(version)}`, tag: version === "" ? camel : `${camel}_${version}` };
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** "a Pod", "an Ingress", and "Endpoints", which is a plural. */
function withArticle(noun: string): string {
  if (/[^s]s$/.test(noun)) return ` ${noun}`;
  return `${/^[aeiou]/i.test(noun) ? " an " : " a "}${noun}`;
}

function collectionRoutes(kind: RoutedKind, paths: Paths): Route[] {
  const { group, version, namespaced, verbs, schema } = kind;
  const gvk = { group, version, kind: kind.kind };
  const common = { gvk, consumes: ANY_TYPE };
  const watched = verbs.includes("watch");
  const list = {
    ...common,
    method: "get" as const,
    description: `${watched ? "list or watch" : "list"} objects of kind ${kind.kind}`,
    action: "list",
    parameters: "list",
    produces: WATCH_TYPES,
    answers: [{ ...OK, schema: `${schema}List` }, UNAUTHORIZED],
  };
  const routes: Route[] = [];
  if (verbs.includes("list")) routes.push({ ...list, path: paths.at({}), ...paths.names({ verb: "list" }) });
  if (verbs.includes("create")) {
    routes.push({
      ...creating(schema),
      ...common,
      path: paths.at({}),
      ...paths.names({ verb: "create" }),
      description: `create${withArticle(kind.kind)}`,
    });
  }
  if (verbs.includes("deletecollection")) {
    routes.push({
      ...common,
      path: paths.at({}),
      ...paths.names({ verb: "delete", more: "Collection" }),
      method: "delete",
      description: `delete collection of ${kind.kind}`,
      action: "deletecollection",
      parameters: "deletecollection",
      body: { schema: DELETE_OPTIONS, required: false },
      produces: MEDIA_TYPES,
      answers: [{ ...OK, schema: STATUS }, UNAUTHORIZED],
    });
  }
  if (namespaced && verbs.includes("list")) {
    const names = paths.names({ verb: "list", suffix: kind.kind, end: "ForAllNamespaces" });
    routes.push({ ...list, path: paths.at({ namespace: false }), ...names });
  }
  return routes;
}

function objectRoutes(kind: RoutedKind, paths: Paths, facts: RouteFacts): Route[] {
  const { group, version, verbs, schema } = kind;
  const gvk = { group, version, kind: kind.kind };
  const common = { gvk, path: paths.at({ name: true }) };
  const routes: Route[] = [];
  if (verbs.includes("get"))
    routes.push({
      ...reading(schema),
      ...common,
      ...paths.names({ verb: "read" }),
      description: `read the specified ${kind.kind}`,
    });
  if (verbs.includes("update"))
    routes.push({
      ...replacing(schema),
      ...common,
      ...paths.names({ verb: "replace" }),
      description: `replace the specified ${kind.kind}`,
    });
  if (verbs.includes("delete")) {
    const answer = facts.answersDeleted(schema) ? schema : STATUS;
    routes.push({
      ...common,
      ...paths.names({ verb: "delete" }),
      method: "delete",
      description: `delete${withArticle(kind.kind)}`,
      action: "delete",
      parameters: "delete",
      body: { schema: DELETE_OPTIONS, required: false },
      consumes: ANY_TYPE,
      produces: MEDIA_TYPES,
      answers: [{ ...OK, schema: answer }, { ...ACCEPTED, schema: answer }, UNAUTHORIZED],
    });
  }
  if (verbs.includes("patch"))
    routes.push({
      ...patching(schema),
      ...common,
      ...paths.names({ verb: "patch" }),
      description: `partially update the specified ${kind.kind}`,
    });
  return routes;
}

function subresourceRoutes(kind: RoutedKind, { name, body, verbs }: SubresourceDefinition, facts: RouteFacts): Route[] {
  const gvk = body ?? { group: kind.group, version: kind.version, kind: kind.kind };
  const paths = new Paths(kind, name);
  if (facts.hasParameters(gvk.kind)) return connectRoutes(kind, paths, { gvk, verbs });
  const schema = body ? (facts.definitionOf(body) ?? kind.schema) : kind.schema;
  const common = { gvk, path: paths.at({ name: true }) };
  const of = `${name} of the specified ${kind.kind}`;
  const made: Partial<Record<string, Route>> = {
    get: { ...reading(schema), ...common, ...paths.names({ verb: "read" }), description: `read ${of}` },
    create: {
      ...creating(schema),
      ...common,
      ...paths.names({ verb: "create" }),
      description: `create ${name} of${withArticle(kind.kind)}`,
    },
    update: { ...replacing(schema), ...common, ...paths.names({ verb: "replace" }), description: `replace ${of}` },
    patch: { ...patching(schema), ...common, ...paths.names({ verb: "patch" }), description: `partially update ${of}` },
  };
  // Logs are text, with parameters of their own.
  if (made["get"] && name === "log" && facts.hasParameters("PodLogOptions")) {
    made["get"] = {
      ...made["get"],
      parameters: "PodLogOptions",
      produces: ["text/plain", ...MEDIA_TYPES],
      answers: [{ ...OK, schema: "string" }, UNAUTHORIZED],
    };
  }
  return verbs.flatMap((verb) => made[verb] ?? []);
}

function connectRoutes(
  kind: RoutedKind,
  paths: Paths,
  { gvk, verbs }: { gvk: GroupVersionKind; verbs: readonly string[] },
): Route[] {
  const isProxy = paths.subresource === "proxy";
  const methods = CONNECT_METHODS.flatMap(([verb, method]) => (verbs.includes(verb) ? [method] : []));
  // A proxy hands on whatever it gets.
  const all: Method[] = isProxy ? [...methods, "head", "options"] : methods;
  const places = isProxy
    ? ([
        ["", ""],
        ["/{path}", "WithPath"],
      ] as const)
    : ([["", ""]] as const);
  return places.flatMap(([rest, end]) =>
    all.map((method): Route => ({
      path: paths.at({ name: true, rest }),
      method,
      description: `connect ${method.toUpperCase()} requests to ${paths.subresource} of ${kind.kind}`,
      ...paths.names({ verb: "connect", more: capitalised(method), end }),
      action: "connect",
      gvk,
      parameters: `${gvk.kind}${end}`,
      consumes: ANY_TYPE,
      produces: ANY_TYPE,
      answers: [{ ...OK, schema: "string" }, UNAUTHORIZED],
    })),
  );
}

type Doing = Pick<Route, "method" | "action" | "parameters" | "body" | "consumes" | "produces" | "answers">;

function reading(schema: string): Doing {
  return {
    method: "get",
    action: "get",
    parameters: "get",
    consumes: ANY_TYPE,
    produces: MEDIA_TYPES,
    answers: [{ ...OK, schema }, UNAUTHORIZED],
  };
}

function creating(schema: string): Doing {
  return {
    method: "post",
    action: "post",
    parameters: "post",
    body: { schema, required: true },
    consumes: ANY_TYPE,
    produces: MEDIA_TYPES,
    answers: [{ ...OK, schema }, { ...CREATED, schema }, { ...ACCEPTED, schema }, UNAUTHORIZED],
  };
}

function replacing(schema: string): Doing {
  return {
    method: "put",
    action: "put",
    parameters: "put",
    body: { schema, required: true },
    consumes: ANY_TYPE,
    produces: MEDIA_TYPES,
    answers: [{ ...OK, schema }, { ...CREATED, schema }, UNAUTHORIZED],
  };
}

function patching(schema: string): Doing {
  return {
    method: "patch",
    action: "patch",
    parameters: "patch",
    body: { schema: PATCH, required: true },
    consumes: PATCH_TYPES,
    produces: MEDIA_TYPES,
    answers: [{ ...OK, schema }, { ...CREATED, schema }, UNAUTHORIZED],
  };
}
