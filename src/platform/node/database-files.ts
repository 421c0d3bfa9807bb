/** `DatabaseProvider` on files of one folder. */
import { access, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseError } from "../../storage/database.ts";
import { DATABASE_NAME, type DatabaseProvider } from "../platform.ts";
import { openDatabase, type OpenDatabaseOptions } from "./libsql-database.ts";
import { createWritingThreads } from "./writing-threads.ts";

/** What SQLite and the lock put beside a database. */
const COMPANIONS = ["-wal", "-shm", "-journal", "-lock"];

export interface DatabaseFiles extends DatabaseProvider {
  /** Ends the thread that is kept for the next database. What is open stays so. Idempotent. */
  close(): Promise<void>;
}

/** The folder is made when it is missing. */
export function createDatabaseFiles(
  folder: string,
  options: Omit<OpenDatabaseOptions, "path" | "threads"> = {},
): DatabaseFiles {
  const threads = createWritingThreads();
  const fileOf = (name: string): string => {
    if (!DATABASE_NAME.test(name)) throw new DatabaseError(`no name of a database: ${JSON.stringify(name)}`);
    return join(folder, `${name}.db`);
  };
  return {
    async open(name) {
      const path = fileOf(name);
      await translated(name, () => access(path));
      return await openDatabase({ ...options, path, threads });
    },
    async create(name) {
      const path = fileOf(name);
      await translated(name, async () => {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        // SQLite takes an empty file for an empty database.
        await writeFile(path, "", { flag: "a", mode: 0o600 });
      });
    },
    async destroy(name) {
      const path = fileOf(name);
      await translated(name, async () => {
        for (const file of [path, ...COMPANIONS.map((ending) => path + ending)]) await rm(file, { force: true });
      });
    },
    close: () => threads.close(),
  };
}

async function translated<T>(name: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw new DatabaseError(`the file of database ${name} cannot be used`, { cause });
  }
}
