import { openTemporaryDatabase } from "../harness/temporary-database.ts";
import { watchSuite } from "./watch.suite.ts";

watchSuite("native driver on a file", openTemporaryDatabase);
