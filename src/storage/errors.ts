import { DatabaseError } from "./database.ts";

/**
 * Closed set of what storage can fail with. A lost compare-and-swap is an outcome, not an error.
 * - "compacted": the asked-for revision is older than the compaction floor (410)
 * - "future": the asked-for revision has not been written yet (504)
 * - "unavailable": the database could not be reached, or answered with a fault (503)
 * - "unreadable": a value cannot be decrypted: it was changed where it is stored, or its key is gone (500)
 */
export type StorageErrorCode = "compacted" | "future" | "unavailable" | "unreadable";

export class StorageError extends Error {
  readonly code: StorageErrorCode;
  /** The newest revision, where it is known. */
  readonly current: number | undefined;
  /** Of "compacted": the oldest revision that is kept. */
  readonly floor: number | undefined;
  /** Of a write: the answer was lost, so it may have been stored. `lookup` tells. */
  readonly outcomeUnknown: boolean;
  constructor(
    code: StorageErrorCode,
    message: string,
    options: { current?: number; floor?: number; cause?: unknown; outcomeUnknown?: boolean } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "StorageError";
    this.code = code;
    this.current = options.current;
    this.floor = options.floor;
    this.outcomeUnknown = options.outcomeUnknown ?? false;
  }
}

/** Translates DatabaseError to StorageError "unavailable"; everything else is a bug and passes through. */
export async function callDatabase<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (!(cause instanceof DatabaseError)) throw cause;
    throw new StorageError("unavailable", "the database did not answer as it should", {
      cause,
      outcomeUnknown: cause.outcomeUnknown,
    });
  }
}
