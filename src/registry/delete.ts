/** DELETE of one object and of a collection. */
import type { KubeObject } from "../machinery/meta.ts";
import { conflict, forbidden, isStatusError, notFound } from "../machinery/status-error.ts";
import type { StoredObject } from "../storage/storage.ts";
import {
  admissionAttributes,
  commit,
  named,
  written,
  type RegistryDeps,
  type Target,
  type WriteContext,
  type Written,
} from "./context.ts";
import { setManagedFields } from "./admit.ts";
import { planDeletion, type DeleteOptions } from "./deletion.ts";
import { lostWrite } from "./outcome.ts";
import type { Resource } from "./scheme.ts";
import { sameJson } from "./same-json.ts";
import { currentValue, decodeStored } from "./stored-form.ts";

export interface DeleteRequest extends Target {
  options: DeleteOptions;
  /** The object as it was read for this request: the first try need not read it again. */
  known?: StoredObject;
  /** Says in its status why it goes, in the same write. Leaves `old` alone; called anew on each try. */
  explain?(old: KubeObject): KubeObject;
  context: WriteContext;
}

export interface Deleted extends Written {
  /** False: it is marked and waits for its node or its finalizers. */
  removed: boolean;
}

const TRIES = 5;

/** @throws StatusError NotFound, Conflict (a precondition), Forbidden … */
export async function deleteObject(deps: RegistryDeps, request: DeleteRequest): Promise<Deleted> {
  const { resource, namespace, name, options, context } = request;
  for (let attempt = 1; ; attempt++) {
    const stored =
      attempt === 1 && request.known
        ? request.known
        : (await deps.storage.get({ resource: resource.storageName, namespace, name })).object;
    if (!stored) throw notFound(named(request), name);
    checkPreconditions(request, stored);
    const old = decodeStored(resource.stored, stored);
    const why = resource.strategy.forbidsDelete?.(old);
    if (why !== undefined) throw forbidden(named(request), name, why);
    const explained = request.explain ? explain(deps, request, old) : old;
    const plan = planDeletion(resource, explained, { options, nowMs: deps.clock.now() });
    // Nobody is asked about what changes nothing.
    if (plan.kind === "pending") return unchanged(resource, stored);
    await admitDeletion(deps, request, old);
    const removed = plan.kind === "remove";
    if (!removed && stored.form === resource.form && sameJson(plan.object, old)) return unchanged(resource, stored);
    if (context.dryRun) return { ...dryDeleted(resource, plan.object, stored), removed };
    const { outcome, value } = await commit(deps, context, {
      target: request,
      object: plan.object,
      conditions: [],
      op: removed ? "delete" : "update",
      expected: stored.revision,
    });
    if (outcome.ok) return { ...written(resource, value, outcome.revision, false), removed };
    if (outcome.reason !== "conflict" || attempt >= TRIES) throw lostWrite(request, outcome.reason);
  }
}

/** As a write of its status by the same client would leave it. */
function explain(deps: RegistryDeps, request: DeleteRequest, old: KubeObject): KubeObject {
  const { resource, context } = request;
  const explained = request.explain?.(old);
  if (!explained) return old;
  const next = deps.canonical(resource, { ...explained, metadata: { ...explained.metadata } });
  const writing = { resource, subresource: "status", manager: context.fieldManager };
  const sent = old.metadata.managedFields;
  setManagedFields(next, deps.managedFields.updated(writing, { live: old, next, sent }));
  return next;
}

function unchanged(resource: Resource, stored: StoredObject): Deleted {
  return { ...written(resource, currentValue(resource.stored, stored), stored.revision, false), removed: false };
}

function dryDeleted(resource: Resource, object: KubeObject, stored: StoredObject): Written {
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object;
  const { resourceVersion: _revision, ...meta } = metadata;
  return written(resource, JSON.stringify({ metadata: meta, ...rest }), stored.revision, false);
}

function checkPreconditions(request: DeleteRequest, stored: StoredObject): void {
  const { uid, resourceVersion } = request.options.preconditions ?? {};
  const refuse = (what: string, asked: string, actual: string): never => {
    throw conflict(
      named(request),
      request.name,
      `Precondition failed: ${what} in precondition: ${asked}, ${what} in object meta: ${actual}`,
    );
  };
  if (uid !== undefined && uid !== stored.uid) refuse("UID", uid, stored.uid);
  if (resourceVersion !== undefined && resourceVersion !== String(stored.revision)) {
    refuse("ResourceVersion", resourceVersion, String(stored.revision));
  }
}

async function admitDeletion(deps: RegistryDeps, request: DeleteRequest, old: KubeObject): Promise<void> {
  const attributes = admissionAttributes(request, request.context, {
    operation: "DELETE",
    object: undefined,
    oldObject: old,
  });
  await deps.admission.mutate(attributes);
  await deps.admission.validate(attributes);
}

export interface DeleteListedRequest {
  resource: Resource;
  objects: readonly StoredObject[];
  options: DeleteOptions;
  context: WriteContext;
}

const AT_ONCE = 16;

/**
 * Deletes what a list has shown. What someone else deletes meanwhile is none of our business; any other failure ends it, once the
 * deletions under way with it have ended: after the answer nothing is written any more.
 */
export async function deleteListed(deps: RegistryDeps, request: DeleteListedRequest): Promise<void> {
  const { resource, objects, options, context } = request;
  for (let start = 0; start < objects.length; start += AT_ONCE) {
    const group = objects.slice(start, start + AT_ONCE);
    const results = await Promise.allSettled(group.map(deleteOne));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }

  async function deleteOne({ namespace, name }: StoredObject): Promise<void> {
    try {
      await deleteObject(deps, { resource, namespace, name, options, context });
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
    }
  }
}
