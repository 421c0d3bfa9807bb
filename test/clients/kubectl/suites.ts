/** Everything kubectl does, against one control plane. */
import type { Runtime } from "../control-plane.ts";
import { applyingSuite } from "./applying.suite.ts";
import { authorizingSuite } from "./authorizing.suite.ts";
import { certificatesSuite } from "./certificates.suite.ts";
import { changingSuite } from "./changing.suite.ts";
import { columnsSuite } from "./columns.suite.ts";
import { creatingMoreSuite } from "./creating-more.suite.ts";
import { creatingSuite } from "./creating.suite.ts";
import { describingSuite } from "./describing.suite.ts";
import { deletingSuite } from "./deleting.suite.ts";
import { discoverySuite } from "./discovery.suite.ts";
import { explainingSuite } from "./explaining.suite.ts";
import { hostedClusterSuite } from "./hosted-cluster.suite.ts";
import { readingSuite } from "./reading.suite.ts";
import { rolloutsSuite } from "./rollouts.suite.ts";
import { runningSuite } from "./running.suite.ts";
import { serverSideApplySuite } from "./server-side-apply.suite.ts";
import { watchingSuite } from "./watching.suite.ts";
import { withControlPlane } from "./with-control-plane.ts";

export function kubectlSuites(runtime: Runtime): void {
  withControlPlane("kubectl", runtime, (kubectl, plane) => {
    readingSuite(kubectl);
    creatingSuite(kubectl, plane);
    creatingMoreSuite(kubectl);
    runningSuite(kubectl);
    discoverySuite(kubectl, plane);
    explainingSuite(kubectl);
    columnsSuite(kubectl);
    describingSuite(kubectl);
    changingSuite(kubectl);
    applyingSuite(kubectl);
    deletingSuite(kubectl);
    watchingSuite(kubectl);
    rolloutsSuite(kubectl, plane);
    serverSideApplySuite(kubectl);
    authorizingSuite(kubectl);
    certificatesSuite(kubectl, plane);
    hostedClusterSuite(plane);
  });
}
