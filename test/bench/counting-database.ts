/** A real libSQL server and what it bills: round trips, rows read, rows written, by the server's own counters. */
import { openRemoteDatabase } from "../../src/platform/workers/libsql-database.ts";
import type { Database } from "../../src/storage/database.ts";
import { startSqld } from "../harness/sqld.ts";

export interface SqlBill {
  /** HTTP requests. */
  roundTrips: number;
  rowsRead: number;
  rowsWritten: number;
}

export interface BilledDatabase {
  database: Database;
  /** What `operate` cost; nothing else may use the database meanwhile. */
  billOf<T>(operate: () => Promise<T>): Promise<SqlBill & { result: T }>;
  close(): Promise<void>;
}

interface Counters {
  rows_read?: number;
  rows_written?: number;
}
interface PipelineAnswer {
  results?: { response?: { result?: Counters & { step_results?: (Counters | null)[] } } }[];
}

/** The caller has made sure that there is a server to start: `hasSqld`. */
export async function openBilledDatabase(): Promise<BilledDatabase> {
  const server = await startSqld();
  let bill: SqlBill = { roundTrips: 0, rowsRead: 0, rowsWritten: 0 };
  const counting: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const text = await response.text();
    bill.roundTrips++;
    for (const counters of countersOf(JSON.parse(text) as PipelineAnswer)) {
      bill.rowsRead += counters.rows_read ?? 0;
      bill.rowsWritten += counters.rows_written ?? 0;
    }
    return new Response(text, { status: response.status, headers: response.headers });
  };
  const database = openRemoteDatabase({ url: server.url, fetch: counting });
  return {
    database,
    async billOf(operate) {
      bill = { roundTrips: 0, rowsRead: 0, rowsWritten: 0 };
      const result = await operate();
      return { ...bill, result };
    },
    async close() {
      await database.close();
      await server.stop();
    },
  };
}

function countersOf({ results = [] }: PipelineAnswer): Counters[] {
  return results.flatMap(({ response }) => {
    const result = response?.result;
    if (!result) return [];
    return result.step_results ? result.step_results.filter((step) => step !== null) : [result];
  });
}
