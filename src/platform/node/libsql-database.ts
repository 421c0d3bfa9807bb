/** `Database` on a local file, by the native libsql driver. */
import type { Database } from "../../storage/database.ts";
import { lockFile, openConnection, type ConnectionOptions } from "./libsql-connection.ts";
import { openWritingThread, type WritingThreads } from "./writing-threads.ts";

export interface OpenDatabaseOptions
  extends Pick<ConnectionOptions, "path">, Partial<Pick<ConnectionOptions, "durability">> {
  /**
   * Writes run in a thread of their own, so that the event loop does not wait for the disk, and the next group of writes gathers while
   * one is committed. Reads stay here. Worth a thread where many write at once.
   */
  writesInThread?: boolean;
  /** Where the thread comes from, for who opens many. */
  threads?: Pick<WritingThreads, "open">;
}

/** @throws DatabaseError "in-use" when another process (or another call in this one) has the file open */
export async function openDatabase({
  path,
  durability = "full",
  writesInThread = false,
  threads = { open: openWritingThread },
}: OpenDatabaseOptions): Promise<Database> {
  if (writesInThread) return await openThreaded({ path, durability }, threads);
  const connection = openConnection({ path, durability, access: "alone" });
  return {
    // oxlint-disable-next-line typescript/require-await -- the port is asynchronous, this driver is not
    batch: async (statements, mode) => connection.batch(statements, mode),
    // oxlint-disable-next-line typescript/require-await -- as above
    close: async () => connection.close(),
  };
}

async function openThreaded(
  file: Pick<ConnectionOptions, "path" | "durability">,
  threads: Pick<WritingThreads, "open">,
): Promise<Database> {
  const undo: (() => void | Promise<void>)[] = [lockFile(file.path)];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const writer = await threads.open({ ...file, access: "writes" });
    undo.push(() => writer.close());
    const reader = openConnection({ ...file, access: "reads" });
    undo.push(() => reader.close());
    const batch: Database["batch"] = async (statements, mode) =>
      mode === "write" ? await writer.batch(statements) : reader.batch(statements, mode);
    return { batch, close };
  } catch (error) {
    await close();
    throw error;
  }
}
