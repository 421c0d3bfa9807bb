/**
 * What a pod needs of its node (k8s.io/component-helpers/resource, PodRequests): the containers together, or the largest init container
 * where that is more, and the overhead. Sidecars count with the containers and with every init container after them (KEP-753). While a
 * container is being resized the larger of what it wants, was given and has counts (KEP-1287), unless the node said it cannot be.
 */
import type { Container, ContainerStatus, Pod, ResourceList } from "../../kinds/core/pods/types.ts";
import { resourceAmounts, type Amounts } from "./amounts.ts";

/** What a container that asks for nothing counts as in scores (Kubernetes' DefaultMilliCPURequest and DefaultMemoryRequest). */
export const CPU_DEFAULT = 100;
export const MEMORY_DEFAULT = 200 * 1024 * 1024;

export interface PodRequests {
  /** CPU in thousandths, everything else in whole units. */
  requests: Amounts;
  /** The same with a minimum for each container that does not ask. */
  nonZero: { cpu: number; memory: number };
}

export function podRequests({ spec, status }: Pick<Pod, "spec" | "status">): PodRequests {
  const wanted = spec.resources?.requests;
  const infeasible = (status?.conditions ?? []).some(
    ({ type, reason }) => type === "PodResizePending" && reason === "Infeasible",
  );
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const own = (container: Container): Amounts =>
    ownRequests(
      container,
      statuses.find(({ name }) => name === container.name),
      infeasible,
    );
  const overhead = resourceAmounts(spec.overhead);
  const ofPod = podLevel(wanted);
  const total = aggregate(spec, own);
  const requests = added({ ...total, ...ofPod }, overhead);
  // Requests of the pod as a whole (KEP-2837) say what its containers don't.
  const missing: Record<string, number> = {};
  if (wanted === undefined || !("cpu" in { ...total, ...ofPod })) missing["cpu"] = CPU_DEFAULT;
  if (wanted === undefined || !("memory" in { ...total, ...ofPod })) missing["memory"] = MEMORY_DEFAULT;
  const least = added({ ...aggregate(spec, (container) => ({ ...missing, ...own(container) })), ...ofPod }, overhead);
  return { requests, nonZero: { cpu: least["cpu"] ?? 0, memory: least["memory"] ?? 0 } };
}

function aggregate(spec: Pod["spec"], own: (container: Container) => Amounts): Record<string, number> {
  const total: Record<string, number> = {};
  for (const container of spec.containers ?? []) add(total, own(container));
  const sidecars: Record<string, number> = {};
  const initial: Record<string, number> = {};
  for (const container of spec.initContainers ?? []) {
    const amounts = own(container);
    if (container.restartPolicy === "Always") {
      add(total, amounts);
      add(sidecars, amounts);
      raise(initial, sidecars);
    } else {
      raise(initial, added({ ...sidecars }, amounts));
    }
  }
  raise(total, initial);
  return total;
}

function ownRequests({ resources }: Container, status: ContainerStatus | undefined, infeasible: boolean): Amounts {
  const spec = resourceAmounts(resources?.requests);
  if (status?.resources === undefined && status?.allocatedResources === undefined) return spec;
  const held = { ...resourceAmounts(status.resources?.requests) };
  raise(held, resourceAmounts(status.allocatedResources));
  if (infeasible) return held;
  raise(held, spec);
  return held;
}

/** Only these may be asked for by a pod as a whole. */
function podLevel(list: ResourceList | undefined): Amounts {
  if (list === undefined) return {};
  const kept = Object.entries(list).filter(
    ([name]) => name === "cpu" || name === "memory" || name.startsWith("hugepages-"),
  );
  return resourceAmounts(Object.fromEntries(kept));
}

function added(to: Record<string, number>, amounts: Amounts): Record<string, number> {
  add(to, amounts);
  return to;
}

function add(to: Record<string, number>, amounts: Amounts): void {
  for (const [name, amount] of Object.entries(amounts)) to[name] = (to[name] ?? 0) + amount;
}

function raise(to: Record<string, number>, amounts: Amounts): void {
  for (const [name, amount] of Object.entries(amounts)) to[name] = Math.max(to[name] ?? 0, amount);
}
