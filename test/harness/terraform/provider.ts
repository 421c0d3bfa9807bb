/**
 * What `kubernetes_manifest` of Terraform's provider for Kubernetes does for one object: the requests of a plan, an apply, a refresh and
 * a destruction, one by one and with the headers of its client library, and what it makes of the answers. After
 * terraform-provider-kubernetes/manifest/provider (2.38).
 */
import type { KubeObject } from "../../../src/machinery/meta.ts";
import type { Status } from "../../../src/machinery/status-error.ts";
import type { Answer, TestRequest } from "../cluster.ts";
import { createFoundry, type Foundry, type SchemaNode, type TerraformType } from "./types.ts";
import {
  completed,
  fromConfiguration,
  fromServer,
  inconsistencies,
  isFields,
  known,
  toPayload,
  UNKNOWN,
  type Value,
} from "./values.ts";

/** What stands in the configuration. */
export type Configuration = KubeObject & { apiVersion: string; kind: string };

/** What Terraform remembers of an object. */
export interface State {
  manifest: Configuration;
  object: Value;
}

export interface FieldManager {
  name?: string;
  forceConflicts?: boolean;
}

/** A request that failed, as the provider tells it. */
export class ProviderError extends Error {
  readonly status: Status;

  constructor(status: Status) {
    super(status.message ?? "");
    this.name = "ProviderError";
    this.status = status;
  }
}

export interface TerraformProvider {
  /** The object as it is planned to be, with UNKNOWN where the server decides. Without a prior state it is to be created. */
  plan(manifest: Configuration, prior?: State): Promise<Value>;
  /** Creates it, or updates what there is of `prior`. Throws ProviderError, and for an answer that is not what was planned. */
  apply(manifest: Configuration, prior?: State, manager?: FieldManager): Promise<State>;
  /** Undefined: the object is gone. */
  refresh(state: State): Promise<State | undefined>;
  destroy(state: State): Promise<void>;
}

type Call = <T>(path: string, init?: TestRequest) => Promise<Answer<T>>;

interface Resource {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
}

/** Of client-go: its plain client, its dynamic one, and the one for discovery. */
const PLAIN = { accept: "application/json, */*" };
const DYNAMIC = { accept: "application/json" };
const DISCOVERY = {
  accept: [
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
    "application/json",
  ].join(","),
};

/** By default the provider lets the server decide on these. */
const COMPUTED = ["metadata.annotations", "metadata.labels"];
const SERVER_SIDE = ["uid", "creationTimestamp", "resourceVersion", "generation", "selfLink", "managedFields"];

/** A provider that has just started: it asks for discovery and types once, and keeps them. */
export async function createTerraformProvider(call: Call): Promise<TerraformProvider> {
  const ask = async <T>(path: string, init?: TestRequest): Promise<T> => {
    const answer = await call<T>(path, init);
    if (answer.status < 400) return answer.body;
    throw new ProviderError(answer.body as Status);
  };
  await ask("/apis", { headers: PLAIN });
  const resources = [...(await discovered(ask, "/api")), ...(await discovered(ask, "/apis"))];
  const foundry = createFoundry(await ask("/openapi/v2", { headers: PLAIN }));

  function resourceOf({ apiVersion, kind, metadata }: Configuration): Resource {
    const found = resources.find((one) => apiVersionOf(one) === apiVersion && one.kind === kind);
    if (!found) throw new Error(`no matches for kind ${kind} in version ${apiVersion}`);
    const { namespace } = metadata;
    if (found.namespaced !== (namespace !== undefined))
      throw new Error(`${kind} ${found.namespaced ? "requires" : "cannot have"} a namespace`);
    return found;
  }

  const pathOf = (manifest: Configuration): string => {
    const { group, version, plural } = resourceOf(manifest);
    const { namespace, name } = manifest.metadata;
    const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
    return `${group === "" ? "/api" : `/apis/${group}`}/${version}${scope}/${plural}/${name}`;
  };

  async function patch(manifest: Configuration, body: unknown, manager: FieldManager): Promise<KubeObject> {
    const { name = "Terraform", forceConflicts = false } = manager;
    const query = `fieldManager=${name}&force=${String(forceConflicts)}`;
    return await ask<KubeObject>(`${pathOf(manifest)}?${query}`, {
      method: "PATCH",
      headers: { ...DYNAMIC, "content-type": "application/apply-patch+yaml" },
      body,
    });
  }

  const typeOf = async (manifest: Configuration): Promise<TerraformType> =>
    await typeFromServer(ask, foundry, resourceOf(manifest));

  async function plan(manifest: Configuration, prior?: State): Promise<Value> {
    const type = await typeOf(manifest);
    // Without a schema it would ask for a dry run and have nothing to plan with; no kind of ours is such a one.
    if (type.form !== "object") throw new Error(`${manifest.kind} has no schema`);
    const configured = fromConfiguration(manifest, type);
    const whole = completed(configured, type);
    if (!prior) return created(whole);
    return updated(whole, { before: prior.manifest, now: manifest, object: prior.object });
  }

  return {
    plan,
    async apply(manifest, prior, manager = {}) {
      const planned = await plan(manifest, prior);
      const type = await typeOf(manifest);
      if (!prior) await assertAbsent(call, pathOf(manifest));
      const wanted = known(withConfigured(planned, manifest));
      const object = await patch(manifest, toPayload(wanted, type, manifest as unknown as Value), manager);
      const state = stateOf(manifest, object, type);
      const other = inconsistencies(planned, state.object);
      if (other.length > 0) throw new Error(`Provider produced inconsistent result after apply: ${other.join(", ")}`);
      return state;
    },
    async refresh({ manifest }) {
      const answer = await call<KubeObject>(pathOf(manifest), { headers: DYNAMIC });
      if (answer.status === 404) return undefined;
      if (answer.status >= 400) throw new ProviderError(answer.body as unknown as Status);
      return stateOf(manifest, answer.body, await typeOf(manifest));
    },
    async destroy({ manifest }) {
      await ask(pathOf(manifest), {
        method: "DELETE",
        headers: DYNAMIC,
        body: { kind: "DeleteOptions", apiVersion: manifest.apiVersion },
      });
    },
  };
}

function stateOf(manifest: Configuration, object: KubeObject, type: TerraformType): State {
  return { manifest, object: known(completed(fromServer(withoutServerSide(object), type), type)) };
}

function apiVersionOf({ group, version }: Resource): string {
  return group === "" ? version : `${group}/${version}`;
}

type Ask = <T>(path: string, init?: TestRequest) => Promise<T>;

interface Discovery {
  items: {
    metadata: { name?: string };
    versions: { version: string; resources: { resource: string; scope: string; responseKind: { kind: string } }[] }[];
  }[];
}

async function discovered(ask: Ask, root: string): Promise<Resource[]> {
  const { items } = await ask<Discovery>(root, { headers: DISCOVERY });
  return items.flatMap(({ metadata: { name: group = "" }, versions }) =>
    versions.flatMap(({ version, resources }) =>
      resources.map(({ resource: plural, scope, responseKind: { kind } }) => {
        return { group, version, plural, kind, namespaced: scope === "Namespaced" };
      }),
    ),
  );
}

interface StoredDefinition {
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema?: { openAPIV3Schema?: SchemaNode } }[];
  };
}

/** Of what a definition defines its schema is read there, and of everything else in OpenAPI. */
async function typeFromServer(ask: Ask, foundry: Foundry, { group, version, kind }: Resource): Promise<TerraformType> {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const { items } = await ask<{ items: StoredDefinition[] }>(path, { headers: DYNAMIC });
  const definition = items.find(({ spec }) => spec.group === group && spec.names.kind === kind);
  const schema = definition?.spec.versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema;
  return schema ? foundry.typeOfSchema(schema) : foundry.typeOf({ group, version, kind });
}

async function assertAbsent(call: Call, path: string): Promise<void> {
  const { status } = await call(path, { headers: DYNAMIC });
  if (status !== 404) throw new Error(`${path}: ${status}, and it was to be created`);
}

function created(value: Value): Value {
  return replaced(value, (path, old) => (COMPUTED.includes(path) ? UNKNOWN : old));
}

/**
 * What the configuration sets is what it says. What it has set before and no longer does is for the server to decide. Everything else is
 * as it was.
 */
function updated(
  value: Value,
  { before, now, object }: { before: Configuration; now: Configuration; object: Value },
): Value {
  return replaced(value, (path, old, keys) => {
    const was = at(before as unknown as Value, keys);
    const prior = at(object, keys);
    if (old === UNKNOWN) return was === undefined && prior !== undefined ? prior : old;
    if (!COMPUTED.includes(path)) return old;
    const is = at(now as unknown as Value, keys);
    return is !== undefined && JSON.stringify(was) !== JSON.stringify(is) ? UNKNOWN : prior === undefined ? old : prior;
  });
}

/** With what the configuration says of the parts that were left to the server. */
function withConfigured(planned: Value, manifest: Configuration): Value {
  return replaced(planned, (path, old, keys) =>
    COMPUTED.includes(path) && old === UNKNOWN ? (at(manifest as unknown as Value, keys) ?? old) : old,
  );
}

type Key = string | number;

function at(value: Value | undefined, keys: readonly Key[]): Value | undefined {
  let found = value;
  for (const key of keys) {
    found = Array.isArray(found) ? found[Number(key)] : isFields(found) ? found[key] : undefined;
    if (found === undefined) return undefined;
  }
  return found;
}

/** From the leaves up. */
function replaced(value: Value, replace: (path: string, old: Value, keys: Key[]) => Value, keys: Key[] = []): Value {
  let parts = value;
  if (Array.isArray(value)) parts = value.map((item, index) => replaced(item, replace, [...keys, index]));
  else if (isFields(value))
    parts = Object.fromEntries(Object.entries(value).map(([key, of]) => [key, replaced(of, replace, [...keys, key])]));
  return replace(keys.join("."), parts, keys);
}

function withoutServerSide({ metadata, status: _status, ...rest }: KubeObject): object {
  const kept = Object.entries(metadata).filter(([key]) => !SERVER_SIDE.includes(key));
  return { ...rest, metadata: Object.fromEntries(kept) };
}
