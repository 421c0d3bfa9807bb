import { createNodePlatform } from "../../src/platform/node/platform.ts";
import { loadClusterKeys } from "../../src/pki/load-cluster-keys.ts";
import { memorySettings } from "../harness/memory-settings.ts";
import { openTemporaryDatabase } from "../harness/temporary-database.ts";
import { storageSuite } from "./storage.suite.ts";

storageSuite("native driver on a file", () => openTemporaryDatabase());
storageSuite("native driver on a file, writes in a thread", () => openTemporaryDatabase({ writesInThread: true }));
storageSuite("native driver on a file, with every pod encrypted", async () => {
  const keys = await loadClusterKeys({
    settings: memorySettings(),
    masterKey: new Uint8Array(32),
    encrypted: ["pods"],
    ...createNodePlatform(),
  });
  return { ...(await openTemporaryDatabase()), cipher: keys.values };
});
