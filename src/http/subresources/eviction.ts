/** POST pods/{name}/eviction: a delete that disruption budgets may forbid (pkg/registry/core/pod/storage/eviction.go of Kubernetes). */
import type { PodDisruptionBudget } from "../../kinds/policy/poddisruptionbudgets/types.ts";
import type { Pod } from "../../kinds/core/pods/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { badRequest, isStatusError, StatusError } from "../../machinery/status-error.ts";
import type { DeleteOptions } from "../../registry/deletion.ts";
import type { Resource } from "../../registry/scheme.ts";
import { decodeStored } from "../../registry/stored-form.ts";
import { addDryRun, writeContext, type Exchange, type Services } from "../exchange.ts";
import { negotiate } from "../negotiate.ts";
import { successStatus } from "../respond-error.ts";
import { respondObject } from "../respond-object.ts";
import { target } from "../write.ts";
import {
  condemned,
  EVICTION_CAUSE,
  guards,
  isBeyondBudgets,
  isOver,
  letGo,
  mayGoUncounted,
  RETRY_SECONDS,
  stillProcessed,
} from "./disruption.ts";

interface Eviction extends KubeObject {
  deleteOptions?: DeleteOptions & { dryRun?: string[] };
}

const EVICTION = { group: "policy", version: "v1", kind: "Eviction", schema: "io.k8s.api.policy.v1.Eviction" };
/** Lost races for a pod or its budget; Kubernetes tries as often. */
const TRIES = 20;
/** A namespace with more budgets than these has them read page by page. */
const BUDGETS_PER_PAGE = 500;

export async function handleEviction(services: Services, exchange: Exchange): Promise<Response> {
  const form = negotiate(exchange.request.headers.get("accept"));
  const { metadata, deleteOptions = {} } = (await services.bodies.typed(exchange, EVICTION)) as Eviction;
  if (metadata.name !== exchange.info.name) throw badRequest("name in URL does not match name in Eviction object");
  const { dryRun = [], ...options } = deleteOptions;
  addDryRun(exchange, dryRun);
  const counted = await deleteUncounted(services, exchange, options);
  if (counted) await evictCounted(services, exchange, { pod: counted, options });
  return respondObject(exchange, { form, value: successStatus(undefined), status: 201 });
}

/** Returns the pod where a budget may have a say in it. */
async function deleteUncounted(
  services: Services,
  exchange: Exchange,
  options: DeleteOptions,
): Promise<Pod | undefined> {
  const isFixed = options.preconditions?.resourceVersion !== undefined;
  for (let attempt = 1; ; attempt += 1) {
    const pod = decodeStored(exchange.resource, await services.registry.get(target(exchange))) as Pod;
    if (!isBeyondBudgets(pod)) return pod;
    // One that is about to run must not slip through: then the budgets are asked.
    const exact = isFixed || isOver(pod) ? options : atRevision(options, pod);
    try {
      await remove(services, exchange, exact);
      return undefined;
    } catch (error) {
      if (isFixed || !isStatusError(error, "Conflict") || attempt >= TRIES) throw error;
    }
  }
}

async function evictCounted(
  services: Services,
  exchange: Exchange,
  { pod, options }: { pod: Pod; options: DeleteOptions },
): Promise<void> {
  const resource = services.scheme.findStored("poddisruptionbudgets.policy");
  const [budget, ...others] = resource ? await budgetsOf(services, { resource, pod }) : [];
  if (!resource || !budget) return await remove(services, exchange, options);
  if (others.length > 0) {
    throw new StatusError(
      "InternalError",
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  }
  if (!mayGoUncounted(budget, pod)) {
    await count(services, exchange, { resource, budget });
    return await remove(services, exchange, options);
  }
  const isFixed = options.preconditions?.resourceVersion !== undefined;
  try {
    await remove(services, exchange, isFixed ? options : atRevision(options, pod));
  } catch (error) {
    // It has changed, perhaps to ready.
    throw !isFixed && isStatusError(error, "Conflict") ? stillProcessed(budget) : error;
  }
}

/** Takes one disruption from the budget, of whatever state it has by then. Many evictions at once race for it. */
async function count(
  services: Services,
  exchange: Exchange,
  { resource, budget }: { resource: Resource; budget: PodDisruptionBudget },
): Promise<void> {
  const nowMs = services.cluster.platform.clock.now();
  const { namespace = "", name = "" } = budget.metadata;
  const update = () =>
    services.registry.update({
      resource,
      namespace,
      name,
      scope: "status",
      subresource: "status",
      isPatch: true,
      produce: (old) => letGo(old as PodDisruptionBudget, { pod: exchange.info.name, nowMs }),
      context: { ...writeContext(exchange), fieldManager: "kube-apiserver" },
    });
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    try {
      await update();
      return;
    } catch (error) {
      if (!isStatusError(error, "Conflict")) throw error;
    }
  }
  const message = `couldn't update PodDisruptionBudget ${JSON.stringify(name)} due to conflicts`;
  throw new StatusError("Timeout", `Timeout: ${message}`, { details: { retryAfterSeconds: RETRY_SECONDS } });
}

async function budgetsOf(
  { cluster }: Services,
  { resource, pod }: { resource: Resource; pod: Pod },
): Promise<PodDisruptionBudget[]> {
  const found: PodDisruptionBudget[] = [];
  const namespace = pod.metadata.namespace ?? "";
  let after: { namespace: string; name: string } | undefined;
  do {
    const { objects, more } = await cluster.storage.list({
      resource: resource.storageName,
      namespace,
      limit: BUDGETS_PER_PAGE,
      counted: false,
      ...(after ? { after } : {}),
    });
    const budgets = objects.map((stored) => decodeStored(resource, stored) as PodDisruptionBudget);
    found.push(...budgets.filter((budget) => guards(budget, pod)));
    after = more ? objects.at(-1) : undefined;
  } while (after);
  return found;
}

function atRevision(options: DeleteOptions, { metadata }: KubeObject): DeleteOptions {
  const { resourceVersion } = metadata;
  if (resourceVersion === undefined) return options;
  return { ...options, preconditions: { ...options.preconditions, resourceVersion } };
}

/** The pod says why it goes before it does: whoever watches it (a Job) tells an eviction from a failure. */
async function remove(services: Services, exchange: Exchange, options: DeleteOptions): Promise<void> {
  const context = writeContext(exchange);
  const exact = context.dryRun ? options : await condemn(services, exchange, options);
  await services.registry.delete({ ...target(exchange), options: exact, context });
}

async function condemn(services: Services, exchange: Exchange, options: DeleteOptions): Promise<DeleteOptions> {
  const { preconditions } = options;
  const nowMs = services.cluster.platform.clock.now();
  const written = await services.registry.update({
    ...target(exchange),
    scope: "status",
    subresource: "status",
    isPatch: true,
    produce: (old) => condemned(old as Pod, { ...EVICTION_CAUSE, preconditions, nowMs }),
    context: writeContext(exchange),
  });
  // The revision that was asked for is the one before this change of ours.
  return preconditions?.resourceVersion === undefined ? options : atRevision(options, written.read());
}
