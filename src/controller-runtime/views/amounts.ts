/** Resources as numbers the scheduler can add: CPU in thousandths, everything else in whole units. */
import type { ResourceList } from "../../kinds/core/pods/types.ts";
import { milliValue, parseQuantity, value } from "../../machinery/quantity.ts";

export type Amounts = Readonly<Record<string, number>>;

const NO_AMOUNTS: Amounts = {};
/** More than this of anything nobody has; sums of it stay exact, so that what is added can be taken away again. */
const AMOUNT_MAX = 2 ** 52 - 1;
/** What more than that is asked for counts as: nobody has so much. */
export const ASKED_MAX = 2 ** 52;

/** What cannot be read counts as nothing: validation has refused it already. */
export function resourceAmounts(list: ResourceList | undefined): Amounts {
  if (!list) return NO_AMOUNTS;
  const amounts: Record<string, number> = {};
  for (const [name, text] of Object.entries(list)) {
    try {
      const quantity = parseQuantity(text);
      const amount = name === "cpu" ? milliValue(quantity) : value(quantity);
      amounts[name] = Math.min(AMOUNT_MAX, Math.max(0, amount));
    } catch {
      amounts[name] = 0;
    }
  }
  return amounts;
}
