/** `npm run bench [-- --json] [name …]`: every benchmark; a table for people, with --json one object a line. */
import type { BenchRow, Report } from "./report.ts";

interface Bench {
  run(report: Report, options: { alone: boolean; minutes?: number }): Promise<void>;
}

const BENCHES: Record<string, () => Promise<Bench>> = {
  storage: () => import("./storage.ts"),
  sql: () => import("./sql-cost.ts"),
  "watch-fanout": () => import("./watch-fanout.ts"),
  api: () => import("./api.ts"),
  authz: () => import("./authz.ts"),
  kinds: () => import("./kinds.ts"),
  creates: () => import("./creates.ts"),
  accounts: () => import("./accounts.ts"),
  "bad-input": () => import("./bad-input.ts"),
  scale: () => import("./scale.ts"),
  scheduler: () => import("./scheduler.ts"),
  worker: () => import("./worker.ts"),
  rss: () => import("./rss.ts"),
  idle: () => import("./idle.ts"),
};

const args = process.argv.slice(2);
const json = args.includes("--json");
const minutes = args.find((arg) => arg.startsWith("--minutes="))?.slice("--minutes=".length);
const names = args.filter((arg) => !arg.startsWith("--"));
for (const name of names) {
  if (name in BENCHES) continue;
  process.stderr.write(`there is no benchmark ${name}: ${Object.keys(BENCHES).join(" ")}\n`);
  process.exit(2);
}

const report: Report = Object.assign(
  (row: BenchRow) => void process.stdout.write(`${json ? JSON.stringify(row) : line(row)}\n`),
  {
    missing: (bench: string, needs: string) =>
      void process.stderr.write(`${bench} was not measured: it needs ${needs}\n`),
  },
);

for (const [name, load] of Object.entries(BENCHES)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const bench = await load();
  await bench.run(report, {
    alone: names.length === 1,
    ...(minutes === undefined ? {} : { minutes: Number(minutes) }),
  });
}

function line({ bench, case: name, metric, value, unit }: BenchRow): string {
  const shown = Number.isInteger(value) ? value.toLocaleString("en") : value.toPrecision(4);
  return `${bench.padEnd(20)} ${name.padEnd(40)} ${metric.padEnd(22)} ${shown.padStart(12)} ${unit}`.trimEnd();
}
