import { openTemporaryDatabase } from "../harness/temporary-database.ts";
import { storageSuite } from "./storage.suite.ts";

storageSuite("native driver on a file", openTemporaryDatabase);
