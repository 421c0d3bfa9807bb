export interface BenchRow {
  bench: string;
  case: string;
  metric: string;
  value: number;
  /** "" for ratios and counts. */
  unit: string;
}

export interface Report {
  (row: BenchRow): void;
  /** Says by name what could not be measured here, and why. */
  missing(bench: string, needs: string): void;
}

/** `at`: 0.5 is the median. 0 of nothing. */
export function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(at * sorted.length))] ?? 0;
}
