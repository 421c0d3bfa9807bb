/** POST: the order in which a new object becomes a row. */
import { copyJson } from "../machinery/copy-json.ts";
import type { AdmissionAttributes } from "../admission/admission.ts";
import { formatTime, type KubeObject } from "../machinery/meta.ts";
import { badRequest, invalid } from "../machinery/status-error.ts";
import type { WriteCondition } from "../storage/storage.ts";
import {
  admissionAttributes,
  allocationContext,
  commit,
  named,
  written,
  type RegistryDeps,
  type Target,
  type WriteContext,
  type Written,
} from "./context.ts";
import { GENERATE_NAME_TRIES, generateName, generateNameConflict } from "./generate-name.ts";
import { faultsOf, metaErrors } from "./object-meta.ts";
import { mutate, setManagedFields } from "./admit.ts";
import { assertAffordable, lostWrite } from "./outcome.ts";
import type { Resource } from "./scheme.ts";
import { toStored } from "./stored-form.ts";

export interface CreateRequest {
  resource: Resource;
  namespace: string;
  /** Decoded and canonical. The registry owns it from here on and changes it. */
  object: KubeObject;
  /** Its managedFields are complete: it comes from an apply. */
  tracked?: boolean;
  context: WriteContext;
}

/** @throws StatusError Invalid, AlreadyExists, Forbidden, NotFound (the namespace) … */
export async function createObject(deps: RegistryDeps, request: CreateRequest): Promise<Written> {
  const { resource, namespace, context } = request;
  const { strategy } = resource;
  let object = request.object;
  const { resourceVersion } = object.metadata;
  if (resourceVersion !== undefined && resourceVersion !== "" && resourceVersion !== "0") {
    throw badRequest("resourceVersion should not be set on objects to be created");
  }
  object = toStored(resource, object);
  setIdentity(deps, request, object);
  strategy.default?.(object);
  trackCreation(deps, request, object);
  const admitted = admissionAttributes({ resource, namespace, name: object.metadata.name ?? "" }, context, {
    operation: "CREATE",
    object,
    oldObject: undefined,
  });
  await mutate(deps, admitted);
  object = admitted.object ?? object;
  strategy.default?.(object);
  return await createNamed(deps, request, admitted, object);
}

function setIdentity(deps: RegistryDeps, { resource, namespace }: CreateRequest, object: KubeObject): void {
  const { metadata } = object;
  if (resource.namespaced) metadata.namespace = namespace;
  else delete metadata.namespace;
  delete metadata.resourceVersion;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete (metadata as { selfLink?: string }).selfLink;
  metadata.uid = deps.random.uuid();
  metadata.creationTimestamp = formatTime(deps.clock.now());
  if (resource.strategy.countsGenerations === false) delete metadata.generation;
  else metadata.generation = 1;
}

/** Before admission, as in Kubernetes: what plugins and webhooks add is nobody's. */
function trackCreation(deps: RegistryDeps, { resource, tracked, context }: CreateRequest, object: KubeObject): void {
  if (tracked) return;
  const writing = { resource, subresource: "", manager: context.fieldManager };
  setManagedFields(object, deps.managedFields.created(writing, object));
}

async function createNamed(
  deps: RegistryDeps,
  { resource, namespace, context }: CreateRequest,
  admitted: AdmissionAttributes,
  template: KubeObject,
): Promise<Written> {
  const generated = !template.metadata.name && Boolean(template.metadata.generateName);
  const retried = generated || resource.strategy.allocate !== undefined;
  let name = "";
  for (let attempt = 1; ; attempt++) {
    const object = retried ? copyJson(template) : template;
    if (generated) object.metadata.name = generateName(template.metadata.generateName ?? "", deps.random);
    name = object.metadata.name ?? "";
    const target: Target = { resource, namespace, name };
    const conditions = await prepareNew(deps, target, { context, object, admitted, attempt });
    const final = admitted.object ?? object;
    if (context.dryRun) return await dryCreate(deps, target, final);
    const { quotas } = admitted;
    const { outcome, value } = await commit(deps, context, {
      target,
      object: final,
      conditions,
      op: "create",
      ...(quotas ? { quotas } : {}),
    });
    if (outcome.ok) return written(resource, value, outcome.revision, true);
    assertAffordable(target, outcome);
    admitted.stale = outcome.reason === "unexpected";
    const again = admitted.stale || outcome.reason === "taken" || (outcome.reason === "exists" && generated);
    if (!again) throw lostWrite(target, outcome.reason);
    if (attempt >= GENERATE_NAME_TRIES) {
      throw outcome.reason === "exists" ? generateNameConflict(named(target), name) : lostWrite(target, outcome.reason);
    }
  }
}

/** prepare → allocate → validate → validating admission. Returns the conditions of the write. */
async function prepareNew(
  deps: RegistryDeps,
  target: Target,
  request: { context: WriteContext; object: KubeObject; admitted: AdmissionAttributes; attempt: number },
): Promise<WriteCondition[]> {
  const { context, object, admitted, attempt } = request;
  const { resource, namespace, name } = target;
  const { strategy } = resource;
  strategy.prepareForCreate?.(object, { nowMs: deps.clock.now(), subresource: "", user: context.user });
  const allocated = (await strategy.allocate?.(object, undefined, allocationContext(deps, attempt))) ?? [];
  const final = deps.canonical(resource, object);
  const verified = (await strategy.verify?.(final)) ?? [];
  const errors = [
    ...metaErrors(resource, final, undefined),
    ...verified,
    ...faultsOf((seen) => strategy.validate?.(seen(final))),
    ...faultsOf((seen) => strategy.validateCreate?.(seen(final))),
    ...faultsOf((seen) => resource.kind.storedAs?.validate?.(seen(final), undefined)),
  ];
  if (errors.length > 0) throw invalid({ group: resource.group, kind: resource.kind.kind }, name, errors);
  admitted.object = final;
  admitted.name = name;
  await deps.admission.validate(admitted);
  for (const warning of strategy.warnings?.(final) ?? []) context.warn(warning);
  return withNamespace(resource.namespaced ? namespace : "", [...admitted.conditions, ...allocated]);
}

function withNamespace(namespace: string, conditions: WriteCondition[]): WriteCondition[] {
  const known = conditions.some((condition) => condition.kind === "namespace-active");
  return namespace === "" || known ? conditions : [{ kind: "namespace-active", name: namespace }, ...conditions];
}

/** What the store would have refused is looked up instead. */
async function dryCreate(deps: RegistryDeps, target: Target, object: KubeObject): Promise<Written> {
  const { resource, namespace, name } = target;
  if (resource.namespaced) {
    const { object: found } = await deps.storage.get({ resource: "namespaces", namespace: "", name: namespace });
    if (!found) throw lostWrite(target, "namespace-missing");
    const { metadata } = JSON.parse(found.value) as KubeObject;
    if (metadata.deletionTimestamp !== undefined) throw lostWrite(target, "namespace-terminating");
  }
  const { object: existing } = await deps.storage.get({ resource: resource.storageName, namespace, name });
  if (existing) throw lostWrite(target, "exists");
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object;
  return written(resource, JSON.stringify({ metadata, ...rest }), 0, true);
}
