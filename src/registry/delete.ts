/** DELETE of one object and of a collection. */
import type { KubeObject } from "../machinery/meta.ts";
import { conflict, isStatusError, notFound } from "../machinery/status-error.ts";
import type { Selector, StoredObject } from "../storage/storage.ts";
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
import { planDeletion, type DeleteOptions } from "./deletion.ts";
import { lostWrite } from "./outcome.ts";
import type { Resource } from "./scheme.ts";
import { currentValue, decodeStored } from "./stored-form.ts";

export interface DeleteRequest extends Target {
  options: DeleteOptions;
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
    const { object: stored } = await deps.storage.get({ resource: resource.storageName, namespace, name });
    if (!stored) throw notFound(named(request), name);
    checkPreconditions(request, stored);
    const old = decodeStored(resource.stored, stored);
    await admitDeletion(deps, request, old);
    const plan = planDeletion(resource, old, { options, nowMs: deps.clock.now() });
    if (plan.kind === "pending") {
      return { ...written(resource, currentValue(resource.stored, stored), stored.revision, false), removed: false };
    }
    const removed = plan.kind === "remove";
    if (context.dryRun) return { ...dryDeleted(resource, plan.object, stored), removed };
    const { outcome, value } = await commit(deps, {
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

export interface DeleteCollectionRequest {
  resource: Resource;
  namespace: string | undefined;
  selector: Selector;
  options: DeleteOptions;
  context: WriteContext;
}

const PAGE = 500;
const AT_ONCE = 16;

/** Deletes what matches now; what someone else deletes meanwhile is none of our business. Returns what it deleted. */
export async function deleteCollection(deps: RegistryDeps, request: DeleteCollectionRequest): Promise<Written[]> {
  const { resource, namespace, selector, options, context } = request;
  const deleted: Written[] = [];
  let after: { namespace: string; name: string } | undefined;
  let revision: number | undefined;
  for (;;) {
    const page = await deps.storage.list({
      resource: resource.storageName,
      selector,
      limit: PAGE,
      ...(namespace === undefined ? {} : { namespace }),
      ...(after === undefined ? {} : { after }),
      ...(revision === undefined ? {} : { revision }),
    });
    revision = page.revision;
    for (let start = 0; start < page.objects.length; start += AT_ONCE) {
      const group = page.objects.slice(start, start + AT_ONCE);
      deleted.push(...(await Promise.all(group.map((object) => deleteListed(deps, object)))).flat());
    }
    const last = page.objects.at(-1);
    if (!page.more || !last) return deleted;
    after = { namespace: last.namespace, name: last.name };
  }

  async function deleteListed(registry: RegistryDeps, object: StoredObject): Promise<Written[]> {
    try {
      const target = { resource, namespace: object.namespace, name: object.name };
      return [await deleteObject(registry, { ...target, options, context })];
    } catch (error) {
      if (isStatusError(error, "NotFound")) return [];
      throw error;
    }
  }
}
