/** A database whose line fails when told to. */
import { DatabaseError, type Database, type ResultSet, type Statement } from "../../src/storage/database.ts";

export type Fault =
  /** The batch is stored, its answer is lost. */
  | "answer-lost"
  /** The batch never arrives, and nobody knows. */
  | "request-lost"
  /** The server says no. */
  | "refused";

export interface FaultyDatabase extends Database {
  /** Asked before each batch. */
  fault: (statements: readonly Statement[], mode: "read" | "write") => Fault | undefined;
  /** Batches that arrived. */
  readonly batches: { statements: number; mode: "read" | "write" }[];
}

export function createFaultyDatabase(database: Database): FaultyDatabase {
  const batches: FaultyDatabase["batches"] = [];
  return {
    fault: () => undefined,
    batches,
    async batch(statements, mode): Promise<ResultSet[]> {
      const fault = this.fault(statements, mode);
      if (fault === "refused") throw new DatabaseError("refused");
      if (fault === "request-lost") throw new DatabaseError("no answer", { outcomeUnknown: mode === "write" });
      batches.push({ statements: statements.length, mode });
      const results = await database.batch(statements, mode);
      if (fault === "answer-lost") throw new DatabaseError("no answer", { outcomeUnknown: mode === "write" });
      return results;
    },
    close: () => database.close(),
  };
}
