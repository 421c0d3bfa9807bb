/** Bounds of sizes and costs. Above 2^64 there is no more: cel-go's uint64 without overflow. */

export interface Range {
  min: number;
  max: number;
}

export const UNBOUNDED = 2 ** 64;
export const UNKNOWN: Range = { min: 0, max: UNBOUNDED };

export function fixed(amount: number): Range {
  return { min: amount, max: amount };
}

export function plus(...ranges: readonly Range[]): Range {
  let [min, max] = [0, 0];
  for (const range of ranges) {
    min += range.min;
    max += range.max;
  }
  return { min: Math.min(min, UNBOUNDED), max: Math.min(max, UNBOUNDED) };
}

export function product(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : Math.min(a * b, UNBOUNDED);
}

export function times(a: Range, b: Range): Range {
  return { min: product(a.min, b.min), max: product(a.max, b.max) };
}

/** Rounded up. */
export function scaled({ min, max }: Range, factor: number): Range {
  return { min: scaleOne(min, factor), max: scaleOne(max, factor) };
}

function scaleOne(amount: number, factor: number): number {
  return Math.min(Math.ceil(amount * factor), UNBOUNDED);
}

export function union(a: Range, b: Range): Range {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}
