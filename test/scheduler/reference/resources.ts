/** What a pod asks for (component-helpers/resource/helpers.go PodRequests): exact, in billionths. */
import type { Container, ContainerStatus, Pod, ResourceList } from "../../../src/kinds/core/pods/types.ts";
import { parseQuantity } from "../../../src/machinery/quantity.ts";

/** Billionths by resource name. */
export type Exact = ReadonlyMap<string, bigint>;

export interface Counting {
  /** Requests of the pod as a whole take the place of what its containers ask for. */
  podLevel: boolean;
  /** What containers have been given, where a resize is under way. */
  status: boolean;
  /** What a container that does not say is taken to ask for. */
  defaults: ResourceList;
}

/** DefaultMilliCPURequest and DefaultMemoryRequest. */
export const DEFAULTS: ResourceList = { cpu: "100m", memory: "200Mi" };

export function podRequests(pod: Pod, counting: Counting): Exact {
  const { spec, status } = pod;
  const of = (container: Container, statuses: readonly ContainerStatus[] | undefined): Exact => {
    const asked = exact(container.resources?.requests);
    const given = statuses?.find(({ name }) => name === container.name);
    const counted =
      counting.status && given?.resources
        ? effective(pod, {
            asked,
            actual: exact(given.resources.requests),
            allocated: exact(given.allocatedResources),
          })
        : asked;
    return new Map([...exact(counting.defaults), ...counted]);
  };
  let sum = plus(...(spec.containers ?? []).map((container) => of(container, status?.containerStatuses)));
  let sidecars: Exact = new Map();
  let highest: Exact = new Map();
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === "Always") {
      const own = of(container, status?.initContainerStatuses);
      sum = plus(sum, own);
      sidecars = plus(sidecars, own);
      highest = max(highest, sidecars);
    } else {
      highest = max(highest, plus(of(container, undefined), sidecars));
    }
  }
  let total = max(sum, highest);
  if (counting.podLevel) total = new Map([...total, ...podLevelRequests(pod, counting.status)]);
  return plus(total, exact(spec.overhead));
}

const isOfPods = (name: string): boolean => name === "cpu" || name === "memory" || name.startsWith("hugepages-");

/** Requests of the pod as a whole are of CPU, memory and huge pages. */
export function podLevelRequests(pod: Pod, withStatus: boolean): Exact {
  const requests = pod.spec.resources?.requests ?? {};
  const asked = exact(Object.fromEntries(Object.entries(requests).filter(([name]) => isOfPods(name))));
  if (!withStatus || !pod.status?.resources) return asked;
  const all = effective(pod, {
    asked: exact(requests),
    actual: exact(pod.status.resources.requests),
    allocated: exact(pod.status.allocatedResources),
  });
  return new Map([...asked.keys()].map((name) => [name, all.get(name) ?? 0n]));
}

/** A resize that can never be done does not count. */
function effective(pod: Pod, { asked, actual, allocated }: Record<"asked" | "actual" | "allocated", Exact>): Exact {
  const pending = pod.status?.conditions?.find(({ type }) => type === "PodResizePending");
  return pending?.reason === "Infeasible" ? max(actual, allocated) : max(asked, max(actual, allocated));
}

export function exact(list: ResourceList | undefined): Exact {
  return new Map(Object.entries(list ?? {}).map(([name, text]) => [name, parseQuantity(text).nano]));
}

function plus(...lists: Exact[]): Exact {
  const sum = new Map<string, bigint>();
  for (const list of lists) for (const [name, nano] of list) sum.set(name, (sum.get(name) ?? 0n) + nano);
  return sum;
}

function max(one: Exact, other: Exact): Exact {
  const highest = new Map(one);
  for (const [name, nano] of other) {
    const known = highest.get(name);
    if (known === undefined || nano > known) highest.set(name, nano);
  }
  return highest;
}

/** CPU in thousandths, everything else in whole units, both rounded up. */
export function amount(list: Exact, name: string): bigint {
  const nano = list.get(name) ?? 0n;
  const unit = name === "cpu" ? 1_000_000n : 1_000_000_000n;
  return nano > 0n ? (nano + unit - 1n) / unit : nano / unit;
}

/** Resources that are neither CPU, memory nor local storage, and that the scheduler counts nevertheless. */
export function isScalar(name: string): boolean {
  if (name.startsWith("hugepages-") || name.startsWith("attachable-volumes-") || name.includes("kubernetes.io/"))
    return true;
  return name.includes("/") && !name.startsWith("requests.");
}
