/** The paths of an OpenAPI document: what can be done with each kind, in version 2 or version 3. */
import { resourcePath } from "../machinery/gvk.ts";
import type { KindDefinition, SubresourceDefinition, Verb } from "../registry/kind.ts";

export interface OperationKind {
  kind: KindDefinition;
  /** Definition of the kind's list. */
  listSchema: string;
  /** Definition of the body of a subresource. */
  bodySchema: (body: { group: string; version: string; kind: string }) => string;
}

export interface Operations {
  /** By path, e.g. `/apis/apps/v1/namespaces/{namespace}/deployments/{name}`. */
  pathsOf(kinds: readonly OperationKind[]): Record<string, unknown>;
}

type Json = Record<string, unknown>;

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";
const STATUS = `${META}.Status`;
const DELETE_OPTIONS = `${META}.DeleteOptions`;
const PATCH = `${META}.Patch`;

const MEDIA_TYPES = ["application/json", "application/yaml"];
const BODY_TYPES = [...MEDIA_TYPES, "application/vnd.kubernetes.protobuf"];
const PATCH_TYPES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

type QueryOf = "none" | "list" | "write" | "patch" | "delete";

/** Query parameters by the verb that takes them. */
const QUERY: Readonly<Record<QueryOf, readonly (readonly [string, "string" | "integer" | "boolean"])[]>> = {
  none: [],
  list: [
    ["allowWatchBookmarks", "boolean"],
    ["continue", "string"],
    ["fieldSelector", "string"],
    ["labelSelector", "string"],
    ["limit", "integer"],
    ["resourceVersion", "string"],
    ["resourceVersionMatch", "string"],
    ["sendInitialEvents", "boolean"],
    ["timeoutSeconds", "integer"],
    ["watch", "boolean"],
  ],
  write: [
    ["dryRun", "string"],
    ["fieldManager", "string"],
    ["fieldValidation", "string"],
  ],
  patch: [
    ["dryRun", "string"],
    ["fieldManager", "string"],
    ["fieldValidation", "string"],
    ["force", "boolean"],
  ],
  delete: [
    ["dryRun", "string"],
    ["gracePeriodSeconds", "integer"],
    ["orphanDependents", "boolean"],
    ["propagationPolicy", "string"],
  ],
};

/** One operation before it is written in either version. */
interface Operation {
  /** Begins the operationId: "read", "replace" … */
  id: string;
  /** x-kubernetes-action */
  action: string;
  query: QueryOf;
  body?: string;
  bodyTypes?: readonly string[];
  result: string;
}

/** "rbac.authorization.k8s.io" → "RbacAuthorization", "v1beta1" → "V1beta1" */
function pascal(text: string): string {
  return text
    .replace(/\.k8s\.io$/, "")
    .split(/[.-]/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}

export function createOperations({ version }: { version: 2 | 3 }): Operations {
  function ref(schema: string): Json {
    return { $ref: version === 3 ? `#/components/schemas/${schema}` : `#/definitions/${schema}` };
  }

  function content(schema: string, types: readonly string[]): Json {
    return Object.fromEntries(types.map((type) => [type, { schema: ref(schema) }]));
  }

  function parameter(name: string, at: { in: "path" | "query"; type: string }): Json {
    const required = at.in === "path" ? { required: true } : {};
    if (version === 2) return { name, in: at.in, ...required, type: at.type, uniqueItems: true };
    return { name, in: at.in, ...required, schema: { type: at.type, uniqueItems: true } };
  }

  function written(operation: Operation, { kind, suffix, gvk }: Named): Json {
    const { body, bodyTypes = BODY_TYPES, result, query } = operation;
    const parameters = QUERY[query].map(([name, type]) => parameter(name, { in: "query", type }));
    const id = `${operation.id}${pascal(kind.group === "" ? "core" : kind.group)}${pascal(kind.version)}${suffix}`;
    const head = {
      tags: [
        `${(kind.group === "" ? "core" : kind.group).replace(/\.k8s\.io$/, "").replaceAll(/[.-]/g, "_")}_${kind.version}`,
      ],
      operationId: id,
    };
    const tail = { "x-kubernetes-action": operation.action, "x-kubernetes-group-version-kind": gvk };
    if (version === 3) {
      return {
        ...head,
        parameters,
        ...(body === undefined
          ? {}
          : { requestBody: { content: content(body, bodyTypes), required: query !== "delete" } }),
        responses: { "200": { description: "OK", content: content(result, MEDIA_TYPES) } },
        ...tail,
      };
    }
    const bodyParameter = { in: "body", name: "body", required: query !== "delete", schema: ref(body ?? "") };
    return {
      ...head,
      consumes: bodyTypes,
      produces: MEDIA_TYPES,
      schemes: ["https"],
      parameters: body === undefined ? parameters : [bodyParameter, ...parameters],
      responses: { "200": { description: "OK", schema: ref(result) } },
      ...tail,
    };
  }

  function item(operations: readonly (readonly [string, Operation])[], names: readonly string[], named: Named): Json {
    const out: Json = {};
    for (const [method, operation] of operations) out[method] = written(operation, named);
    out["parameters"] = names.map((name) => parameter(name, { in: "path", type: "string" }));
    return out;
  }

  function pathsOfKind(of: OperationKind): Json {
    const { kind } = of;
    const address = { group: kind.group, version: kind.version, resource: kind.plural, namespaced: kind.namespaced };
    const namespace = kind.namespaced ? "{namespace}" : "";
    const names = kind.namespaced ? ["namespace"] : [];
    const scope = kind.namespaced ? "Namespaced" : "";
    const gvk = { group: kind.group, version: kind.version, kind: kind.kind };
    const at = (more: { name?: string; subresource?: string }): string =>
      decodeURIComponent(resourcePath(address, { ...(namespace === "" ? {} : { namespace }), ...more }));

    const paths: Json = {};
    const add = (
      path: string,
      operations: readonly (readonly [string, Operation])[],
      more: string[],
      suffix: string,
      as = gvk,
    ): void => {
      if (operations.length > 0) paths[path] = item(operations, more, { kind, suffix, gvk: as });
    };
    const named = `${scope}${kind.kind}`;
    add(at({}), collection(of), names, named);
    add(at({ name: "{name}" }), single(of), [...names, "name"], named);
    if (kind.namespaced && kind.verbs.includes("list")) {
      const everywhere = collection(of).filter(([method]) => method === "get");
      add(resourcePath(address), everywhere, [], `${kind.kind}ForAllNamespaces`);
    }
    for (const subresource of kind.subresources) {
      const path = at({ name: "{name}", subresource: subresource.name });
      const suffix = `${named}${pascal(subresource.name)}`;
      add(path, operationsOn(subresource, of), [...names, "name"], suffix, subresource.body ?? gvk);
    }
    return paths;
  }

  return { pathsOf: (kinds) => Object.assign({}, ...kinds.map(pathsOfKind)) as Record<string, unknown> };
}

interface Named {
  kind: KindDefinition;
  /** Ends the operationId. */
  suffix: string;
  gvk: { group: string; version: string; kind: string };
}

/** Keeps the operations whose verb the kind has. */
function served(
  verbs: readonly Verb[],
  operations: readonly (readonly [Verb, string, Operation])[],
): (readonly [string, Operation])[] {
  return operations.filter(([verb]) => verbs.includes(verb)).map(([, method, operation]) => [method, operation]);
}

function collection({ kind, listSchema }: OperationKind): (readonly [string, Operation])[] {
  return served(kind.verbs, [
    ["list", "get", { id: "list", action: "list", query: "list", result: listSchema }],
    ["create", "post", { id: "create", action: "post", query: "write", body: kind.schema, result: kind.schema }],
    [
      "deletecollection",
      "delete",
      { id: "deleteCollection", action: "deletecollection", query: "delete", body: DELETE_OPTIONS, result: STATUS },
    ],
  ]);
}

function single({ kind: { schema, verbs } }: OperationKind): (readonly [string, Operation])[] {
  return served(verbs, [
    ["get", "get", { id: "read", action: "get", query: "none", result: schema }],
    ["update", "put", { id: "replace", action: "put", query: "write", body: schema, result: schema }],
    ["patch", "patch", patching(schema)],
    ["delete", "delete", { id: "delete", action: "delete", query: "delete", body: DELETE_OPTIONS, result: STATUS }],
  ]);
}

function patching(result: string): Operation {
  return { id: "patch", action: "patch", query: "patch", body: PATCH, bodyTypes: PATCH_TYPES, result };
}

function operationsOn(
  { body, verbs }: SubresourceDefinition,
  { kind, bodySchema }: OperationKind,
): (readonly [string, Operation])[] {
  const schema = body ? bodySchema(body) : kind.schema;
  return served(verbs, [
    ["get", "get", { id: "read", action: "get", query: "none", result: schema }],
    ["create", "post", { id: "create", action: "post", query: "write", body: schema, result: schema }],
    ["update", "put", { id: "replace", action: "put", query: "write", body: schema, result: schema }],
    ["patch", "patch", patching(schema)],
  ]);
}
