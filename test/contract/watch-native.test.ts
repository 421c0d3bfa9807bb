import { openTemporaryDatabase } from "../harness/temporary-database.ts";
import { watchSuite } from "./watch.suite.ts";

watchSuite("native driver on a file", () => openTemporaryDatabase());
watchSuite("native driver on a file, writes in a thread", () => openTemporaryDatabase({ writesInThread: true }));
