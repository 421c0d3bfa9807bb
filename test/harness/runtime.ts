import type { Platform } from "../../src/platform/platform.ts";
import type { Database } from "../../src/storage/database.ts";
import type { TestSockets } from "./sockets.ts";

/** The contract of test-runtime.ts. */
export interface TestRuntime {
  name: "Node" | "workerd";
  /** Why no cluster can be made here: what the machine lacks. */
  missing: string | undefined;
  /** Whether reads are answered from memory, as this runtime does in earnest. */
  cachesReads: boolean;
  /** Time of the CPU that the process has had so far, all its threads together; undefined where the runtime does not tell. */
  cpuMs: (() => number) | undefined;
  createPlatform(): Platform;
  /** WebSockets as this runtime serves them in earnest, and a client for them. */
  createSockets(): TestSockets;
  /** An empty database of its own, gone after `close`. */
  openDatabase(): Promise<{ database: Database; close(): Promise<void> }>;
}
