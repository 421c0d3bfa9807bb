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
