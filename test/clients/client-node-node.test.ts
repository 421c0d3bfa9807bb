import { clientNodeSuite } from "./client-node.suite.ts";

clientNodeSuite("node");
