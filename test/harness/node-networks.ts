/** Two or more machines in this one: network namespaces on a bridge, each with an address and a route to this host. */
import { randomBytes } from "node:crypto";
import { command } from "./command.ts";

export interface NodeNetworks {
  /** This host's address on the bridge: where the control plane listens. */
  hostAddress: string;
  nodes: { netns: string; address: string }[];
  stop(): Promise<void>;
}

export async function createNodeNetworks(count: number): Promise<NodeNetworks> {
  const id = randomBytes(2).toString("hex");
  const bridge = `gt${id}`;
  // 198.18.0.0/15 is set aside for tests of network devices (RFC 2544): it meets no real network.
  const subnet = `198.18.${Number.parseInt(id.slice(0, 2), 16)}`;
  const nodes: NodeNetworks["nodes"] = [];
  const stop = async (): Promise<void> => {
    for (const { netns } of nodes) await command(["ip", "netns", "del", netns], { mayFail: true });
    await command(["ip", "link", "del", bridge], { mayFail: true });
  };
  try {
    await ip("link", "add", bridge, "type", "bridge");
    await ip("addr", "add", `${subnet}.1/24`, "dev", bridge);
    await ip("link", "set", bridge, "up");
    for (let i = 1; i <= count; i++) {
      const netns = `gantry-${id}-${i}`;
      const address = `${subnet}.${10 + i}`;
      const outside = `gt${id}v${i}`;
      await ip("netns", "add", netns);
      nodes.push({ netns, address });
      await ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", netns);
      await ip("link", "set", outside, "master", bridge, "up");
      await ip("-n", netns, "link", "set", "lo", "up");
      await ip("-n", netns, "addr", "add", `${address}/24`, "dev", "eth0");
      await ip("-n", netns, "link", "set", "eth0", "up");
      await ip("-n", netns, "route", "add", "default", "via", `${subnet}.1`);
    }
    return { hostAddress: `${subnet}.1`, nodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function ip(...args: string[]) {
  return command(["ip", ...args]);
}
