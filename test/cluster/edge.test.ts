import { deploymentSuite } from "./deployment.suite.ts";
import { startTwoNodes } from "./two-nodes.ts";
import { requiresCluster } from "./requires-cluster.ts";

requiresCluster("in workerd", () => deploymentSuite(() => startTwoNodes("edge")));
