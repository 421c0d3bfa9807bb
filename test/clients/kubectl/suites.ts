/** Everything kubectl does, against one control plane. */
import { afterAll, beforeAll } from "vitest";
import { createKubectl, type Kubectl } from "../../harness/kubectl.ts";
import { requires } from "../../harness/requires.ts";
import { lacks, startControlPlane, type ControlPlane, type Runtime } from "../control-plane.ts";
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

export function kubectlSuites(runtime: Runtime): void {
  requires("kubectl", ...lacks(runtime))(`kubectl on ${runtime === "node" ? "Node" : "workerd"}`, () => {
    let plane: ControlPlane;
    let kubectl: Kubectl;
    beforeAll(async () => {
      plane = await startControlPlane(runtime);
      kubectl = await createKubectl(plane.kubeconfig);
    });
    afterAll(async () => {
      await kubectl?.close();
      await plane?.stop();
    });
    readingSuite(() => kubectl);
    creatingSuite(
      () => kubectl,
      () => plane,
    );
    creatingMoreSuite(() => kubectl);
    runningSuite(() => kubectl);
    discoverySuite(
      () => kubectl,
      () => plane,
    );
    explainingSuite(() => kubectl);
    columnsSuite(() => kubectl);
    describingSuite(() => kubectl);
    changingSuite(() => kubectl);
    applyingSuite(() => kubectl);
    deletingSuite(() => kubectl);
    watchingSuite(() => kubectl);
    rolloutsSuite(
      () => kubectl,
      () => plane,
    );
    serverSideApplySuite(() => kubectl);
    authorizingSuite(() => kubectl);
    certificatesSuite(
      () => kubectl,
      () => plane,
    );
    hostedClusterSuite(() => plane);
  });
}
