/** Routes to the pods of other nodes, through the nodes' addresses. They carry a protocol number of our own, by which they are found again. */
import type { Log } from "../../src/platform/platform.ts";
import type { RunTool } from "./run-tool.ts";

/** Route protocol number (rtnetlink) of this agent; 0–4 and some others are taken. */
export const ROUTE_PROTOCOL = "71";

export interface Route {
  destination: string;
  /** Arguments of `ip route replace` after the destination. */
  via: string[];
}

/** Pure: what has to be set and what has to go. */
export function planRoutes(input: {
  peers: readonly { name: string; address: string; podCidr: string }[];
  nodeName: string;
  nodeAddress: string;
  current: readonly string[];
}): { set: Route[]; remove: string[] } {
  const set = input.peers
    .filter((p) => p.name !== input.nodeName && p.podCidr !== "" && p.address !== "" && p.address !== input.nodeAddress)
    .map((p): Route => ({ destination: p.podCidr, via: ["via", p.address] }));
  const wanted = new Set(set.map((route) => route.destination));
  return { set, remove: input.current.filter((destination) => !wanted.has(destination)) };
}

export interface Routes {
  /** A peer out of reach is logged once; the others get their routes. */
  apply(input: {
    peers: readonly { name: string; address: string; podCidr: string }[];
    nodeAddress: string;
  }): Promise<void>;
  stop(): Promise<void>;
}

export function createRoutes(deps: { run: RunTool; log: Log; nodeName: string; serviceCidr: string }): Routes {
  const { run, log, nodeName, serviceCidr } = deps;
  const complaints = new Set<string>();

  async function current(): Promise<string[]> {
    const text = await run("ip", ["-j", "route", "show", "proto", ROUTE_PROTOCOL]);
    const routes = JSON.parse(text === "" ? "[]" : text) as { dst?: string }[];
    return routes.flatMap(({ dst }) => (dst === undefined || dst === serviceCidr ? [] : [dst]));
  }

  async function attempt(args: string[], what: string): Promise<void> {
    try {
      await run("ip", args);
      complaints.delete(what);
    } catch (error) {
      if (!complaints.has(what)) log.warn(what, { error });
      complaints.add(what);
    }
  }

  return {
    async apply({ peers, nodeAddress }) {
      // A machine without a default route would refuse to send to a ClusterIP before the packet could be translated.
      const service = ["route", "replace", serviceCidr, "dev", "lo", "proto", ROUTE_PROTOCOL, "src", nodeAddress];
      await attempt(service, "no route for services");
      const { set, remove } = planRoutes({ peers, nodeName, nodeAddress, current: await current() });
      for (const { destination, via } of set) {
        const args = ["route", "replace", destination, ...via, "proto", ROUTE_PROTOCOL];
        await attempt(args, `no route to pods in ${destination}`);
      }
      for (const destination of remove) {
        await attempt(["route", "del", destination, "proto", ROUTE_PROTOCOL], `a stale route to ${destination} stays`);
      }
    },
    async stop() {
      for (const destination of [...(await current()), serviceCidr]) {
        await attempt(["route", "del", destination, "proto", ROUTE_PROTOCOL], `the route to ${destination} stays`);
      }
    },
  };
}
