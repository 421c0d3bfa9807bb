/**
 * Closed set of what storage can fail with. A lost compare-and-swap is an outcome, not an error.
 * - "compacted": the asked-for revision is older than the compaction floor (410)
 * - "future": the asked-for revision has not been written yet (504)
 * - "unavailable": the database could not be reached, or answered with a fault (503)
 */
export type StorageErrorCode = "compacted" | "future" | "unavailable";

export class StorageError extends Error {
  readonly code: StorageErrorCode;
  /** The newest revision, where it is known. */
  readonly current: number | undefined;
  constructor(code: StorageErrorCode, message: string, options: { current?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "StorageError";
    this.code = code;
    this.current = options.current;
  }
}
