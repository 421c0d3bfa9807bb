import { deploymentSuite } from "./deployment.suite.ts";
import { startTwoNodes } from "./two-nodes.ts";
import { requiresCluster } from "./requires-cluster.ts";

requiresCluster("on Node", () => deploymentSuite(() => startTwoNodes("node")));
