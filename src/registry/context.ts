/** What the verbs of the registry share: their dependencies, and the way from an object to its stored row and back. */
import type { AdmissionAttributes } from "../admission/admission.ts";
import type { User } from "../authn/authenticator.ts";
import type { Hub } from "../hub/hub.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { byteLength } from "../machinery/names.ts";
import { StatusError } from "../machinery/status-error.ts";
import type { Clock, Random } from "../platform/platform.ts";
import type { PreparedWrite, StorageReader, StoredObject, WriteCondition, WriteOutcome } from "../storage/storage.ts";
import { renderObject, storedValue } from "../storage/stored-value.ts";
import { companionWrites } from "./companions.ts";
import type { ManagedFields } from "./managed-fields.ts";
import type { Resource, Scheme } from "./scheme.ts";
import { currentValue } from "./stored-form.ts";
import type { AllocationContext } from "./strategy.ts";

/** All admission plugins as one; see admission/index.ts for their order. */
export interface AdmissionChain {
  mutate(attributes: AdmissionAttributes): Promise<void> | void;
  validate(attributes: AdmissionAttributes): Promise<void> | void;
}

export interface RegistryDeps {
  storage: StorageReader;
  hub: Hub;
  scheme: Scheme;
  admission: AdmissionChain;
  clock: Clock;
  random: Random;
  serviceCidr: string;
  managedFields: ManagedFields;
  /** Brings a complete object into its canonical form (quantities, dropped zero values), in place or as a copy. */
  canonical(resource: Resource, obj: KubeObject): KubeObject;
}

/** Who writes, and how. One per request. */
export interface WriteContext {
  user: User;
  /** Whose change it is, for metadata.managedFields. */
  fieldManager: string;
  dryRun: boolean;
  /** Becomes a `Warning: 299` header. */
  warn: (text: string) => void;
  /** Becomes an annotation of the request's audit events; absent where nobody keeps them. */
  annotate?: ((key: string, text: string) => void) | undefined;
  /** That the user may: held to the policy as it is when the write is stored. */
  authorization: WriteAuthorization;
}

/** See Authorization in authz/: what a write needs of it. */
export interface WriteAuthorization {
  assert(question: () => Promise<{ revision?: number }>): Promise<void>;
  condition(): WriteCondition | undefined;
  renew(): Promise<void>;
  settle(): void;
}

export interface Target {
  resource: Resource;
  /** "" for cluster-scoped kinds. */
  namespace: string;
  name: string;
}

/** An object as it was written (or would have been, in a dry run). */
export interface Written {
  /** JSON as it is served. */
  text: string;
  created: boolean;
  /** The same as an object: parsed anew on each call, as few answers need it. */
  read(): KubeObject;
}

export function renderStored(resource: Resource, stored: StoredObject): string {
  return renderObject(currentValue(resource, stored), stored.revision, resource.head);
}

export type CommitRequest = {
  target: Target;
  /** In the stored form. */
  object: KubeObject;
  /** Of an update: what it changes. */
  old?: KubeObject;
  conditions: readonly WriteCondition[];
  /** See AdmissionAttributes. */
  quotas?: AdmissionAttributes["quotas"];
} & ({ op: "create" } | { op: "update" | "delete"; expected: number });

/** What Kubernetes' store takes of one object. */
const OBJECT_BYTES_MAX = 1.5 * 1024 * 1024;

/** @throws StatusError "RequestEntityTooLarge" */
function assertStorable(value: string): void {
  // No character of a string has more than three bytes.
  if (value.length * 3 <= OBJECT_BYTES_MAX || byteLength(value) <= OBJECT_BYTES_MAX) return;
  throw new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${OBJECT_BYTES_MAX}`);
}

/** Times the permissions of a writer may change under a write. */
const AUTHORIZATIONS_MAX = 64;

/** Hands a finished object to the hub. @throws StatusError "RequestEntityTooLarge", "Forbidden" where the writer may not any more */
export async function commit(
  deps: RegistryDeps,
  { authorization }: Pick<WriteContext, "authorization">,
  request: CommitRequest,
): Promise<{ outcome: WriteOutcome; value: string }> {
  const write = preparedWrite(deps, request);
  for (let attempt = 1; ; attempt++) {
    const outcome = await deps.hub.write(conditional(write, authorization.condition(), deps));
    if (outcome.ok) authorization.settle();
    if (outcome.ok || outcome.reason !== "policy" || attempt >= AUTHORIZATIONS_MAX) {
      return { outcome, value: write.value };
    }
    await authorization.renew();
  }
}

function conditional(
  write: PreparedWrite,
  condition: WriteCondition | undefined,
  { random }: RegistryDeps,
): PreparedWrite {
  if (!condition) return write;
  // Another attempt is another write: the one before is known to be lost.
  return { ...write, writeId: random.uuid(), conditions: [...(write.conditions ?? []), condition] };
}

/** @throws StatusError "RequestEntityTooLarge" */
function preparedWrite(deps: RegistryDeps, request: CommitRequest): PreparedWrite {
  const { resource, namespace, name } = request.target;
  const { strategy } = resource;
  const value = storedValue(request.object);
  if (request.op !== "delete") assertStorable(value);
  const expiresMs = strategy.expiresMs?.(request.object, deps.clock.now());
  const companions = companionWrites(deps, request);
  const { conditions, charges } = withQuotas(request);
  const base = {
    resource: resource.storageName,
    namespace,
    name,
    writeId: deps.random.uuid(),
    uid: request.object.metadata.uid ?? "",
    form: resource.form,
    labels: request.object.metadata.labels ?? {},
    fields: strategy.fields?.(request.object) ?? {},
    value,
    ...(expiresMs === undefined ? {} : { expiresMs }),
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(charges.length === 0 ? {} : { charges }),
    ...(companions.length === 0 ? {} : { companions }),
  };
  return request.op === "create" ? { ...base, op: "create" } : { ...base, op: request.op, expected: request.expected };
}

/** That no other quota has come is for the write itself to see: there is no other moment at which to look. */
function withQuotas({
  target,
  conditions,
  quotas,
}: CommitRequest): Required<Pick<PreparedWrite, "conditions" | "charges">> {
  if (!quotas) return { conditions, charges: [] };
  const { uids, charges } = quotas;
  const only: WriteCondition = { kind: "only", resource: "resourcequotas", namespace: target.namespace, uids };
  return { conditions: [...conditions, only], charges };
}

/** What a write answers. `value` is in the stored form. */
export function written(resource: Resource, value: string, revision: number, created: boolean): Written {
  const served = currentValue(resource, { form: resource.form, value, revision });
  // A dry run of a create has no revision to show.
  const text = revision > 0 ? renderObject(served, revision, resource.head) : `{${resource.head}${served.slice(1)}`;
  return { text, created, read: () => JSON.parse(text) as KubeObject };
}

export function admissionAttributes(
  target: Target,
  context: WriteContext,
  rest: Pick<AdmissionAttributes, "operation" | "object" | "oldObject"> & { subresource?: string },
): AdmissionAttributes {
  return {
    group: target.resource.group,
    version: target.resource.version,
    kind: target.resource.kind.kind,
    resource: target.resource.plural,
    namespace: target.namespace,
    name: target.name,
    user: context.user,
    dryRun: context.dryRun,
    conditions: [],
    warn: context.warn,
    ...(context.annotate ? { annotate: context.annotate } : {}),
    authorization: context.authorization,
    subresource: "",
    ...rest,
  };
}

export function allocationContext(deps: RegistryDeps, attempt: number): AllocationContext {
  return {
    serviceCidr: deps.serviceCidr,
    random: deps.random,
    attempt,
    async isUsed({ resource, field, value }) {
      const selector = { labels: [], fields: [{ field, operator: "=" as const, value }] };
      const { objects } = await deps.storage.list({ resource, selector, limit: 1 });
      return objects.length > 0;
    },
    exists: async (key) => (await deps.storage.get(key)).object !== undefined,
    async used(resource, field) {
      const { objects } = await deps.storage.list({ resource });
      const values = new Set<string>();
      for (const object of objects) {
        const value = field === "metadata.name" ? object.name : object.fields[field];
        if (value !== undefined && value !== "") values.add(value);
      }
      return values;
    },
  };
}

/** How messages name the kind of a target. */
export function named(target: { resource: Resource }): { group: string; resource: string } {
  return { group: target.resource.group, resource: target.resource.plural };
}
