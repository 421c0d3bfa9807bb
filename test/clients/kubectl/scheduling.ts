/** A control plane of its own, so that messages about all nodes are about these. */
import { afterAll, beforeAll } from "vitest";
import { createKubectl, type Kubectl } from "../../harness/kubectl.ts";
import { requires } from "../../harness/requires.ts";
import { lacks, startControlPlane, type ControlPlane, type Runtime } from "../control-plane.ts";
import { schedulingSuite } from "./scheduling.suite.ts";

export function kubectlScheduling(runtime: Runtime): void {
  requires("kubectl", ...lacks(runtime))(
    `kubectl and the scheduler on ${runtime === "node" ? "Node" : "workerd"}`,
    () => {
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
      schedulingSuite(
        () => kubectl,
        () => plane,
      );
    },
  );
}
