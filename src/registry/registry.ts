/** Generic REST semantics over the log: one function a verb. The order inside each is fixed here and nowhere else. */
import { notFound } from "../machinery/status-error.ts";
import type { StoredObject } from "../storage/storage.ts";
import { named, type RegistryDeps, type Target, type Written } from "./context.ts";
import { applyObject, applyScale, type ApplyRequest, type ApplyScaleRequest } from "./apply.ts";
import { createObject, type CreateRequest } from "./create.ts";
import { deleteListed, deleteObject, type DeleteListedRequest, type DeleteRequest, type Deleted } from "./delete.ts";
import { updateObject, type UpdateRequest } from "./update.ts";

export interface Registry {
  /** @throws StatusError "NotFound" */
  get(target: Target): Promise<StoredObject>;
  create(request: CreateRequest): Promise<Written>;
  /** PUT, PATCH and every subresource that changes its parent. */
  update(request: UpdateRequest): Promise<Written>;
  /** PATCH of type apply. */
  apply(request: ApplyRequest): Promise<Written>;
  applyScale(request: ApplyScaleRequest): Promise<Written>;
  delete(request: DeleteRequest): Promise<Deleted>;
  /** @throws like delete; some may be deleted by then */
  deleteListed(request: DeleteListedRequest): Promise<void>;
}

export function createRegistry(deps: RegistryDeps): Registry {
  return {
    async get(target) {
      const { resource, namespace, name } = target;
      const { object } = await deps.storage.get({ resource: resource.storageName, namespace, name });
      if (!object) throw notFound(named(target), name);
      return object;
    },
    create: (request) => createObject(deps, request),
    update: (request) => updateObject(deps, request),
    apply: (request) => applyObject(deps, request),
    applyScale: (request) => applyScale(deps, request),
    delete: (request) => deleteObject(deps, request),
    deleteListed: (request) => deleteListed(deps, request),
  };
}
