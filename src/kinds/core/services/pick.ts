/** A free number of a range: pkg/registry/core/service/{ipallocator,portallocator} of Kubernetes. */
import type { AllocationContext } from "../../../registry/strategy.ts";

/**
 * Picks that know nothing of what is taken: the condition of the write refuses what is, and that is cheaper than to read all Services
 * for each. Only a range that is nearly full makes so many in a row fail.
 */
export const BLIND_ATTEMPTS = 3;

const RESERVED_MIN = 16;

/** How many at the start of a range are left to those who ask for a number by name, as long as others are free: KEP-3070. */
export function reservedCount(size: number, { step, max }: { step: number; max: number }): number {
  if (size < RESERVED_MIN) return 0;
  return Math.min(Math.max(Math.floor(size / step), RESERVED_MIN), max);
}

/** From a random start upwards, first beyond the reserved ones, then among them. Undefined: all are taken. */
export function pickFree(range: {
  first: number;
  count: number;
  reserved: number;
  isTaken: (number: number) => boolean;
  random: AllocationContext["random"];
}): number | undefined {
  const { first, count, isTaken, random } = range;
  const reserved = Math.min(Math.max(range.reserved, 0), count);
  for (const [from, length] of [
    [first + reserved, count - reserved],
    [first, reserved],
  ] as const) {
    const start = Math.floor(random.fraction() * length);
    for (let offset = 0; offset < length; offset += 1) {
      const number = from + ((start + offset) % length);
      if (!isTaken(number)) return number;
    }
  }
  return undefined;
}
