/** POST, PUT and PATCH of objects and of their status. */
import { copyJson } from "../machinery/copy-json.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { dedupOwnerReferences, type OwnersOf } from "../machinery/owner-references.ts";
import { badRequest } from "../machinery/status-error.ts";
import type { Written } from "../registry/context.ts";
import type { UpdateScope } from "../registry/update.ts";
import { writeContext, type Exchange, type Services } from "./exchange.ts";
import { readConfiguration } from "./configuration.ts";
import { patchKindOf, readPatch } from "./patch.ts";
import { formOfRequest, respondWritten } from "./respond-object.ts";

export async function handleCreate(services: Services, exchange: Exchange): Promise<Response> {
  const { resource, namespace } = exchange;
  const form = formOfRequest(exchange);
  const context = writeContext(exchange);
  const object = await services.bodies.object(exchange);
  checkNamespace(exchange, object);
  dedupOwners(exchange, object, "request");
  const result = await services.registry.create({ resource, namespace, object, context });
  return respondWritten(services, exchange, { result, form, status: 201 });
}

/** PUT and PATCH share everything but the way to the wanted state. */
export async function handleUpdate(services: Services, exchange: Exchange): Promise<Response> {
  const form = formOfRequest(exchange);
  const result = exchange.info.verb === "patch" ? await patch(services, exchange) : await replace(services, exchange);
  return respondWritten(services, exchange, { result, form, status: result.created ? 201 : 200 });
}

async function replace(services: Services, exchange: Exchange): Promise<Written> {
  const { info, resource, namespace } = exchange;
  const context = writeContext(exchange);
  const object = await services.bodies.object(exchange);
  checkName(exchange, object);
  checkNamespace(exchange, object);
  dedupOwners(exchange, object, "request");
  return await services.registry.update({
    ...target(exchange),
    scope: scopeOf(info.subresource),
    subresource: info.subresource,
    produce: () => copyJson(object),
    isPatch: false,
    create: async () => {
      await services.assertMayCreate(exchange);
      const copy = copyJson(object);
      delete copy.metadata.resourceVersion;
      return await services.registry.create({ resource, namespace, object: copy, context });
    },
    context,
  });
}

async function patch(services: Services, exchange: Exchange): Promise<Written> {
  const { info } = exchange;
  const kind = patchKindOf(exchange);
  if (kind === "apply") return await apply(services, exchange);
  const context = writeContext(exchange);
  const patched = await readPatch(services, exchange, { kind });
  return await services.registry.update({
    ...target(exchange),
    scope: scopeOf(info.subresource),
    subresource: info.subresource,
    produce: (old) => {
      const next = patched(old);
      checkName(exchange, next);
      checkNamespace(exchange, next);
      // Kubernetes looks at what a patch made only after admission.
      dedupOwners(exchange, next, "admission");
      return next;
    },
    isPatch: true,
    context,
  });
}

async function apply(services: Services, exchange: Exchange): Promise<Written> {
  const { info, resource } = exchange;
  const context = writeContext(exchange);
  const configuration = await readConfiguration(services, exchange);
  return await services.registry.apply({
    ...target(exchange),
    scope: scopeOf(info.subresource),
    subresource: info.subresource,
    config: configuration.value,
    force: configuration.force,
    decode: (merged) => {
      const object = configuration.decode(merged, resource.kind);
      checkName(exchange, object);
      checkNamespace(exchange, object);
      dedupOwners(exchange, object, "admission");
      return object;
    },
    assertMayCreate: () => services.assertMayCreate(exchange),
    context,
  });
}

export function target({ resource, namespace, info }: Exchange): {
  resource: Exchange["resource"];
  namespace: string;
  name: string;
} {
  return { resource, namespace, name: info.name };
}

function scopeOf(subresource: string): UpdateScope {
  return subresource === "status" || subresource === "approval" ? "status" : "object";
}

export function checkName({ info }: Exchange, object: KubeObject): void {
  const { name = "" } = object.metadata;
  if (name === "") {
    throw badRequest(`the name of the object (${info.name} based on URL) was undeterminable: name must be provided`);
  }
  if (name !== info.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${info.name})`);
  }
}

function dedupOwners({ warnings }: Exchange, object: KubeObject, found: OwnersOf): void {
  const warning = dedupOwnerReferences(object, found);
  if (warning !== undefined) warnings.push(warning);
}

export function checkNamespace({ namespace: wanted, resource }: Exchange, object: KubeObject): void {
  const { namespace } = object.metadata;
  if (!resource.namespaced) {
    delete object.metadata.namespace;
    return;
  }
  if (namespace !== undefined && namespace !== "" && namespace !== wanted) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  object.metadata.namespace = wanted;
}
