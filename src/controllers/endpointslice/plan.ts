/** Which EndpointSlices a Service should have. After pkg/controller/endpointslice of Kubernetes: few writes before few slices. */
import { isFinished, type PodView } from "../../controller-runtime/views/pod-view.ts";
import { SLICE_MANAGER, type EndpointSliceView, type ServiceView } from "../../controller-runtime/views/other-views.ts";
import type { ServicePort } from "../../kinds/core/services/types.ts";
import {
  MANAGED_BY_LABEL,
  SERVICE_NAME_LABEL,
  type Endpoint,
  type EndpointPort,
} from "../../kinds/discovery/endpointslices/types.ts";

export const ENDPOINTS_MAX = 100;
const HEADLESS_LABEL = "service.kubernetes.io/headless";

type AddressType = "IPv4" | "IPv6";

export interface SliceContent {
  addressType: AddressType;
  ports: EndpointPort[];
  endpoints: Endpoint[];
  labels: Record<string, string>;
}

export interface SlicePlan {
  create: SliceContent[];
  update: { slice: EndpointSliceView; content: SliceContent }[];
  remove: EndpointSliceView[];
}

interface Group {
  addressType: AddressType;
  ports: EndpointPort[];
  /** By address. */
  endpoints: Map<string, Endpoint>;
}

/** `pods`: those that the selector matches. `slices`: those of this Service that this controller manages. */
export function planSlices(input: {
  service: ServiceView;
  pods: readonly PodView[];
  slices: readonly EndpointSliceView[];
}): SlicePlan {
  const { service, slices } = input;
  const groups = groupEndpoints(service, input.pods);
  const labels = sliceLabels(service);
  const plan: SlicePlan = { create: [], update: [], remove: [] };
  const left = new Set(slices.filter(({ metadata }) => metadata.deletionTimestamp === undefined));
  for (const [key, group] of groups) {
    const mine = [...left].filter((slice) => keyOfSlice(slice) === key);
    for (const slice of mine) left.delete(slice);
    planGroup(plan, { group, slices: mine, labels });
  }
  plan.remove.push(...left);
  return plan;
}

function groupEndpoints(service: ServiceView, pods: readonly PodView[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  const families: readonly AddressType[] = service.spec.ipFamilies?.length ? service.spec.ipFamilies : ["IPv4"];
  const groupOf = (addressType: AddressType, ports: EndpointPort[]): Group => {
    const key = keyOf(addressType, ports);
    const group = groups.get(key) ?? { addressType, ports, endpoints: new Map<string, Endpoint>() };
    groups.set(key, group);
    return group;
  };
  for (const addressType of families) {
    for (const pod of pods) {
      const address = pod.podIPs.find((ip) => ip.includes(":") === (addressType === "IPv6"));
      if (address === undefined || isFinished(pod) || pod.nodeName === "") continue;
      const ports = portsOf(service, pod);
      groupOf(addressType, ports).endpoints.set(address, endpointOf(service, pod, address));
    }
  }
  // A Service without endpoints still has a slice that says so.
  if (groups.size === 0) groupOf(families[0] ?? "IPv4", []);
  return groups;
}

function portsOf(service: ServiceView, pod: PodView): EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPort(port, pod);
    if (number === undefined) return [];
    const { name = "", protocol = "TCP", appProtocol } = port;
    return [{ name, protocol, port: number, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

/** A named port that the pod does not have leaves the port out for this pod. */
function targetPort({ targetPort: target, port, protocol = "TCP" }: ServicePort, pod: PodView): number | undefined {
  if (target === undefined || target === 0) return port;
  if (typeof target === "number") return target;
  return pod.namedPorts.find((named) => named.name === target && named.protocol === protocol)?.port;
}

function endpointOf(service: ServiceView, pod: PodView, address: string): Endpoint {
  const { namespace, name, uid, deletionTimestamp } = pod.metadata;
  const terminating = deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (pod.ready && !terminating);
  const named =
    pod.hostname !== "" && pod.subdomain === service.metadata.name && namespace === service.metadata.namespace;
  return {
    addresses: [address],
    conditions: { ready, serving: pod.ready, terminating },
    ...(named ? { hostname: pod.hostname } : {}),
    nodeName: pod.nodeName,
    targetRef: { kind: "Pod", namespace, name, uid },
  };
}

function sliceLabels({ metadata, spec }: ServiceView): Record<string, string> {
  const {
    [SERVICE_NAME_LABEL]: _name,
    [MANAGED_BY_LABEL]: _manager,
    [HEADLESS_LABEL]: _headless,
    ...own
  } = metadata.labels;
  return {
    ...own,
    [SERVICE_NAME_LABEL]: metadata.name,
    [MANAGED_BY_LABEL]: SLICE_MANAGER,
    ...(spec.clusterIP === "None" ? { [HEADLESS_LABEL]: "" } : {}),
  };
}

/** Endpoints stay in the slice they are in; new ones fill what has room, and only then a slice is made. */
function planGroup(
  plan: SlicePlan,
  { group, slices, labels }: { group: Group; slices: readonly EndpointSliceView[]; labels: Record<string, string> },
): void {
  const { addressType, ports } = group;
  const waiting = new Map(group.endpoints);
  const contents = slices.map((slice) => {
    const kept: Endpoint[] = [];
    for (const { addresses } of slice.endpoints) {
      const endpoint = waiting.get(addresses[0] ?? "");
      if (endpoint === undefined) continue;
      waiting.delete(addresses[0] ?? "");
      kept.push(endpoint);
    }
    return { slice, endpoints: kept };
  });
  const rest = [...waiting.values()];
  for (const { endpoints } of contents)
    endpoints.push(...rest.splice(0, Math.max(0, ENDPOINTS_MAX - endpoints.length)));
  while (rest.length > 0 || (contents.length === 0 && plan.create.length === 0 && group.endpoints.size === 0)) {
    plan.create.push({ addressType, ports, labels, endpoints: rest.splice(0, ENDPOINTS_MAX) });
    if (rest.length === 0) break;
  }
  const keepEmpty = group.endpoints.size === 0;
  contents.forEach(({ slice, endpoints }, index) => {
    if (endpoints.length === 0 && !(keepEmpty && index === 0)) plan.remove.push(slice);
    else if (isChanged(slice, { endpoints, labels })) {
      plan.update.push({ slice, content: { addressType, ports, labels, endpoints } });
    }
  });
}

function isChanged(slice: EndpointSliceView, wanted: Pick<SliceContent, "endpoints" | "labels">): boolean {
  if (canonical(slice.metadata.labels) !== canonical(wanted.labels)) return true;
  return canonical(slice.endpoints) !== canonical(wanted.endpoints);
}

function keyOfSlice({ addressType, ports }: EndpointSliceView): string {
  return keyOf(addressType, ports);
}

function keyOf(addressType: string, ports: readonly EndpointPort[]): string {
  const sorted = ports.map(({ name = "", protocol = "TCP", port, appProtocol }) => [
    name,
    protocol,
    port,
    appProtocol ?? "",
  ]);
  return JSON.stringify([addressType, sorted.toSorted((a, b) => (String(a) < String(b) ? -1 : 1))]);
}

/** The same text for the same content, whatever the order of members; absent and empty members are the same. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (member === null || typeof member !== "object" || Array.isArray(member)) return member;
    const entries = Object.entries(member).filter(([, inner]) => inner !== undefined);
    return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
