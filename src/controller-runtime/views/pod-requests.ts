/**
 * What a pod needs of its node (k8s.io/component-helpers/resource, PodRequests): the containers together, or the largest init container
 * where that is more, and the overhead. Sidecars count with the containers and with every init container after them (KEP-753). While a
 * container is being resized the larger of what it wants, was given and has counts (KEP-1287), unless the node said it cannot be.
 */
import type { Container, ContainerStatus, Pod, ResourceList } from "../../kinds/core/pods/types.ts";
import { readQuantity } from "../../machinery/quantity.ts";
import { ASKED_MAX, type Amounts } from "./amounts.ts";

/** What a container that asks for nothing counts as in scores (Kubernetes' DefaultMilliCPURequest and DefaultMemoryRequest). */
const LEAST: Amounts = { cpu: 100, memory: 200 * 1024 * 1024 };

/** CPU in thousandths, everything else in whole units. */
export interface PodRequests {
  requests: Amounts;
  /** The same with a minimum for each container that does not ask. */
  nonZero: { cpu: number; memory: number };
  /** What NodeResourcesFit scores by: with that minimum, and of the containers alone, as the specification has them. */
  scored: Amounts;
}

export function podRequests({ spec, status }: Pick<Pod, "spec" | "status">): PodRequests {
  const infeasible = (status?.conditions ?? []).some(
    ({ type, reason }) => type === "PodResizePending" && reason === "Infeasible",
  );
  const asked = new Map<Container, Amounts>();
  const held = new Map<Container, Amounts>();
  const read = (container: Container, statuses: readonly ContainerStatus[] | undefined): void => {
    const own = amountsOf(container.resources?.requests);
    const given = statuses?.find(({ name }) => name === container.name);
    asked.set(container, own);
    held.set(container, given?.resources ? effective(own, given, infeasible) : own);
  };
  for (const container of spec.containers ?? []) read(container, status?.containerStatuses);
  for (const container of spec.initContainers ?? []) {
    read(container, container.restartPolicy === "Always" ? status?.initContainerStatuses : undefined);
  }
  const overhead = amountsOf(spec.overhead);
  const whole = podLevel(spec, status, infeasible);
  const requests = rounded(added({ ...aggregate(spec, held, {}), ...whole }, overhead));
  // Requests of the pod as a whole (KEP-2837) say what its containers don't.
  const said = Object.keys(whole).length > 0;
  const missing = Object.fromEntries(Object.entries(LEAST).filter(([name]) => !said || !(name in requests)));
  const least = rounded(added({ ...aggregate(spec, held, missing), ...whole }, overhead));
  return {
    requests,
    nonZero: { cpu: least["cpu"] ?? 0, memory: least["memory"] ?? 0 },
    scored: rounded(added(aggregate(spec, asked, LEAST), overhead)),
  };
}

function aggregate(
  spec: Pod["spec"],
  amounts: ReadonlyMap<Container, Amounts>,
  missing: Amounts,
): Record<string, number> {
  const total: Record<string, number> = {};
  for (const container of spec.containers ?? []) add(total, { ...missing, ...amounts.get(container) });
  const sidecars: Record<string, number> = {};
  const initial: Record<string, number> = {};
  for (const container of spec.initContainers ?? []) {
    const own = { ...missing, ...amounts.get(container) };
    if (container.restartPolicy === "Always") {
      add(total, own);
      add(sidecars, own);
      raise(initial, sidecars);
    } else {
      raise(initial, added({ ...sidecars }, own));
    }
  }
  raise(total, initial);
  return total;
}

function effective(
  asked: Amounts,
  given: { resources?: { requests?: ResourceList }; allocatedResources?: ResourceList },
  infeasible: boolean,
): Amounts {
  const held = { ...amountsOf(given.resources?.requests) };
  raise(held, amountsOf(given.allocatedResources));
  if (!infeasible) raise(held, asked);
  return held;
}

/** Only CPU, memory and huge pages may be asked for by a pod as a whole. */
function podLevel(spec: Pod["spec"], status: Pod["status"], infeasible: boolean): Amounts {
  const wanted = Object.entries(spec.resources?.requests ?? {}).filter(
    ([name]) => name === "cpu" || name === "memory" || name.startsWith("hugepages-"),
  );
  const asked = amountsOf(Object.fromEntries(wanted));
  if (status?.resources === undefined) return asked;
  const all = effective(asked, status, infeasible);
  return Object.fromEntries(Object.keys(asked).map((name) => [name, all[name] ?? 0]));
}

const NO_AMOUNTS: Amounts = {};

/** Not rounded yet: parts of a thousandth of several containers add up. What cannot be read was refused by validation. */
function amountsOf(list: ResourceList | undefined): Amounts {
  if (list === undefined) return NO_AMOUNTS;
  const amounts: Record<string, number> = {};
  for (const [name, text] of Object.entries(list)) {
    const nano = readQuantity(text)?.nano ?? 0n;
    const unit = name === "cpu" ? 1_000_000n : 1_000_000_000n;
    amounts[name] = nano <= 0n ? 0 : Math.min(ASKED_MAX, Number(nano / unit) + Number(nano % unit) / Number(unit));
  }
  return amounts;
}

/** Less than a billionth of anything nobody asks for; it may come of adding fractions. */
const NOISE = 5e-7;

function rounded(amounts: Record<string, number>): Amounts {
  for (const name in amounts) amounts[name] = Math.min(ASKED_MAX, Math.ceil((amounts[name] ?? 0) - NOISE));
  return amounts;
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
