import type { HostPort } from "../../controller-runtime/views/scheduling-spec.ts";
import type { Plugin, Refusal } from "../framework.ts";

const NAME = "NodePorts";
const REFUSED: Refusal = {
  plugin: NAME,
  reasons: ["node(s) didn't have free ports for the requested pod ports"],
  unresolvable: false,
};
const ANY = "0.0.0.0";

/** Host ports are taken by address, protocol and number; 0.0.0.0 takes the port on every address. */
export const nodePorts: Plugin = {
  name: NAME,
  prepare({ spec }, cluster) {
    const wanted = spec.hostPorts;
    if (wanted.length === 0) return undefined;
    return {
      refuse(slot) {
        const taken = cluster.extras(slot)?.hostPorts;
        return taken && collide(wanted, taken) ? REFUSED : undefined;
      },
    };
  },
  awaits: ["node", "pod-gone"],
  helps(event, { scheduling }) {
    if (event.kind === "node") return event.before === undefined;
    return event.kind === "pod-gone" && collide(scheduling.hostPorts, event.pod.scheduling.hostPorts);
  },
};

function collide(wanted: readonly HostPort[], taken: readonly HostPort[]): boolean {
  return wanted.some((a) =>
    taken.some(
      (b) => a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === ANY || b.ip === ANY),
    ),
  );
}
