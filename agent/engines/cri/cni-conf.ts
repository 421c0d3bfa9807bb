/**
 * The pod network's configuration for the engine's CNI plugins: a bridge per node, addresses from the node's pod CIDR. Traffic that
 * leaves the node's pods is masqueraded by the agent's own nftables rules, so the plugins need no iptables for it.
 */
import { access, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** First in the folder by name wins at the engine; 10- is where others put theirs. */
export const CNI_CONF_NAME = "10-gantry.conflist";

export interface CniNetwork {
  podCidr: string;
  bridgeName: string;
  /** Where host-local remembers which address is whose. */
  addressDirectory: string;
  /** The plugin for host ports works by iptables; without that program it would fail every pod. */
  portMappings: boolean;
}

export function cniConf({ podCidr, bridgeName, addressDirectory, portMappings }: CniNetwork): string {
  const anywhere = podCidr.includes(":") ? "::/0" : "0.0.0.0/0";
  const bridge = {
    type: "bridge",
    bridge: bridgeName,
    isGateway: true,
    // A node that gets another CIDR keeps its bridge.
    forceAddress: true,
    ipMasq: false,
    // A pod may reach itself through its Service.
    hairpinMode: true,
    ipam: {
      type: "host-local",
      dataDir: addressDirectory,
      ranges: [[{ subnet: podCidr }]],
      routes: [{ dst: anywhere }],
    },
  };
  const portmap = { type: "portmap", capabilities: { portMappings: true }, snat: true };
  const plugins = portMappings ? [bridge, portmap] : [bridge];
  return `${JSON.stringify({ cniVersion: "0.4.0", name: "gantry", plugins }, undefined, 2)}\n`;
}

/** In one step, so that the engine never reads half a file. @returns false when it was there already. */
export async function writeCniConf(directory: string, text: string): Promise<boolean> {
  const path = join(directory, CNI_CONF_NAME);
  const before = await readFile(path, "utf8").catch(() => undefined);
  if (before === text) return false;
  await mkdir(directory, { recursive: true });
  // The engine reads *.conf, *.conflist and *.json only.
  const draft = `${path}.new`;
  await writeFile(draft, text, { mode: 0o644 });
  await rename(draft, path);
  return true;
}

export async function programExists(name: string, path = process.env["PATH"] ?? ""): Promise<boolean> {
  for (const directory of [...path.split(delimiter), "/usr/sbin", "/sbin"]) {
    const found = await access(join(directory, name)).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
