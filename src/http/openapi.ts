/**
 * OpenAPI documents of the kinds that are served: version 3, one document a group-version with an index (kubectl explain and
 * apply read them), and version 2 as JSON. Made when first asked for; the prose is imported only then.
 */
import type { KindDefinition } from "../registry/kind.ts";
import type { Schema, StructureSchema } from "../schema/schema.ts";
import { readOnly, type PathHandler, type ServedPaths } from "./paths.ts";
import { createOperations, type OperationKind } from "./openapi-operations.ts";

export interface OpenApiDocument {
  /** JSON text. */
  body: string;
  /** Quoted, as the header carries it. */
  etag: string;
}

export interface OpenApi {
  /** `/openapi/v3`: the documents there are, each with an address that changes with its content. */
  v3Index(): Promise<OpenApiDocument>;
  /** `path` as the index names it, e.g. "api/v1" or "apis/apps/v1". Undefined when nothing is served there. */
  v3(path: string): Promise<OpenApiDocument | undefined>;
  v2(): Promise<OpenApiDocument>;
}

type Json = Record<string, unknown>;
type Describe = (definition: string, field?: string) => string | undefined;

const INFO = { title: "Kubernetes", version: "v1.36.0" };
const META = "io.k8s.apimachinery.pkg.apis.meta.v1";

/** Types that every document needs: what deletions, patches and failures carry. */
const ALWAYS = [`${META}.DeleteOptions`, `${META}.Patch`, `${META}.Status`];

export function createOpenApi({ kinds, schema }: { kinds: readonly KindDefinition[]; schema: Schema }): OpenApi {
  const groups = groupByPath(kinds);
  const documents = new Map<string, Promise<OpenApiDocument>>();

  /** Makes a document once; a failed attempt is not kept. */
  function once(key: string, make: () => Promise<OpenApiDocument>): Promise<OpenApiDocument> {
    const known = documents.get(key);
    if (known) return known;
    const made = make();
    documents.set(key, made);
    made.catch(() => documents.delete(key));
    return made;
  }

  /** Known without making the document: the same structure of the same kinds is the same text. */
  function hashOf(members: readonly KindDefinition[]): Promise<string> {
    const names = [...reachable(schema, rootsOf(schema, members))].toSorted();
    const structures = names.map((name) => `${name} ${JSON.stringify(schema.definition(name))}`);
    return digest([INFO.version, ...members.map(fingerprint), ...structures].join("\n"));
  }

  async function v3Document(members: readonly KindDefinition[]): Promise<OpenApiDocument> {
    const described = await importDescriptions();
    const names = [...reachable(schema, rootsOf(schema, members))].toSorted();
    const schemas: Json = {};
    for (const name of names) schemas[name] = definitionFor(schema, name, { describe: described, version: 3 });
    const body = JSON.stringify({
      openapi: "3.0.0",
      info: INFO,
      paths: createOperations({ version: 3 }).pathsOf(members.map((kind) => operationKind(schema, kind))),
      components: {
        schemas,
        securitySchemes: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } },
      },
    });
    return { body, etag: `"${await hashOf(members)}"` };
  }

  async function v2Document(): Promise<OpenApiDocument> {
    const described = await importDescriptions();
    const names = [...reachable(schema, rootsOf(schema, kinds))].toSorted();
    const definitions: Json = {};
    for (const name of names) definitions[name] = definitionFor(schema, name, { describe: described, version: 2 });
    const body = JSON.stringify({
      swagger: "2.0",
      info: INFO,
      paths: createOperations({ version: 2 }).pathsOf(kinds.map((kind) => operationKind(schema, kind))),
      definitions,
      securityDefinitions: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } },
      security: [{ BearerToken: [] }],
    });
    return { body, etag: `"${await hashOf(kinds)}"` };
  }

  async function indexDocument(): Promise<OpenApiDocument> {
    const entries = await Promise.all(
      [...groups].map(async ([path, members]) => {
        const serverRelativeURL = `/openapi/v3/${path}?hash=${await hashOf(members)}`;
        return [path, { serverRelativeURL }] as const;
      }),
    );
    const body = JSON.stringify({ paths: Object.fromEntries(entries) });
    return { body, etag: `"${await digest(body)}"` };
  }

  return {
    v3Index: () => once("index", indexDocument),
    v2: () => once("v2", v2Document),
    async v3(path) {
      const members = groups.get(path);
      return members && once(path, () => v3Document(members));
    },
  };
}

const V3 = "/openapi/v3";

/** The requests: `/openapi/v2`, `/openapi/v3` and `/openapi/v3/<path>`. */
export function createOpenApiPaths(openApi: OpenApi): ServedPaths {
  const v2: PathHandler = (request, at) => {
    // Clients that want protobuf here fall back to what they know of built-in types when they are refused.
    const accept = request.headers.get("accept") ?? "*/*";
    const takesJson = /(?:application\/(?:json|\*)|\*\/\*)(?:\s*[,;]|\s*$)/.test(accept);
    return takesJson ? answering(() => openApi.v2())(request, at) : new Response(null, { status: 406 });
  };

  function find(path: string): PathHandler | undefined {
    if (path === "/openapi/v2") return readOnly(v2);
    if (path === V3 || path === `${V3}/`) return readOnly(answering(() => openApi.v3Index()));
    return path.startsWith(`${V3}/`) ? readOnly(answering(() => openApi.v3(path.slice(V3.length + 1)))) : undefined;
  }
  return { find, listed: ["/openapi/v2", V3, `${V3}/`] };
}

/** Answers with a document, or says that the client has it already. */
function answering(find: () => Promise<OpenApiDocument | undefined>): PathHandler {
  return async (request, { query }) => {
    const document = await find();
    if (!document) return notFound();
    const headers = new Headers({ "content-type": "application/json", etag: document.etag, vary: "Accept" });
    // An address that carries the hash never means another text.
    const hash = new URLSearchParams(query).get("hash");
    if (hash !== null && document.etag === `"${hash}"`)
      headers.set("cache-control", "public, immutable, max-age=31536000");
    if (request.headers.get("if-none-match") === document.etag) return new Response(null, { status: 304, headers });
    return new Response(document.body, { headers });
  };
}

function notFound(): Response {
  const message = "the server could not find the requested resource";
  const status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason: "NotFound",
    code: 404,
  };
  return Response.json(status, { status: 404 });
}

function groupByPath(kinds: readonly KindDefinition[]): Map<string, KindDefinition[]> {
  const groups = new Map<string, KindDefinition[]>();
  for (const kind of kinds) {
    const path = kind.group === "" ? `api/${kind.version}` : `apis/${kind.group}/${kind.version}`;
    const members = groups.get(path);
    if (members) members.push(kind);
    else groups.set(path, [kind]);
  }
  return groups;
}

/** All that a kind adds to a document beside its schema. */
function fingerprint({ group, version, kind, plural, namespaced, verbs, subresources }: KindDefinition): string {
  return JSON.stringify({ group, version, kind, plural, namespaced, verbs, subresources });
}

async function importDescriptions(): Promise<Describe> {
  const { texts, definitions } = await import("../../.generated/descriptions.js");
  return (definition, field = "") => {
    const index = definitions[definition]?.[field];
    return index === undefined ? undefined : texts[index];
  };
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
}

/** The definition of a type that is no kind of ours, e.g. autoscaling/v1 Scale; undefined when it has none. */
function definitionOf(schema: Schema, gvk: { group: string; version: string; kind: string }): string | undefined {
  const [label = ""] = gvk.group === "" ? ["core"] : gvk.group.split(".");
  const name = `io.k8s.api.${label}.${gvk.version}.${gvk.kind}`;
  return schema.definition(name) && name;
}

function operationKind(schema: Schema, kind: KindDefinition): OperationKind {
  const list = `${kind.schema}List`;
  return {
    kind,
    listSchema: schema.definition(list) ? list : kind.schema,
    bodySchema: (body) => definitionOf(schema, body) ?? kind.schema,
  };
}

function rootsOf(schema: Schema, kinds: readonly KindDefinition[]): string[] {
  return kinds.flatMap((kind) => {
    const { listSchema, bodySchema } = operationKind(schema, kind);
    const bodies = kind.subresources.flatMap(({ body }) => (body ? [bodySchema(body)] : []));
    return [kind.schema, listSchema, ...bodies];
  });
}

/** These definitions and all that they refer to. */
function reachable(schema: Schema, roots: readonly string[]): Set<string> {
  const found = new Set<string>();
  const queue = [...ALWAYS, ...roots];
  const visit = (node: StructureSchema | undefined): void => {
    if (!node) return;
    if (node.$ref !== undefined) queue.push(node.$ref);
    visit(node.items);
    visit(node.additionalProperties);
    for (const member of Object.values(node.properties ?? {})) visit(member);
  };
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    visit(schema.definition(name));
  }
  return found;
}

interface Rendering {
  describe: Describe;
  version: 2 | 3;
}

/** Types whose JSON is one of two: version 3 can say so. */
const UNIONS: Readonly<Record<string, readonly string[]>> = {
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": ["integer", "string"],
  "io.k8s.apimachinery.pkg.api.resource.Quantity": ["string", "number"],
};

function definitionFor(schema: Schema, name: string, rendering: Rendering): Json {
  const definition = schema.definition(name) ?? {};
  const out = rendered(definition, rendering);
  const description = rendering.describe(name);
  const union = rendering.version === 3 ? UNIONS[name] : undefined;
  if (union) {
    delete out["type"];
    out["oneOf"] = union.map((type) => ({ type }));
  }
  if (definition.properties) {
    const fields = Object.entries(definition.properties).map(([field, member]) => {
      return [field, rendered(member, rendering, rendering.describe(name, field))] as const;
    });
    out["properties"] = Object.fromEntries(fields);
  }
  return description === undefined ? out : { description, ...out };
}

/** A schema in place, with its references as the version writes them. */
function rendered(node: StructureSchema, rendering: Rendering, description?: string): Json {
  const { $ref, items, additionalProperties, properties: _properties, ...rest } = node;
  const out: Json = { ...(description === undefined ? {} : { description }), ...rest };
  if (items) out["items"] = rendered(items, rendering);
  if (additionalProperties) out["additionalProperties"] = rendered(additionalProperties, rendering);
  if ($ref === undefined) return out;
  if (rendering.version === 2) return { ...out, $ref: `#/definitions/${$ref}` };
  const target = { $ref: `#/components/schemas/${$ref}` };
  // In version 3 a reference hides what stands beside it.
  return Object.keys(out).length === 0 ? target : { ...out, allOf: [target] };
}
