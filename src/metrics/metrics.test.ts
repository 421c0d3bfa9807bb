import { describe, expect, it } from "vitest";
import { DatabaseError, type Database } from "../storage/database.ts";
import { exposition, expositionFormat, goFloat } from "./exposition.ts";
import { measuredDatabase } from "./measured-database.ts";
import { createMetrics } from "./metrics.ts";

describe("metrics", () => {
  it("are written as Prometheus reads them", async () => {
    const metrics = createMetrics();
    const requests = metrics.counter({ name: "b_total", help: "Requests.\nAll.", labels: ["path", "code"] });
    requests.series('/a"\\\n', "200").add();
    requests.series('/a"\\\n', "200").add(2);
    metrics.gauge({ name: "a_bytes", help: "Size." }).series().set(1_500_000);
    const seconds = metrics.histogram({ name: "c_seconds", help: "Time.", labels: ["verb"], buckets: [0.5, 1, 1e6] });
    for (const value of [0.1, 0.5, 0.75, 2, 1e7]) seconds.series("GET").observe(value);
    metrics.counter({ name: "unused_total", help: "Nothing yet.", labels: ["code"] });
    const families = await metrics.collect();
    expect(exposition(families, "prometheus")).toBe(`# HELP a_bytes Size.
# TYPE a_bytes gauge
a_bytes 1.5e+06
# HELP b_total Requests.\\nAll.
# TYPE b_total counter
b_total{path="/a\\"\\\\\\n",code="200"} 3
# HELP c_seconds Time.
# TYPE c_seconds histogram
c_seconds_bucket{verb="GET",le="0.5"} 2
c_seconds_bucket{verb="GET",le="1"} 3
c_seconds_bucket{verb="GET",le="1e+06"} 4
c_seconds_bucket{verb="GET",le="+Inf"} 5
c_seconds_sum{verb="GET"} 1.000000335e+07
c_seconds_count{verb="GET"} 5
`);
    const open = exposition(families, "openmetrics");
    expect(open).toContain('# TYPE b counter\nb_total{path="');
    expect(open).toContain('c_seconds_bucket{verb="GET",le="1.0"} 3\n');
    expect(open.endsWith("\n# EOF\n")).toBe(true);
  });

  it("are bounded: what comes late is counted together", async () => {
    const metrics = createMetrics();
    const family = metrics.counter({ name: "x_total", help: "X.", labels: ["name"], seriesMax: 3 });
    for (let i = 0; i < 100; i++) family.series(`name-${i}`).add();
    family.series("name-1").add();
    const [snapshot] = await metrics.collect();
    expect(snapshot?.series).toEqual([
      { values: ["name-0"], value: 1 },
      { values: ["name-1"], value: 2 },
      { values: ["overflow"], value: 98 },
    ]);
  });

  it("refuses a name that is taken, and other labels than the family's", () => {
    const metrics = createMetrics();
    const family = metrics.gauge({ name: "x", help: "X.", labels: ["a"] });
    expect(() => metrics.counter({ name: "x", help: "X." })).toThrow("two metrics are named x");
    expect(() => family.series()).toThrow("x has labels a");
  });

  it("shows the rest when something cannot be collected", async () => {
    const metrics = createMetrics();
    const gauge = metrics.gauge({ name: "x", help: "X." });
    metrics.beforeExposition(() => Promise.reject(new Error("the hub is away")));
    metrics.beforeExposition(() => gauge.series().set(7));
    expect(exposition(await metrics.collect(), "prometheus")).toContain("\nx 7\n");
  });

  it.each([
    [null, "prometheus"],
    ["*/*", "prometheus"],
    ["text/plain", "prometheus"],
    ["text/html", "prometheus"],
    // What Prometheus 2 and 3 send.
    [
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      "openmetrics",
    ],
    ["application/openmetrics-text;version=0.0.1,text/plain;q=0.5", "prometheus"],
    ["application/openmetrics-text;q=0.4,text/plain;q=0.5", "prometheus"],
  ] as const)("for %s are %s", (accept, format) => {
    expect(expositionFormat(accept)).toBe(format);
  });

  // As Go's strconv.FormatFloat(f, 'g', -1, 64) prints them.
  it.each([
    [0, "0"],
    [1, "1"],
    [0.005, "0.005"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [100_000, "100000"],
    [1_000_000, "1e+06"],
    [1_234_567, "1.234567e+06"],
    [1e21, "1e+21"],
    [-2.5, "-2.5"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
    [Number.NaN, "NaN"],
  ])("prints %d as %s", (value, text) => {
    expect(goFloat(value)).toBe(text);
  });
});

describe("a measured database", () => {
  it("counts batches, statements, rows and failures", async () => {
    const times = [0, 20, 20, 21, 30, 31];
    const metrics = createMetrics();
    const database: Database = {
      async batch(statements) {
        if (statements[0]?.sql === "BAD") throw new DatabaseError("no such table");
        return statements.map(() => ({ rows: [[1], [2]], rowsAffected: 3 }));
      },
      close: async () => {},
    };
    const measured = measuredDatabase(database, { metrics, clock: { now: () => times.shift() ?? 0 } });
    await measured.batch([{ sql: "A" }, { sql: "B" }], "read");
    await measured.batch([{ sql: "A" }], "write");
    await expect(measured.batch([{ sql: "BAD" }], "write")).rejects.toThrow(DatabaseError);
    const text = exposition(await metrics.collect(), "prometheus");
    for (const line of [
      'gantry_sql_batch_duration_seconds_bucket{mode="read",le="0.01"} 0',
      'gantry_sql_batch_duration_seconds_bucket{mode="read",le="0.025"} 1',
      'gantry_sql_batch_duration_seconds_count{mode="write"} 2',
      'gantry_sql_batch_errors_total{mode="write"} 1',
      'gantry_sql_statements_total{mode="read"} 2',
      'gantry_sql_statements_total{mode="write"} 2',
      "gantry_sql_rows_read_total 6",
      "gantry_sql_rows_written_total 9",
    ]) {
      expect(text).toContain(`${line}\n`);
    }
  });
});
