/** `npm run bench [-- --json] [name …]`: every benchmark; a table for people, with --json one object a line. */

export interface BenchRow {
  bench: string;
  case: string;
  metric: string;
  value: number;
  unit: string;
}
export type Report = (row: BenchRow) => void;

const BENCHES: Record<string, () => Promise<{ run(report: Report): Promise<void> }>> = {
  storage: () => import("./storage.ts"),
  api: () => import("./api.ts"),
};

const args = process.argv.slice(2);
const json = args.includes("--json");
const names = args.filter((arg) => !arg.startsWith("--"));

for (const [name, load] of Object.entries(BENCHES)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const bench = await load();
  await bench.run((row) => console.log(json ? JSON.stringify(row) : line(row)));
}

function line({ bench, case: name, metric, value, unit }: BenchRow): string {
  const shown = Number.isInteger(value) ? value.toLocaleString("en") : value.toPrecision(4);
  return `${bench.padEnd(26)} ${name.padEnd(30)} ${metric.padEnd(24)} ${shown.padStart(14)} ${unit}`;
}
