/** A control plane of its own, so that messages about all nodes are about these. */
import type { Runtime } from "../control-plane.ts";
import { schedulingSuite } from "./scheduling.suite.ts";
import { withControlPlane } from "./with-control-plane.ts";

export function kubectlScheduling(runtime: Runtime): void {
  withControlPlane("kubectl and the scheduler", runtime, schedulingSuite);
}
