/** What the runtime lends to everything else. No code outside `platform/` reads a clock, sets a timer or rolls a die by itself. */

import type { Database } from "../storage/database.ts";

export interface Clock {
  /** Unix time in milliseconds. */
  now(): number;
}

export interface Timers {
  /** Calls `run` once after `delayMs`. Returns the undo. */
  after(delayMs: number, run: () => void): () => void;
  /** Calls `run` once everything that is ready to run now has had its turn, without the delay of a timer. Absent: use after(0). */
  soon?(run: () => void): void;
}

/** Resolves once everything that is ready to run now has had its turn. */
export function nextTurn(timers: Timers): Promise<void> {
  return new Promise((resolve) => {
    if (timers.soon) timers.soon(resolve);
    else timers.after(0, resolve);
  });
}

export interface Random {
  /** A version 4 UUID. */
  uuid(): string;
  /** Uniform in [0, 1). Not for secrets. */
  fraction(): number;
  /** Unpredictable bytes. */
  bytes(length: number): Uint8Array;
}

export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** What the process uses, where the runtime tells. */
export interface ProcessUsage {
  /** Unix ms */
  startedMs: number;
  residentBytes: number;
  heapBytes: number;
  /** User and system, since the start. */
  cpuSeconds: number;
}

export interface Platform {
  clock: Clock;
  timers: Timers;
  random: Random;
  log: Log;
  /** Absent where there is no process (Workers). */
  usage?: () => ProcessUsage;
}

/** Databases by name, "accounts" and one for each cluster: lower-case letters, digits and hyphens, at most 40. */
export interface DatabaseProvider {
  /** One that was created. What is opened is closed by whoever opened it. @throws DatabaseError */
  open(name: string): Promise<Database>;
  /** Makes an empty database; one that is there already is left as it is. @throws DatabaseError */
  create(name: string): Promise<void>;
  /** Removes it with all that is in it; a name that is not there is no error. Close it first. @throws DatabaseError */
  destroy(name: string): Promise<void>;
}

export const DATABASE_NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;
