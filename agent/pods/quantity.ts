/** Quantities ("500m", "64Mi") as numbers, as far as a node needs them. */

const FACTORS: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** @returns 0 for what is absent or unreadable: the API has validated it. */
export function quantity(value: string | number | undefined): number {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  const match = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$/.exec(value.trim());
  const factor = FACTORS[match?.[2] ?? ""];
  if (!match || factor === undefined) return 0;
  // 1000-fold first, so that "100m" does not become 0.1000…1.
  return factor === 1e-3 ? Number(match[1]) / 1000 : Number(match[1]) * factor;
}
