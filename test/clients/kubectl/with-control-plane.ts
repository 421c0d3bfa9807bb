/** Suites of kubectl against a control plane of their own, on one of the runtimes. */
import { afterAll, beforeAll } from "vitest";
import { createKubectl, type Kubectl } from "../../harness/kubectl.ts";
import { requires } from "../../harness/requires.ts";
import { lacks, startControlPlane, type ControlPlane, type Runtime } from "../control-plane.ts";

export function withControlPlane(
  name: string,
  runtime: Runtime,
  suites: (kubectl: () => Kubectl, plane: () => ControlPlane) => void,
): void {
  requires("kubectl", ...lacks(runtime))(`${name} on ${runtime === "node" ? "Node" : "workerd"}`, () => {
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
    suites(
      () => kubectl,
      () => plane,
    );
  });
}
