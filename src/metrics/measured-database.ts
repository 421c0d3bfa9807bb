/** A `Database` that counts: how long batches take, and the statements and rows in them, which is what a hosted database bills. */
import type { Clock } from "../platform/platform.ts";
import type { Database } from "../storage/database.ts";
import type { Metrics } from "./metrics.ts";

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What is counted is what the driver tells: rows that came back, and rows of the table that changed (indexes are on top). */
export function measuredDatabase(database: Database, { metrics, clock }: { metrics: Metrics; clock: Clock }): Database {
  const durations = metrics.histogram({
    name: "gantry_sql_batch_duration_seconds",
    help: "Time for one batch of SQL, a round trip where the database is remote, by mode.",
    labels: ["mode"],
    buckets: BUCKETS,
  });
  const failures = metrics.counter({
    name: "gantry_sql_batch_errors_total",
    help: "Batches of SQL that failed, by mode.",
    labels: ["mode"],
  });
  const statements = metrics.counter({
    name: "gantry_sql_statements_total",
    help: "Statements in batches of SQL, by mode.",
    labels: ["mode"],
  });
  const read = metrics
    .counter({ name: "gantry_sql_rows_read_total", help: "Rows that statements of SQL gave back." })
    .series();
  const written = metrics
    .counter({
      name: "gantry_sql_rows_written_total",
      help: "Rows that statements of SQL inserted, updated or deleted.",
    })
    .series();
  const modes = {
    read: {
      duration: durations.series("read"),
      failed: failures.series("read"),
      statements: statements.series("read"),
    },
    write: {
      duration: durations.series("write"),
      failed: failures.series("write"),
      statements: statements.series("write"),
    },
  };
  return {
    async batch(batch, mode) {
      const counted = modes[mode];
      const startMs = clock.now();
      counted.statements.add(batch.length);
      try {
        const results = await database.batch(batch, mode);
        for (const { rows, rowsAffected } of results) {
          read.add(rows.length);
          written.add(rowsAffected);
        }
        return results;
      } catch (error) {
        counted.failed.add();
        throw error;
      } finally {
        counted.duration.observe((clock.now() - startMs) / 1_000);
      }
    },
    close: () => database.close(),
  };
}
