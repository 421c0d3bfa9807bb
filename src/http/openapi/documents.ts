/**
 * The OpenAPI documents of what is served: version 3, one a group-version with an index, and version 2 whole. They are large and the
 * same for everybody, so each is made when first asked for, compressed once, and only kept compressed. Their hashes follow from the
 * kinds without making them: the index names a hash for every document, and nobody reads all of them.
 */
import { compareGroups, compareVersions } from "../api-order.ts";
import { contentHash } from "../entity-tag.ts";
import { VERSION } from "../paths.ts";
import type { Schema } from "../../schema/schema.ts";
import { definitionsFor, type Rendering } from "./definitions.ts";
import { encodeDocument } from "./gnostic.ts";
import { pathItems, type Parameters } from "./path-items.ts";
import { STATUS, resourceListRoute, routesOf, type Route, type RoutedKind, type RouteFacts } from "./routes.ts";

export interface OpenApiDocument {
  /** Gzip of the text. */
  compressed: Uint8Array<ArrayBuffer>;
  /** Of the content, without quotes. */
  hash: string;
}

export interface OpenApi {
  /** `/openapi/v3`: the documents there are, each with an address that changes with its content. */
  v3Index(): Promise<OpenApiDocument>;
  /** The hash of a document as the index names it ("api/v1", "apis/apps/v1"), without making it. Undefined when there is none. */
  v3Hash(path: string): Promise<string | undefined>;
  v3(path: string): Promise<OpenApiDocument | undefined>;
  v2(encoding: "json" | "protobuf"): Promise<OpenApiDocument>;
}

export interface OpenApiDeps {
  kinds: readonly RoutedKind[];
  schema: Schema;
}

type Json = Record<string, unknown>;

/** Raise it when documents come out different for the same kinds: clients keep what is at a hashed address for a year. */
const FORM = 2;

const INFO = { title: "Kubernetes", version: VERSION.gitVersion };

const BEARER_TOKEN = {
  description: "Bearer Token authentication",
  type: "apiKey",
  name: "authorization",
  in: "header",
};

/** Prose and parameters: large, and needed by nothing else. */
interface Prose {
  parameters: Parameters;
  answersDeleted: ReadonlySet<string>;
  describe: Rendering["describe"];
}

export function createOpenApi({ kinds, schema }: OpenApiDeps): OpenApi {
  const groups = groupByPath(kinds);
  const kept = new Map<string, Promise<OpenApiDocument>>();

  /** Makes a document once; a failed attempt is not kept. */
  function once(key: string, make: () => Promise<OpenApiDocument>): Promise<OpenApiDocument> {
    const known = kept.get(key);
    if (known) return known;
    const made = make();
    kept.set(key, made);
    made.catch(() => kept.delete(key));
    return made;
  }

  function hashOf(members: readonly RoutedKind[]): Promise<string> {
    return contentHash(JSON.stringify([FORM, INFO.version, schema.specification, ...members.map(fingerprint)]));
  }

  async function v3Document(members: readonly RoutedKind[]): Promise<OpenApiDocument> {
    const { routes, prose } = await described(schema, members);
    const document = {
      openapi: "3.0.0",
      info: INFO,
      paths: pathItems(routes, { version: 3, parameters: prose.parameters }),
      components: {
        schemas: definitionsFor(schema, rootsOf(routes, members), { version: 3, describe: prose.describe }),
        securitySchemes: { BearerToken: BEARER_TOKEN },
      },
    };
    return { compressed: await gzip(JSON.stringify(document)), hash: await hashOf(members) };
  }

  async function v2Document(): Promise<Json> {
    const { routes, prose } = await described(schema, kinds);
    const { parameters, describe } = prose;
    return {
      swagger: "2.0",
      info: INFO,
      paths: pathItems(routes, { version: 2, parameters }),
      definitions: definitionsFor(schema, rootsOf(routes, kinds), { version: 2, describe }),
      parameters: sharedParameters(parameters),
      securityDefinitions: { BearerToken: BEARER_TOKEN },
      security: [{ BearerToken: [] }],
    };
  }

  async function indexDocument(): Promise<OpenApiDocument> {
    const entries = await Promise.all(
      [...groups].map(async ([path, members]) => {
        const serverRelativeURL = `/openapi/v3/${path}?hash=${await hashOf(members)}`;
        return [path, { serverRelativeURL }] as const;
      }),
    );
    const text = JSON.stringify({ paths: Object.fromEntries(entries) });
    return { compressed: await gzip(text), hash: await contentHash(text) };
  }

  return {
    v3Index: () => once("index", indexDocument),
    async v3Hash(path) {
      const members = groups.get(path);
      return members && (await hashOf(members));
    },
    async v3(path) {
      const members = groups.get(path);
      return members && (await once(path, () => v3Document(members)));
    },
    v2: (encoding) =>
      once(`v2 ${encoding}`, async () => {
        const document = await v2Document();
        const content = encoding === "json" ? JSON.stringify(document) : encodeDocument(document);
        return { compressed: await gzip(content), hash: await hashOf(kinds) };
      }),
  };
}

async function gzip(content: string | Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([content]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** By the path under `/openapi/v3`, in the order of discovery. */
function groupByPath(kinds: readonly RoutedKind[]): Map<string, RoutedKind[]> {
  const sorted = kinds.toSorted((a, b) => compareGroups(a.group, b.group) || compareVersions(a.version, b.version));
  return Map.groupBy(sorted, ({ group, version }) => (group === "" ? `api/${version}` : `apis/${group}/${version}`));
}

/** All that a kind adds to a document beside the specification. */
function fingerprint({ group, version, kind, plural, namespaced, verbs, subresources, schema }: RoutedKind): unknown[] {
  return [group, version, kind, plural, namespaced, verbs, subresources, schema];
}

async function described(schema: Schema, kinds: readonly RoutedKind[]): Promise<{ routes: Route[]; prose: Prose }> {
  const prose = await importProse();
  const facts: RouteFacts = {
    definitionOf: (gvk) => definitionOf(schema, gvk),
    hasParameters: (set) => Object.hasOwn(prose.parameters.sets, set),
    answersDeleted: (definition) => prose.answersDeleted.has(definition),
  };
  const versions = new Map(kinds.map(({ group, version }) => [`${group}/${version}`, { group, version }]));
  const routes = [
    ...Array.from(versions.values(), resourceListRoute),
    ...kinds.flatMap((kind) => routesOf(kind, facts)),
  ];
  return { routes: routes.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)), prose };
}

async function importProse(): Promise<Prose> {
  const { texts, definitions, parameters, answersDeleted } = await import("../../../.generated/descriptions.js");
  return {
    parameters: { ...parameters, shared: new Set(parameters.shared) },
    answersDeleted: new Set(answersDeleted),
    describe(definition, field = "") {
      const index = definitions[definition]?.[field];
      return index === undefined ? undefined : texts[index];
    },
  };
}

/** What the routes carry, and what no client should look for in vain. */
function rootsOf(routes: readonly Route[], kinds: readonly RoutedKind[]): Set<string> {
  const roots = new Set([STATUS, ...kinds.map(({ schema }) => schema)]);
  for (const { body, answers } of routes) {
    if (body) roots.add(body.schema);
    for (const { schema } of answers) if (schema !== undefined && schema !== "string") roots.add(schema);
  }
  return roots;
}

function sharedParameters({ published, shared, sharedBodies }: Parameters): Json {
  const bodies = Object.entries(sharedBodies).map(([schema, id]): [string, unknown] => {
    const required = schema.endsWith(".Patch") ? { required: true } : {};
    return [id, { in: "body", name: "body", ...required, schema: { $ref: `#/definitions/${schema}` } }];
  });
  const others = [...shared].map((id): [string, unknown] => [id, published[id]]);
  return Object.fromEntries([...bodies, ...others].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function definitionOf(schema: Schema, gvk: { group: string; version: string; kind: string }): string | undefined {
  const [label = ""] = gvk.group === "" ? ["core"] : gvk.group.split(".");
  const name = `io.k8s.api.${label}.${gvk.version}.${gvk.kind}`;
  return schema.definition(name) && name;
}
