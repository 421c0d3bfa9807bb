/**
 * The documents we make, held against the published OpenAPI of Kubernetes v1.36 for every resource it has, and the kinds we serve
 * against what it says of them: in their definitions, and in what discovery tells clients.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createOpenApi } from "../../src/http/openapi/documents.ts";
import type { RoutedKind } from "../../src/http/openapi/routes.ts";
import { kinds } from "../../src/kinds/index.ts";
import type { SubresourceDefinition } from "../../src/registry/kind.ts";
import { createSchema } from "../../src/schema/schema.ts";
import { createTestCluster } from "../harness/cluster.ts";

interface Operation {
  parameters?: object[];
  consumes?: string[];
  produces?: string[];
  responses: Record<string, { schema?: { $ref?: string } }>;
  "x-kubernetes-action"?: string;
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string };
}
type PathItem = Record<string, Operation>;
interface Specification {
  paths: Record<string, PathItem>;
  definitions: Record<string, object>;
  parameters: Record<string, object>;
}

const source = new URL("../../node_modules/@forklift-ui/types/src/generated/kubernetes/swagger.json", import.meta.url);
const published = JSON.parse(readFileSync(source, "utf8")) as Specification;

/** "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale" in its parts. */
function partsOf(path: string) {
  const match =
    /^\/(?:api|apis\/([^/]+))\/(v[^/]+)\/(namespaces\/\{namespace\}\/)?([a-z]+)(?:\/(\{name\})(?:\/([a-z]+)(\/\{path\})?)?)?$/.exec(
      path,
    );
  if (!match || path.includes("/watch/")) return undefined;
  const [, group = "", version = "", namespaced, plural = "", , subresource] = match;
  return { group, version, plural, namespaced: namespaced !== undefined, subresource };
}

const VERBS: Readonly<Record<string, string>> = {
  list: "list",
  post: "create",
  deletecollection: "deletecollection",
  get: "get",
  put: "update",
  patch: "patch",
  delete: "delete",
};
const CONNECT_VERBS: Readonly<Record<string, string>> = {
  get: "get",
  post: "create",
  put: "update",
  delete: "delete",
  patch: "patch",
};

/** Every resource that the specification has paths for. */
function publishedKinds(): Map<string, RoutedKind & { subresources: SubresourceDefinition[]; verbs: string[] }> {
  const found = new Map<string, RoutedKind & { subresources: SubresourceDefinition[]; verbs: string[] }>();
  for (const [path, item] of Object.entries(published.paths)) {
    const parts = partsOf(path);
    if (!parts) continue;
    const { group, version, plural, subresource } = parts;
    const key = `${group}/${version}/${plural}`;
    const known = found.get(key) ?? {
      group,
      version,
      plural,
      kind: "",
      namespaced: false,
      verbs: [],
      subresources: [],
      schema: "",
    };
    found.set(key, known);
    known.namespaced ||= parts.namespaced;
    for (const [method, operation] of Object.entries(item)) {
      const action = operation["x-kubernetes-action"];
      const gvk = operation["x-kubernetes-group-version-kind"];
      if (action === undefined || !gvk) continue;
      const verb = action === "connect" ? CONNECT_VERBS[method] : VERBS[action];
      if (verb === undefined) continue;
      if (subresource === undefined) addVerb(known, verb, { gvk, operation });
      else addSubresource(known, { subresource, verb, gvk });
    }
  }
  for (const kind of found.values()) {
    for (const subresource of kind.subresources) {
      const { body } = subresource;
      if (body?.group === kind.group && body.version === kind.version && body.kind === kind.kind)
        delete subresource.body;
    }
  }
  return found;
}

type Found = ReturnType<typeof publishedKinds> extends Map<string, infer Kind> ? Kind : never;
type Gvk = { group: string; version: string; kind: string };

function addVerb(kind: Found, verb: string, { gvk, operation }: { gvk: Gvk; operation: Operation }): void {
  if (!kind.verbs.includes(verb)) kind.verbs.push(verb);
  if (verb === "list" && JSON.stringify(operation).includes("list or watch") && !kind.verbs.includes("watch"))
    kind.verbs.push("watch");
  kind.kind = gvk.kind;
  const body = JSON.stringify(operation.responses["200"]);
  if (verb === "get" || verb === "create") kind.schema = /#\/definitions\/([^"]+)/.exec(body)?.[1] ?? "";
}

function addSubresource(
  kind: Found,
  { subresource, verb, gvk }: { subresource: string; verb: string; gvk: Gvk },
): void {
  let known = kind.subresources.find(({ name }) => name === subresource);
  if (!known) kind.subresources.push((known = { name: subresource, body: gvk, verbs: [] }));
  const verbs = known.verbs as string[];
  if (!verbs.includes(verb)) verbs.push(verb);
}

function served(types: string[] | undefined): string[] | undefined {
  return types?.filter((type) => !/protobuf|cbor/.test(type));
}

/** Without the encodings that we do not serve. */
function withoutEncodings(item: PathItem): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(item).map(([method, operation]) => {
      if (method === "parameters") return [method, operation];
      const { consumes, produces } = operation;
      return [
        method,
        {
          ...operation,
          ...(consumes ? { consumes: served(consumes) } : {}),
          ...(produces ? { produces: served(produces) } : {}),
        },
      ];
    }),
  );
}

async function read<T>(document: Promise<{ compressed: Uint8Array } | undefined>): Promise<T> {
  const made = await document;
  if (!made) throw new Error("there is no such document");
  return JSON.parse(gunzipSync(made.compressed).toString()) as T;
}

const everything = [...publishedKinds().values()];
const openApi = createOpenApi({ kinds: everything, schema: createSchema() });
const ours = read<Specification>(openApi.v2("json"));

describe("OpenAPI v2 of everything", () => {
  const paths = Object.keys(published.paths).filter(
    (path) => partsOf(path) || /^\/(api|apis\/[^/]+)\/v[^/]+\/$/.test(path),
  );

  it("has the paths that are published, and no other", async () => {
    expect(Object.keys((await ours).paths).toSorted()).toEqual(paths.toSorted());
    expect(paths.length).toBeGreaterThan(300);
  });

  it.each(paths)("%s", async (path) => {
    expect((await ours).paths[path]).toEqual(withoutEncodings(published.paths[path] ?? {}));
  });

  it("has the published definitions and shared parameters of what is reachable", async () => {
    const { definitions, parameters } = await ours;
    expect(Object.keys(definitions).length).toBeGreaterThan(600);
    for (const [name, definition] of Object.entries(definitions))
      expect(definition, name).toEqual(published.definitions[name]);
    for (const [name, parameter] of Object.entries(parameters))
      expect(parameter, name).toEqual(published.parameters[name]);
  });
});

describe("the kinds we serve", () => {
  const known = publishedKinds();

  it.each(kinds.map((kind) => [`${kind.plural} ${kind.group}/${kind.version}`, kind] as const))("%s", (_name, kind) => {
    const { group, version, plural } = kind;
    const theirs = known.get(`${group}/${version}/${plural}`);
    expect({ kind: kind.kind, namespaced: kind.namespaced, schema: kind.schema, verbs: kind.verbs.toSorted() }).toEqual(
      {
        kind: theirs?.kind,
        namespaced: theirs?.namespaced,
        schema: theirs?.schema,
        verbs: theirs?.verbs.toSorted(),
      },
    );
    for (const { name, body, verbs } of kind.subresources) {
      const subresource = theirs?.subresources.find((candidate) => candidate.name === name);
      const own =
        body && (body.group !== group || body.version !== version || body.kind !== kind.kind) ? body : undefined;
      expect({ name, body: own, verbs: verbs.toSorted() }).toEqual({
        name: subresource?.name,
        body: subresource?.body,
        verbs: subresource?.verbs.toSorted(),
      });
    }
  });
});

/** What OpenAPI does not say, of a stock v1.36 server: api/discovery of kubernetes/kubernetes. By group and plural. */
const SHORT_NAMES: Readonly<Record<string, readonly string[]>> = {
  "/componentstatuses": ["cs"],
  "/configmaps": ["cm"],
  "/endpoints": ["ep"],
  "/events": ["ev"],
  "/limitranges": ["limits"],
  "/namespaces": ["ns"],
  "/nodes": ["no"],
  "/persistentvolumeclaims": ["pvc"],
  "/persistentvolumes": ["pv"],
  "/pods": ["po"],
  "/replicationcontrollers": ["rc"],
  "/resourcequotas": ["quota"],
  "/serviceaccounts": ["sa"],
  "/services": ["svc"],
  "apiextensions.k8s.io/customresourcedefinitions": ["crd", "crds"],
  "apps/daemonsets": ["ds"],
  "apps/deployments": ["deploy"],
  "apps/replicasets": ["rs"],
  "apps/statefulsets": ["sts"],
  "autoscaling/horizontalpodautoscalers": ["hpa"],
  "batch/cronjobs": ["cj"],
  "certificates.k8s.io/certificatesigningrequests": ["csr"],
  "events.k8s.io/events": ["ev"],
  "networking.k8s.io/ingresses": ["ing"],
  "networking.k8s.io/ipaddresses": ["ip"],
  "networking.k8s.io/networkpolicies": ["netpol"],
  "policy/poddisruptionbudgets": ["pdb"],
  "scheduling.k8s.io/priorityclasses": ["pc"],
  "storage.k8s.io/storageclasses": ["sc"],
  "storage.k8s.io/volumeattributesclasses": ["vac"],
};

const IN_ALL = new Set([
  "/pods",
  "/replicationcontrollers",
  "/services",
  "apps/daemonsets",
  "apps/deployments",
  "apps/replicasets",
  "apps/statefulsets",
  "autoscaling/horizontalpodautoscalers",
  "batch/cronjobs",
  "batch/jobs",
]);

const EXTENSION_GROUPS = new Set(["admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io"]);

interface Discovered {
  resource: string;
  responseKind: { kind: string };
  scope: string;
  singularResource: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  subresources?: { subresource: string; responseKind: { kind: string }; verbs: string[] }[];
}

/** By "group/version/plural". */
async function discovered(): Promise<Map<string, Discovered>> {
  const api = await createTestCluster();
  const headers = { accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" };
  const found = new Map<string, Discovered>();
  for (const path of ["/api", "/apis"]) {
    const { body } = await api.call(path, { headers });
    const { items } = body as unknown as {
      items: { metadata: { name?: string }; versions: { version: string; resources: Discovered[] }[] }[];
    };
    for (const { metadata, versions } of items)
      for (const { version, resources } of versions)
        for (const resource of resources) found.set(`${metadata.name ?? ""}/${version}/${resource.resource}`, resource);
  }
  await api.stop();
  return found;
}

/** What is published and not served yet is listed in kinds-in-specification.test.ts. */
describe("discovery", () => {
  const known = publishedKinds();
  const found = discovered();

  it("has nothing that a stock server has not, and of each resource what a stock server says", async () => {
    for (const [key, own] of await found) {
      const theirs = known.get(key);
      if (!theirs) throw new Error(`${key} is none of Kubernetes`);
      const resource = `${theirs.group}/${theirs.plural}`;
      const categories = [
        ...(IN_ALL.has(resource) ? ["all"] : []),
        ...(EXTENSION_GROUPS.has(theirs.group) ? ["api-extensions"] : []),
      ];
      expect({ key, ...own, subresources: own.subresources?.map(({ subresource }) => subresource) ?? [] }).toEqual({
        key,
        resource: theirs.plural,
        responseKind: expect.objectContaining({ kind: theirs.kind }),
        scope: theirs.namespaced ? "Namespaced" : "Cluster",
        singularResource: theirs.kind.toLowerCase(),
        verbs: theirs.verbs.toSorted(),
        ...(SHORT_NAMES[resource] ? { shortNames: SHORT_NAMES[resource] } : {}),
        ...(categories.length > 0 ? { categories } : {}),
        subresources: theirs.subresources
          .map(({ name }) => name)
          .filter((name) => !MISSING_SUBRESOURCES.includes(`${resource}/${name}`))
          .toSorted(),
      });
    }
  });

  it("has every group-version of which anything is served, and every resource that a kind is made for", async () => {
    const keys = new Set((await found).keys());
    expect(
      kinds.map(({ group, version, plural }) => `${group}/${version}/${plural}`).filter((key) => !keys.has(key)),
    ).toEqual([]);
    const short = Object.keys(SHORT_NAMES).filter(
      (name) => ![...known.values()].some(({ group, plural }) => `${group}/${plural}` === name),
    );
    expect(short, "short names of what is not published").toEqual([]);
  });
});

/** Not served yet: a line goes with each that comes, or the test above fails. */
const MISSING_SUBRESOURCES: readonly string[] = [];
