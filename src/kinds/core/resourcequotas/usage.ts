/**
 * What an object uses of quotas, and which resources of a quota its kind can use (pkg/quota/v1/evaluator/core of Kubernetes). Used by
 * admission, which charges, and by the controller, which counts again.
 */
import {
  formatQuantity,
  addQuantities,
  compareQuantities,
  readQuantity,
  type Quantity,
} from "../../../machinery/quantity.ts";
import type { KubeObject } from "../../../machinery/meta.ts";
import { addAll, declared, podTotals, quantitiesOf, raiseAll, type Quantities } from "../pods/pod-resources.ts";
import type { Container, Pod, ResourceList } from "../pods/types.ts";
import { isExtendedResource } from "../pods/validation/resource-names.ts";
import type { PersistentVolumeClaim } from "../persistentvolumeclaims/types.ts";
import type { Service } from "../services/types.ts";
import type { ResourceClaim } from "../../resource/types.ts";

/** Group-resources whose objects come and go too often, or are never stored. */
const IGNORED: ReadonlySet<string> = new Set(["events", "events.events.k8s.io", "bindings", "componentstatuses"]);

const RESOURCE_CLAIMS = "resourceclaims.resource.k8s.io";

/** Names of object counts that are older than `count/…`. */
const ALIASED: ReadonlySet<string> = new Set(["configmaps", "resourcequotas", "replicationcontrollers", "secrets"]);

const COMPUTE = ["cpu", "memory", "ephemeral-storage"] as const;
const POD_RESOURCES: ReadonlySet<string> = new Set([
  "pods",
  ...COMPUTE,
  ...COMPUTE.map((name) => `requests.${name}`),
  ...COMPUTE.map((name) => `limits.${name}`),
]);
const SERVICE_RESOURCES: ReadonlySet<string> = new Set(["services", "services.nodeports", "services.loadbalancers"]);
const CLAIM_RESOURCES = ["persistentvolumeclaims", "requests.storage"] as const;
/** "gold.storageclass.storage.k8s.io/requests.storage" */
const CLASS_SUFFIX = ".storageclass.storage.k8s.io/";
/** "gpu.deviceclass.resource.k8s.io/devices" */
const DEVICES_SUFFIX = ".deviceclass.resource.k8s.io/devices";
/** "deviceclass.resource.kubernetes.io/gpu": what a container asks for where it wants a device of a class and writes no claim. */
const CLASS_OF_DEVICES = "deviceclass.resource.kubernetes.io/";
const CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class";
/** What each container has to name where a quota limits it. */
const REQUIRED: ReadonlySet<string> = new Set([
  "cpu",
  "memory",
  "requests.cpu",
  "requests.memory",
  "limits.cpu",
  "limits.memory",
]);

const NANO = 1_000_000_000n;

export function isCounted(groupResource: string): boolean {
  return !IGNORED.has(groupResource);
}

/** Can objects of this kind use that resource of a quota? */
export function isUsedBy(groupResource: string, name: string): boolean {
  if (name === `count/${groupResource}`) return true;
  if (ALIASED.has(groupResource)) return name === groupResource;
  switch (groupResource) {
    case "pods":
      return (
        POD_RESOURCES.has(name) ||
        name.startsWith("hugepages-") ||
        name.startsWith("requests.hugepages-") ||
        isExtendedRequest(name)
      );
    case "services":
      return SERVICE_RESOURCES.has(name);
    case "persistentvolumeclaims":
      return CLAIM_RESOURCES.some((resource) => name === resource || name.endsWith(CLASS_SUFFIX + resource));
    case RESOURCE_CLAIMS:
      return name.endsWith(DEVICES_SUFFIX);
    default:
      return false;
  }
}

/** "requests.example.org/gpu": there is no other way to limit what cannot be shared. */
function isExtendedRequest(name: string): boolean {
  return name.startsWith("requests.") && isExtended(name.slice("requests.".length));
}

/** Of a device plugin, or a device of a class that is named itself: IsDRAExtendedResourceName of pkg/scheduler/util of Kubernetes. */
function isExtended(name: string): boolean {
  return isExtendedResource(name) || name.startsWith(CLASS_OF_DEVICES);
}

/** By resource. Never mutates. */
export function usageOf(groupResource: string, object: KubeObject, nowMs: number): ResourceList {
  const usage: Quantities = new Map([[`count/${groupResource}`, whole(1)]]);
  if (ALIASED.has(groupResource)) usage.set(groupResource, whole(1));
  if (groupResource === "pods") addAll(usage, podUsage(object as Pod, nowMs));
  if (groupResource === "services") addAll(usage, serviceUsage(object as Service));
  if (groupResource === "persistentvolumeclaims") addAll(usage, claimUsage(object as PersistentVolumeClaim));
  if (groupResource === RESOURCE_CLAIMS) addAll(usage, resourceClaimUsage(object as ResourceClaim));
  return listOf(usage);
}

export function listOf(amounts: Quantities): ResourceList {
  return Object.fromEntries([...amounts].map(([name, amount]) => [name, formatQuantity(amount)]));
}

/** Sums of usages. */
export function totalOf(usages: Iterable<ResourceList>): Quantities {
  const total: Quantities = new Map();
  for (const usage of usages) addAll(total, quantitiesOf(usage));
  return total;
}

/** What the second uses more than the first; what is no more is left out. */
export function increase(before: ResourceList, after: ResourceList): ResourceList {
  const more: Quantities = new Map();
  for (const [name, amount] of quantitiesOf(after)) {
    const old = readQuantity(before[name] ?? "0");
    if (!old) continue;
    const difference = addQuantities(amount, { nano: -old.nano, format: old.format });
    if (difference.nano > 0n) more.set(name, difference);
  }
  return listOf(more);
}

/**
 * Pods that have ended, and those that should have but whose node does not say so, only count as objects: nothing that runs is theirs.
 */
export function isRunning({ metadata, status }: Pod, nowMs: number): boolean {
  if (status?.phase === "Failed" || status?.phase === "Succeeded") return false;
  const endMs = overdueMs(metadata);
  return endMs === undefined || nowMs <= endMs;
}

/** When a pod that is being deleted counts no more, whether it is gone or not (unix ms). */
export function overdueMs({
  deletionTimestamp,
  deletionGracePeriodSeconds,
}: Pick<KubeObject["metadata"], "deletionTimestamp" | "deletionGracePeriodSeconds">): number | undefined {
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return undefined;
  return Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1_000;
}

function podUsage(pod: Pod, nowMs: number): Quantities {
  if (!isRunning(pod, nowMs)) return new Map();
  const effective = effectiveOf(pod);
  const requests = podTotals(pod.spec, "requests", effective);
  const limits = podTotals(pod.spec, "limits", effective);
  const overhead = quantitiesOf(pod.spec.overhead ?? {});
  addAll(requests, overhead);
  // Who has no limit has none with overhead either.
  addAll(limits, new Map([...overhead].filter(([name]) => (limits.get(name)?.nano ?? 0n) > 0n)));
  return computeUsage(requests, limits);
}

/**
 * While a resize is under way the larger counts: what is asked for, or what the node has given. What a node says that it can never give
 * does not count (k8s.io/component-helpers/resource).
 */
function effectiveOf({ status }: Pod): typeof declared {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  if (!statuses.some(({ resources }) => resources)) return declared;
  const byName = new Map(statuses.map((one) => [one.name, one]));
  const pending = status?.conditions?.find(({ type }) => type === "PodResizePending");
  const isInfeasible = pending?.reason === "Infeasible";
  return (container: Container, list: "requests" | "limits") => {
    const { resources, allocatedResources } = byName.get(container.name) ?? {};
    if (!resources) return declared(container, list);
    const amounts: Quantities = isInfeasible ? new Map() : new Map(declared(container, list));
    raiseAll(amounts, quantitiesOf(resources[list] ?? {}));
    if (list === "requests") raiseAll(amounts, quantitiesOf(allocatedResources ?? {}));
    return amounts;
  };
}

function computeUsage(requests: Quantities, limits: Quantities): Quantities {
  const usage: Quantities = new Map([["pods", whole(1)]]);
  for (const name of COMPUTE) {
    const request = requests.get(name);
    const limit = limits.get(name);
    if (request) usage.set(name, request).set(`requests.${name}`, request);
    if (limit) usage.set(`limits.${name}`, limit);
  }
  for (const [name, amount] of requests) {
    if (name.startsWith("hugepages-")) usage.set(name, amount).set(`requests.${name}`, amount);
    else if (isExtended(name)) usage.set(`requests.${name}`, amount);
  }
  return usage;
}

/**
 * `cpu for: a,b; memory for: a`: what of the limited resources containers have to name and do not. Undefined: nothing. A pod that has
 * resources as a whole need not name them for its containers.
 */
export function unnamedOf({ spec }: Pod, names: readonly string[]): string | undefined {
  if (Object.keys(spec.resources?.requests ?? {}).length + Object.keys(spec.resources?.limits ?? {}).length > 0) {
    return undefined;
  }
  const containers = [...spec.containers, ...(spec.initContainers ?? [])].map((container) => ({
    name: container.name,
    usage: computeUsage(declared(container, "requests"), declared(container, "limits")),
  }));
  const missing = names
    .filter((name) => REQUIRED.has(name))
    .toSorted()
    .flatMap((name) => {
      const silent = containers.filter(({ usage }) => !usage.has(name)).map((container) => container.name);
      return silent.length === 0 ? [] : [`${name} for: ${[...new Set(silent)].toSorted().join(",")}`];
    });
  return missing.length === 0 ? undefined : missing.join("; ");
}

function serviceUsage({ spec }: Service): Quantities {
  const ports = spec.ports ?? [];
  // Without ports of nodes of their own: those alone that were chosen by hand.
  const counted = spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort) : ports;
  const balanced = spec.type === "LoadBalancer";
  return new Map([
    ["services", whole(1)],
    ["services.loadbalancers", whole(balanced ? 1 : 0)],
    ["services.nodeports", whole(balanced ? counted.length : spec.type === "NodePort" ? ports.length : 0)],
  ]);
}

function claimUsage({ metadata, spec, status }: PersistentVolumeClaim): Quantities {
  const usage: Quantities = new Map([["persistentvolumeclaims", whole(1)]]);
  const storage = storageOf(spec.resources?.requests, status?.allocatedResources);
  if (storage) usage.set("requests.storage", storage);
  const className = metadata.annotations?.[CLASS_ANNOTATION] ?? spec.storageClassName ?? "";
  if (className === "") return usage;
  const ofClass = [...usage].map(([name, amount]): [string, Quantity] => [className + CLASS_SUFFIX + name, amount]);
  return new Map([...usage, ...ofClass]);
}

/** As many as an allocation can hold: what a request for all devices may come to. */
const DEVICES_MAX = 32;

/** Devices, by class: of requests with alternatives the most that each class may come to. */
function resourceClaimUsage({ spec }: ResourceClaim): Quantities {
  const usage: Quantities = new Map();
  for (const { exactly, firstAvailable = [] } of spec?.devices?.requests ?? []) {
    const ofRequest: Quantities = new Map();
    for (const { deviceClassName, allocationMode, count = 0 } of exactly ? [exactly] : firstAvailable) {
      const devices = allocationMode === "All" ? DEVICES_MAX : allocationMode === "ExactCount" ? count : 0;
      raiseAll(ofRequest, new Map([[deviceClassName + DEVICES_SUFFIX, whole(devices)]]));
    }
    addAll(usage, ofRequest);
  }
  return usage;
}

/** Of an expansion under way the larger size counts, in whole bytes. */
function storageOf(requests: ResourceList = {}, allocated: ResourceList = {}): Quantity | undefined {
  const asked = readQuantity(requests["storage"] ?? "");
  if (!asked) return undefined;
  const given = readQuantity(allocated["storage"] ?? "");
  const larger = given && compareQuantities(given, asked) > 0 ? given : asked;
  const rest = larger.nano % NANO;
  return rest === 0n ? larger : { ...larger, nano: larger.nano - rest + NANO };
}

function whole(count: number): Quantity {
  return { nano: BigInt(count) * NANO, format: "DecimalSI" };
}
