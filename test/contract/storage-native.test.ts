import { openTemporaryDatabase } from "../harness/temporary-database.ts";
import { storageSuite } from "./storage.suite.ts";

storageSuite("native driver on a file", () => openTemporaryDatabase());
storageSuite("native driver on a file, writes in a thread", () => openTemporaryDatabase({ writesInThread: true }));
