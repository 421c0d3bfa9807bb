import { storageSuite } from "../contract/storage.suite.ts";
import { RUNTIME, openRemote, skip } from "./remote-fixture.ts";

storageSuite(RUNTIME, () => openRemote("storage"), { skip });
