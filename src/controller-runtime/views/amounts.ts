/** Resources as numbers the scheduler can add: CPU in thousandths, everything else in whole units. */
import type { ResourceList } from "../../kinds/core/pods/types.ts";
import { milliValue, parseQuantity, value } from "../../machinery/quantity.ts";

export type Amounts = Readonly<Record<string, number>>;

const NO_AMOUNTS: Amounts = {};

/** What cannot be read counts as nothing: validation has refused it already. */
export function resourceAmounts(list: ResourceList | undefined): Amounts {
  if (!list) return NO_AMOUNTS;
  const amounts: Record<string, number> = {};
  for (const [name, text] of Object.entries(list)) {
    try {
      const quantity = parseQuantity(text);
      amounts[name] = name === "cpu" ? milliValue(quantity) : value(quantity);
    } catch {
      amounts[name] = 0;
    }
  }
  return amounts;
}
