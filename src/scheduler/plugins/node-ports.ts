import type { HostPort } from "../../controller-runtime/views/pod-view.ts";
import type { Plugin } from "../framework.ts";

/** Host ports are taken by address, protocol and number; 0.0.0.0 takes the port on every address. */
export const nodePorts: Plugin = {
  name: "NodePorts",
  requeueOn: ["node-added", "pod-gone"],
  filter: (pod, { hostPorts }) =>
    pod.hostPorts.some((wanted) => hostPorts.some((taken) => collide(wanted, taken)))
      ? ["node(s) didn't have free ports for the requested pod ports"]
      : [],
};

const ANY = "0.0.0.0";

function collide(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === ANY || b.ip === ANY);
}
