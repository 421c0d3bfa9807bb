import { watchSuite } from "../contract/watch.suite.ts";
import { RUNTIME, openRemote, skip } from "./remote-fixture.ts";

watchSuite(RUNTIME, () => openRemote("watch"), { skip });
