import type { FetchDocument } from "../../src/authn/oidc/issuer-keys.ts";
import type { Platform } from "../../src/platform/platform.ts";
import type { Database } from "../../src/storage/database.ts";
import type { ClusterHost } from "../../src/accounts/accounts.ts";
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
  /** A database of accounts and a host of clusters, as this runtime has them in earnest; all of them are gone after `stop`. */
  openClusters(options: { platform: Platform; baseUrl: string; fetchDocument: FetchDocument }): Promise<TestClusters>;
}

export interface TestClusters {
  database: Database;
  host: ClusterHost;
  stop(): Promise<void>;
}
