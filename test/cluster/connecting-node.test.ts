import { connectingSuite } from "./connecting.suite.ts";
import { startTwoNodes } from "./two-nodes.ts";
import { requiresCluster } from "./requires-cluster.ts";

requiresCluster("on Node", () => connectingSuite(() => startTwoNodes("node")));
