/**
 * Threads that write, for a process that opens one database after the other. A thread takes 40 to 150 ms to load, and most of the time of a
 * new cluster was that: so one is kept loaded, for the next. It costs about 14 MB, and there is none before the first was asked for.
 */
import type { ConnectionOptions } from "./libsql-connection.ts";
import { WritingThread } from "./libsql-writing-thread.ts";

export interface WritingThreads {
  /** Whoever takes it closes it. @throws DatabaseError */
  open(options: ConnectionOptions): Promise<WritingThread>;
  /** Ends the one that waits, and none waits any more. Those that are in use go on. Idempotent. */
  close(): Promise<void>;
}

export function createWritingThreads(): WritingThreads {
  let spare: WritingThread | undefined;
  let closed = false;
  return {
    async open(options) {
      // One that has died while it waited (out of memory) is nobody's.
      const thread = spare && !spare.ended ? spare : WritingThread.begin();
      spare = closed ? undefined : WritingThread.begin();
      return await opened(thread, options);
    },
    async close() {
      closed = true;
      const ending = spare;
      spare = undefined;
      await ending?.abandon();
    },
  };
}

/** Of one database alone: none is kept for others. */
export async function openWritingThread(options: ConnectionOptions): Promise<WritingThread> {
  return await opened(WritingThread.begin(), options);
}

async function opened(thread: WritingThread, options: ConnectionOptions): Promise<WritingThread> {
  try {
    await thread.open(options);
    return thread;
  } catch (error) {
    await thread.abandon();
    throw error;
  }
}
