/** Everything kubectl does, against one control plane. */
import { afterAll, beforeAll } from "vitest";
import { createKubectl, type Kubectl } from "../../harness/kubectl.ts";
import { requires } from "../../harness/requires.ts";
import { lacks, startControlPlane, type ControlPlane, type Runtime } from "../control-plane.ts";
import { readingSuite } from "./reading.suite.ts";

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
  });
}
