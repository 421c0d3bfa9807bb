/** What the driver can do with the log's own statements and nothing else: the limit of concurrent creates. */
import { migrate } from "../../src/storage/migrate.ts";
import { writeStatement } from "../../src/storage/write-sql.ts";
import { openTemporaryDatabase } from "../harness/temporary-database.ts";

const GROUP = 64;
const GROUPS = 80;
const WARM_UP = 5;

/** Creates a second, in groups, of a value like this one. */
export async function rawWriteRate(value: string): Promise<number> {
  const { database, ...temporary } = await openTemporaryDatabase();
  try {
    await migrate(database);
    let startMs = 0;
    for (let group = -WARM_UP; group < GROUPS; group++) {
      const statements = Array.from({ length: GROUP }, (_, at) => {
        const name = `raw-${group}-${at}`;
        const stored = { resource: "configmaps", namespace: "raw", name, uid: crypto.randomUUID(), form: "v1/1" };
        const write = { ...stored, op: "create" as const, labels: {}, fields: {}, value, writeId: stored.uid };
        return writeStatement(write, Date.now());
      });
      if (group === 0) startMs = performance.now();
      await database.batch(statements, "write");
    }
    return (GROUP * GROUPS * 1_000) / (performance.now() - startMs);
  } finally {
    await temporary.close();
  }
}
