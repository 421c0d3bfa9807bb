/** PUT and PATCH: compare-and-swap against the current state, tried again where the client did not name a revision. */
import type { KubeObject, ObjectMeta } from "../machinery/meta.ts";
import {
  OBJECT_MODIFIED,
  badRequest,
  conflict,
  fieldError,
  invalid,
  notFound,
  type FieldError,
} from "../machinery/status-error.ts";
import type { StoredObject, WriteCondition } from "../storage/storage.ts";
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
import { mutate, setManagedFields } from "./admit.ts";
import { isReadyToRemove } from "./deletion.ts";
import { sameButTimes } from "./managed-fields.ts";
import { faultsOf, metaErrors } from "./object-meta.ts";
import { assertAffordable, lostWrite } from "./outcome.ts";
import { sameJson } from "./same-json.ts";
import { decodeStored, toStored } from "./stored-form.ts";

/**
 * What of the object a request may change.
 * - "object": everything but status (where the kind has it as a subresource)
 * - "status": status alone, and annotations
 * - "whole": the handler of a subresource made the new state by itself (binding, finalize); no strategy carries anything over
 */
export type UpdateScope = "object" | "status" | "whole";

export interface UpdateRequest extends Target {
  scope: UpdateScope;
  /** For admission and the strategy: "", "status", "scale", "binding" … */
  subresource: string;
  /** Makes the wanted state from the current one, which it leaves alone. Called anew on each try. */
  produce(old: KubeObject): KubeObject | Promise<KubeObject>;
  /** A PATCH need not name a revision, whatever the kind says of unconditional updates. */
  isPatch: boolean;
  /** What `produce` makes carries complete managedFields: it comes from an apply. */
  tracked?: boolean;
  /**
   * What `produce` makes of a canonical object is canonical and shares with it what is the same. Taken at its word where what is stored
   * is of the current form, and as long as admission puts no other object in its place.
   */
  staysCanonical?: boolean;
  /** The object as it was read for this request: the first try need not read it again. */
  known?: StoredObject;
  /** What must hold where it is stored, beside what the registry itself asks for; where it does not, the request fails as a conflict. */
  conditions?: readonly WriteCondition[];
  /** Where an apply of a missing name creates it: whatever the kind says of PUT. */
  createsMissing?: boolean;
  /** Where a PUT of a missing name creates it. */
  create?(): Promise<Written>;
  context: WriteContext;
}

const CONDITION_LOST = "Precondition failed: an object that the request depends on has changed";
/** Lost races of one request before the client gets the conflict. */
const TRIES = 5;

/** @throws StatusError NotFound, Conflict, Invalid, Forbidden … */
export async function updateObject(deps: RegistryDeps, request: UpdateRequest): Promise<Written> {
  const { resource, namespace, name } = request;
  let stale = false;
  for (let attempt = 1; ; attempt++) {
    const stored =
      attempt === 1 && request.known
        ? request.known
        : (await deps.storage.get({ resource: resource.storageName, namespace, name })).object;
    if (!stored) {
      const creates = request.createsMissing === true || resource.strategy.allowCreateOnUpdate === true;
      if (request.create && creates) return await request.create();
      throw notFound(named(request), name);
    }
    const result = await tryUpdate(deps, { ...request, attempt, stale }, stored);
    if (result.done) return result.written;
    if (result.reason === "moved" && request.conditions) throw conflict(named(request), name, CONDITION_LOST);
    stale = result.reason === "unexpected";
    const again = stale || result.reason === "taken" || (result.reason === "conflict" && !result.conditional);
    if (!again || attempt >= TRIES) throw lostWrite(request, result.reason);
  }
}

interface AttemptedUpdate extends UpdateRequest {
  /** From 1. */
  attempt: number;
  /** See AdmissionAttributes. */
  stale: boolean;
}

type Attempt =
  | { done: true; written: Written }
  | { done: false; reason: Parameters<typeof lostWrite>[1]; conditional: boolean };

async function tryUpdate(deps: RegistryDeps, request: AttemptedUpdate, stored: StoredObject): Promise<Attempt> {
  const { resource, context } = request;
  const { strategy } = resource;
  const old = decodeStored(resource.stored, stored);
  const isCanonical = request.staysCanonical === true && resource.stored === resource && stored.form === resource.form;
  const current = isCanonical ? old : decodeStored(resource, stored);
  const produced = toStored(resource, await request.produce(current));
  const conditional = checkPreconditions(request, produced, stored);
  let next = carryOver(request, produced, old);
  if (!isCanonical) strategy.default?.(next);
  trackChange(deps, request, { produced, next, old });
  const admitted = admissionAttributes(request, context, {
    operation: "UPDATE",
    subresource: request.subresource,
    object: next,
    oldObject: old,
  });
  admitted.stale = request.stale;
  await mutate(deps, admitted);
  const isAsProduced = isCanonical && admitted.object === next;
  next = admitted.object ?? next;
  if (!isAsProduced) strategy.default?.(next);
  const conditions = await prepareChanged(deps, request, next, old);
  if (!isAsProduced) next = deps.canonical(resource, next);
  validateChanged(deps, request, next, old);
  admitted.object = next;
  await deps.admission.validate(admitted);
  // Of a part of the object nobody wants to hear what is odd about the rest.
  if (request.scope === "object") for (const warning of strategy.warnings?.(next, old) ?? []) context.warn(warning);

  if (isUnchanged(next, old) && stored.form === resource.form) {
    return { done: true, written: written(resource, stored.value, stored.revision, false) };
  }
  const op = isReadyToRemove(resource, next) ? ("delete" as const) : ("update" as const);
  if (context.dryRun) {
    const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = next;
    const { resourceVersion: _revision, ...meta } = metadata;
    const value = JSON.stringify({ metadata: meta, ...rest });
    return { done: true, written: written(resource, value, stored.revision, false) };
  }
  const { outcome, value } = await commit(deps, context, {
    target: request,
    object: next,
    old,
    conditions: [...(request.conditions ?? []), ...admitted.conditions, ...conditions],
    op,
    expected: stored.revision,
    ...(admitted.quotas ? { quotas: admitted.quotas } : {}),
  });
  assertAffordable(request, outcome);
  if (!outcome.ok) return { done: false, reason: outcome.reason, conditional };
  return { done: true, written: written(resource, value, outcome.revision, false) };
}

/** Before admission, as in Kubernetes: what plugins and webhooks change is nobody's. */
function trackChange(
  deps: RegistryDeps,
  { resource, scope, subresource, tracked, context }: UpdateRequest,
  { produced, next, old }: { produced: KubeObject; next: KubeObject; old: KubeObject },
): void {
  const sent = produced.metadata.managedFields;
  if (tracked) return setManagedFields(next, sent);
  if (scope === "whole") return setManagedFields(next, old.metadata.managedFields);
  const writing = { resource, subresource, manager: context.fieldManager };
  setManagedFields(next, deps.managedFields.updated(writing, { live: old, next, sent }));
}

/** Returns whether the client named the revision it changes. */
function checkPreconditions(request: UpdateRequest, produced: KubeObject, stored: StoredObject): boolean {
  const { resource, name } = request;
  const { uid, resourceVersion } = produced.metadata;
  if (uid !== undefined && uid !== "" && uid !== stored.uid) {
    // Of a PUT it is a precondition; a patch tries to change it.
    if (request.isPatch && request.scope !== "whole" && request.subresource !== "scale") {
      throw invalid({ group: resource.group, kind: resource.kind.kind }, name, [
        fieldError.invalid("metadata.uid", uid, "field is immutable"),
      ]);
    }
    throw conflict(
      named(request),
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored.uid}`,
    );
  }
  if (resourceVersion === undefined || resourceVersion === "" || resourceVersion === "0") {
    if (!request.isPatch && resource.strategy.allowUnconditionalUpdate === false) {
      // Kubernetes names the resource here where it names the kind everywhere else.
      throw invalid({ group: resource.group, kind: resource.plural }, name, [
        fieldError.invalid("metadata.resourceVersion", 0, "must be specified for an update"),
      ]);
    }
    return false;
  }
  if (!/^[0-9]+$/.test(resourceVersion)) throw badRequest(`invalid resourceVersion "${resourceVersion}"`);
  if (resourceVersion !== String(stored.revision)) throw conflict(named(request), name, OBJECT_MODIFIED);
  // A patch that leaves the revision alone carries the current one from `produce`, so it may be tried again.
  return !request.isPatch;
}

/** Puts back what no update may change. */
function carryOver(request: UpdateRequest, produced: KubeObject, old: KubeObject): KubeObject {
  const { resource, scope } = request;
  if (scope === "whole") return produced;
  if (scope === "status") {
    const next = structuredClone(old);
    if (!resource.strategy.statusWritesKeepMetadata) copyMeta(next.metadata, produced.metadata, ["annotations"]);
    if (produced["status"] === undefined) delete next["status"];
    else next["status"] = produced["status"];
    return next;
  }
  const next: KubeObject = { ...produced, metadata: mergedMeta(produced.metadata, old.metadata) };
  if (resource.hasStatus) {
    if (old["status"] === undefined) delete next["status"];
    else next["status"] = structuredClone(old["status"]);
  }
  return next;
}

/**
 * Client's labels, annotations, finalizers and owners; everything else is the system's. What a client says of a deletion that was not
 * asked for stays, to be refused by validation.
 */
function mergedMeta(produced: ObjectMeta, old: ObjectMeta): ObjectMeta {
  const merged: ObjectMeta = { ...old };
  const deletionTimestamp = old.deletionTimestamp ?? produced.deletionTimestamp;
  const deletionGracePeriodSeconds = produced.deletionGracePeriodSeconds ?? old.deletionGracePeriodSeconds;
  if (deletionTimestamp !== undefined) merged.deletionTimestamp = deletionTimestamp;
  if (deletionGracePeriodSeconds !== undefined) merged.deletionGracePeriodSeconds = deletionGracePeriodSeconds;
  copyMeta(merged, produced, ["labels", "annotations", "finalizers", "ownerReferences"]);
  return merged;
}

function copyMeta(into: ObjectMeta, from: ObjectMeta, fields: readonly (keyof ObjectMeta)[]): void {
  for (const field of fields) {
    if (from[field] === undefined) delete into[field];
    else Object.assign(into, { [field]: from[field] });
  }
}

async function prepareChanged(
  deps: RegistryDeps,
  request: AttemptedUpdate,
  next: KubeObject,
  old: KubeObject,
): Promise<WriteCondition[]> {
  if (request.scope === "whole") return [];
  const { strategy } = request.resource;
  strategy.prepareForUpdate?.(next, old, { nowMs: deps.clock.now(), subresource: request.subresource });
  if (request.scope === "status") return [];
  return (await strategy.allocate?.(next, old, allocationContext(deps, request.attempt))) ?? [];
}

function validateChanged(deps: RegistryDeps, request: UpdateRequest, next: KubeObject, old: KubeObject): void {
  const { resource, scope, name, subresource } = request;
  const { strategy } = resource;
  const context = { nowMs: deps.clock.now(), subresource };
  const own = scope === "whole" ? [] : faultsOf((seen) => strategy.validate?.(seen(next)));
  const ofUpdate =
    scope === "whole" ? [] : faultsOf((seen) => strategy.validateUpdate?.(seen(next), seen(old), context));
  const ofVersion =
    scope === "whole" ? [] : faultsOf((seen) => resource.kind.storedAs?.validate?.(seen(next), seen(old)));
  const errors = [...metaErrors(resource, next, old), ...newFinalizers(next, old), ...own, ...ofUpdate, ...ofVersion];
  if (errors.length > 0) throw invalid({ group: resource.group, kind: resource.kind.kind }, name, errors);
  const counts = strategy.countsGenerations !== false;
  if (scope === "object" && counts && specChanged(next, old))
    next.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

function newFinalizers(next: KubeObject, old: KubeObject): FieldError[] {
  if (old.metadata.deletionTimestamp === undefined) return [];
  const before = new Set(old.metadata.finalizers ?? []);
  const added = (next.metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
  if (added.length === 0) return [];
  const shown = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  return [
    fieldError.forbidden(
      "metadata.finalizers",
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${shown}}`,
    ),
  ];
}

function specChanged(next: KubeObject, old: KubeObject): boolean {
  const { metadata: _m, status: _s, kind: _k, apiVersion: _a, ...spec } = next;
  const { metadata: _om, status: _os, kind: _ok, apiVersion: _oa, ...oldSpec } = old;
  return !sameJson(spec, oldSpec);
}

/** That a manager wrote the same again, later, is no change. */
function isUnchanged(next: KubeObject, old: KubeObject): boolean {
  const { kind: _k, apiVersion: _a, metadata, ...rest } = next;
  const { kind: _ok, apiVersion: _oa, metadata: oldMetadata, ...oldRest } = old;
  const { resourceVersion: _r, managedFields, ...meta } = metadata;
  const { resourceVersion: _or, managedFields: oldManagedFields, ...oldMeta } = oldMetadata;
  return sameJson(meta, oldMeta) && sameButTimes(managedFields, oldManagedFields) && sameJson(rest, oldRest);
}
