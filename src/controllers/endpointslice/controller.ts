/** Keeps the EndpointSlices of every Service that has a selector. */
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { BY_SERVICE, serviceOf } from "../../controller-runtime/stores.ts";
import { SLICE_MANAGER, type EndpointSliceView, type ServiceView } from "../../controller-runtime/views/other-views.ts";
import type { PodView } from "../../controller-runtime/views/pod-view.ts";
import { keyOf } from "../../controller-runtime/views/view.ts";
import { endpointSlices, MANAGED_BY_LABEL, type EndpointSlice } from "../../kinds/discovery/endpointslices/types.ts";
import { matchesLabels, requirementsOfMap } from "../../machinery/selectors.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import { controllerReference } from "../claims.ts";
import type { ControllerDeps } from "../deps.ts";
import { planSlices, type SliceContent } from "./plan.ts";

const SERVICE = { apiVersion: "v1", kind: "Service" };

export function createEndpointSliceController(
  deps: ControllerDeps<"services" | "pods" | "endpointSlices">,
): Controller {
  const { client, stores } = deps;

  async function reconcile(key: string): Promise<ReconcileResult> {
    const service = stores.services.get(key);
    // The slices of a Service that is gone are the garbage collector's.
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return { done: true };
    if (!hasSelector(service) || service.spec.type === "ExternalName") return { done: true };
    const requirements = requirementsOfMap(service.spec.selector ?? {});
    const pods = stores.pods
      .by("namespace", service.metadata.namespace)
      .filter(({ metadata }) => matchesLabels(requirements, metadata.labels));
    const slices = stores.endpointSlices.by(BY_SERVICE, key).filter(isOurs);
    const plan = planSlices({ service, pods, slices });
    // What is new comes first: in between there are rather too many endpoints than none.
    for (const content of plan.create) await create(service, content);
    for (const { slice, content } of plan.update) await update(service, slice, content);
    for (const slice of plan.remove) await remove(slice);
    return { done: true };
  }

  async function create(service: ServiceView, content: SliceContent): Promise<void> {
    const { namespace, name } = service.metadata;
    const object: EndpointSlice = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        generateName: `${name}-`,
        namespace,
        labels: content.labels,
        ownerReferences: [controllerReference(SERVICE, service)],
      },
      ...bodyOf(content),
    };
    stores.endpointSlices.observe(await client.create(endpointSlices, object));
  }

  async function update(service: ServiceView, { metadata }: EndpointSliceView, content: SliceContent): Promise<void> {
    const { namespace, name, uid, resourceVersion } = metadata;
    const object: EndpointSlice = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        namespace,
        name,
        uid,
        resourceVersion,
        generateName: `${service.metadata.name}-`,
        labels: content.labels,
        ownerReferences: [controllerReference(SERVICE, service)],
      },
      ...bodyOf(content),
    };
    stores.endpointSlices.observe(await client.update(endpointSlices, object));
  }

  async function remove(slice: EndpointSliceView): Promise<void> {
    const { namespace, name, uid } = slice.metadata;
    try {
      await client.delete(endpointSlices, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
    }
    stores.endpointSlices.expectDeletion(slice);
  }

  function servicesOf({ metadata }: PodView): string[] {
    return stores.services
      .by("namespace", metadata.namespace)
      .filter((service) => hasSelector(service))
      .filter(({ spec }) => matchesLabels(requirementsOfMap(spec.selector ?? {}), metadata.labels))
      .map((service) => keyOf(service.metadata));
  }

  return {
    name: "endpointslice-controller",
    concurrency: 4,
    watches: [
      watching(stores.services, ({ metadata }) => [keyOf(metadata)]),
      watching(stores.pods, servicesOf),
      watching(stores.endpointSlices, (slice) => (isOurs(slice) ? serviceOf(slice) : [])),
    ],
    reconcile,
  };
}

function bodyOf({
  addressType,
  endpoints,
  ports,
}: SliceContent): Pick<EndpointSlice, "addressType" | "endpoints" | "ports"> {
  return { addressType, endpoints, ports };
}

function hasSelector({ spec }: ServiceView): boolean {
  return Object.keys(spec.selector ?? {}).length > 0;
}

function isOurs({ metadata }: EndpointSliceView): boolean {
  return metadata.labels[MANAGED_BY_LABEL] === SLICE_MANAGER;
}
