/** What a pod asks for and may use as a whole, resource by resource (k8s.io/component-helpers/resource). */
import { addQuantities, compareQuantities, readQuantity, type Quantity } from "../../../machinery/quantity.ts";
import type { Container, PodSpec, ResourceList } from "./types.ts";

export type Quantities = Map<string, Quantity>;

const NONE: ResourceList = {};

/**
 * The containers together, or the largest init container where that is more. Sidecars count with the containers and with every init
 * container after them (KEP-753). What is said of the pod as a whole takes the place of what its containers add up to (KEP-2837).
 * Overhead is not in it.
 */
export function podTotals(spec: PodSpec, list: "requests" | "limits", listOf = declared): Quantities {
  const total: Quantities = new Map();
  for (const container of spec.containers ?? []) addAll(total, listOf(container, list));
  const sidecars: Quantities = new Map();
  const initial: Quantities = new Map();
  for (const container of spec.initContainers ?? []) {
    const own = listOf(container, list);
    const during: Quantities = new Map(sidecars);
    addAll(during, own);
    if (container.restartPolicy === "Always") {
      addAll(total, own);
      addAll(sidecars, own);
    }
    raiseAll(initial, during);
  }
  raiseAll(total, initial);
  for (const [name, amount] of quantitiesOf(spec.resources?.[list] ?? NONE)) {
    if (isOfWholePods(name)) total.set(name, amount);
  }
  return total;
}

/** Of what a pod as a whole may have requests and limits. */
export function isOfWholePods(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith("hugepages-");
}

export function declared({ resources }: Container, list: "requests" | "limits"): Quantities {
  return quantitiesOf(resources?.[list] ?? NONE);
}

/** What is no quantity is left out: validation refuses it. */
export function quantitiesOf(list: ResourceList): Quantities {
  const amounts: Quantities = new Map();
  for (const [name, text] of Object.entries(list)) {
    const amount = readQuantity(text);
    if (amount) amounts.set(name, amount);
  }
  return amounts;
}

export function addAll(to: Quantities, amounts: Quantities): void {
  for (const [name, amount] of amounts) {
    const before = to.get(name);
    to.set(name, before ? addQuantities(before, amount) : amount);
  }
}

/** To the greater of both, for each resource. */
export function raiseAll(to: Quantities, amounts: Quantities): void {
  for (const [name, amount] of amounts) {
    const before = to.get(name);
    if (!before || compareQuantities(amount, before) > 0) to.set(name, amount);
  }
}
