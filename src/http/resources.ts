/** From an addressed resource to the handler of its verb. */
import type { Verb } from "../registry/kind.ts";
import { handleComponentStatuses } from "./component-statuses.ts";
import type { Exchange, Services } from "./exchange.ts";
import { recordEach } from "./event-list.ts";
import { handleItemList } from "./item-list.ts";
import { handleDelete, handleDeleteCollection } from "./delete.ts";
import { handleList } from "./list.ts";
import { handleGet } from "./read.ts";
import { methodNotAllowed, pageNotFound } from "./paths.ts";
import { bindEach } from "./subresources/binding-list.ts";
import { handleBinding } from "./subresources/binding.ts";
import { handleEviction } from "./subresources/eviction.ts";
import { handleExec } from "./subresources/exec.ts";
import { handleFinalize } from "./subresources/finalize.ts";
import { handleLog } from "./subresources/log.ts";
import { preemptEach } from "./subresources/preemption-list.ts";
import { handlePortForward } from "./subresources/port-forward.ts";
import { handleProxy } from "./subresources/proxy/handler.ts";
import { handleScale } from "./subresources/scale.ts";
import { handleToken } from "./subresources/token.ts";
import { handleWatch } from "./watch-stream.ts";
import { handleCreate, handleUpdate } from "./write.ts";

export type Handler = (services: Services, exchange: Exchange) => Promise<Response>;

const VERBS: Readonly<Record<Verb, Handler>> = {
  get: handleGet,
  list: handleList,
  watch: handleWatch,
  create: handleCreate,
  update: handleUpdate,
  patch: handleUpdate,
  delete: handleDelete,
  deletecollection: handleDeleteCollection,
};

/** Of any kind that names them. */
const GENERIC_SUBRESOURCES: Readonly<Record<string, Handler>> = {
  status: handlePart,
  approval: handlePart,
  ephemeralcontainers: handlePart,
  resize: handlePart,
  scale: handleScale,
};

/** Of kinds that nothing is stored of. */
const COMPUTED: Readonly<Record<string, Handler>> = {
  bindings: handleBinding,
  componentstatuses: handleComponentStatuses,
};

/** Of the core group: what takes a list for all namespaces. */
const LISTS: Readonly<Record<string, Handler>> = {
  bindings: handleItemList({ BindingList: bindEach, PreemptionList: preemptEach }),
  events: handleItemList({ EventList: recordEach }),
};

const SUBRESOURCES: Readonly<Record<string, Handler>> = {
  "pods/binding": handleBinding,
  "pods/eviction": handleEviction,
  "pods/exec": handleExec,
  "pods/attach": handleExec,
  "pods/log": handleLog,
  "pods/portforward": handlePortForward,
  "serviceaccounts/token": handleToken,
  "namespaces/finalize": handleFinalize,
};

/** Subresources that only exist as handlers: a kind need not spell out the verbs of a stream. */
const STREAMS = new Set(["exec", "attach", "portforward"]);

/** The object itself, of which the kind's strategy lets only a part change. */
function handlePart(services: Services, exchange: Exchange): Promise<Response> {
  return exchange.info.verb === "get" ? handleGet(services, exchange) : handleUpdate(services, exchange);
}

function isProxied({ resource, namespace }: Exchange): boolean {
  const { kind } = resource;
  return kind.subresources.some(({ name }) => name === "proxy") && (!kind.namespaced || namespace !== "");
}

/** POST to the objects of all namespaces. @throws StatusError "MethodNotAllowed" */
function listHandlerOf({ resource }: Exchange): Handler {
  const handler = resource.group === "" ? LISTS[resource.plural] : undefined;
  if (!handler) throw methodNotAllowed();
  return handler;
}

/** @throws StatusError "NotFound" for what is not served, "MethodNotAllowed" for a verb it does not have */
export function handlerOf(exchange: Exchange): Handler {
  const { info, resource, namespace } = exchange;
  const { verb, subresource, name } = info;
  // A namespace in the path of something that has none leads nowhere: who may do something in that one was asked, and this is not in it.
  // Only a namespace is in itself.
  const isNamespaceItself = info.resource === "namespaces" && info.namespace === name;
  if (!resource.namespaced && info.namespace !== "" && !isNamespaceItself) throw pageNotFound();
  // Whatever the method: it is handed on.
  if (subresource === "proxy" && isProxied(exchange)) return handleProxy;
  if (verb === "options") throw methodNotAllowed();
  if (subresource === "") {
    if (!resource.kind.verbs.includes(verb)) throw methodNotAllowed();
    if (resource.namespaced && namespace === "" && verb === "create" && name === "") return listHandlerOf(exchange);
    if (resource.namespaced && namespace === "" && name !== "") throw methodNotAllowed();
    if (verb === "create" && name !== "") throw methodNotAllowed();
    if ((verb === "update" || verb === "patch") && name === "") throw methodNotAllowed();
    return (resource.kind.computed && COMPUTED[resource.storageName]) || VERBS[verb];
  }
  const definition = resource.kind.subresources.find((candidate) => candidate.name === subresource);
  const handler = SUBRESOURCES[`${resource.storageName}/${subresource}`] ?? GENERIC_SUBRESOURCES[subresource];
  if (!definition || !handler) throw pageNotFound();
  const streams = STREAMS.has(subresource) && (verb === "get" || verb === "create");
  const verbs: readonly string[] = definition.verbs;
  if (!streams && !verbs.includes(verb)) throw methodNotAllowed();
  return handler;
}
