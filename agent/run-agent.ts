/** The agent of a real machine: detects its engine, and gives pods services, routes and names. */
import { readFile } from "node:fs/promises";
import type { KubeObject } from "../src/machinery/meta.ts";
import type { Platform } from "../src/platform/platform.ts";
import { detectEngine } from "./engines/detect.ts";
import { startAgent, type NetworkContext, type RunningAgent } from "./main.ts";
import { startDnsServer, type DnsServer } from "./network/dns-server.ts";
import { createZone, type Zone } from "./network/dns-zone.ts";
import { createNodeNetwork } from "./network/node-network.ts";
import { createNoNetwork, type PodNetwork } from "./network/pod-network.ts";
import { nodeAddress } from "./node-status.ts";

export interface RunAgentOptions {
  platform: Platform;
  /** e.g. "https://api.example.com" */
  server: string;
  token?: string;
  /** PEM of who signed the server's certificate. */
  ca?: string;
  nodeName: string;
  dataDirectory: string;
  engine: "auto" | "cri" | "process";
  criSocket?: string;
  cniConfDir: string;
}

const DNS_PORT = 53;

/** @throws EngineError when the asked-for engine is not there, StatusError when the control plane refuses the node */
export async function runAgent(options: RunAgentOptions): Promise<RunningAgent> {
  const { platform, criSocket } = options;
  const engine = await detectEngine({
    preference: options.engine,
    ...(criSocket === undefined ? {} : { socketPaths: [criSocket] }),
    stateDirectory: options.dataDirectory,
    cniConfDir: options.cniConfDir,
    ...platform,
  });
  const address = nodeAddress();
  let dns: { server: DnsServer; address: string } | undefined;
  const agent = await startAgent({
    platform,
    server: options.server,
    token: options.token,
    ca: options.ca,
    nodeName: options.nodeName,
    dataDirectory: options.dataDirectory,
    engine,
    nodeAddress: address,
    clusterDns: () => dns?.address,
    async createNetwork(context) {
      // Without a pod network pods are processes of the machine and ask whom the machine asks.
      if (!(await engine.info()).podNetwork) return createNoNetwork();
      const network = createNetwork({ context, options, address });
      dns = await startNames({ platform, address, context });
      return network;
    },
  });
  return {
    ...agent,
    async stop(how) {
      // Pods may ask for names until they have ended.
      await agent.stop(how);
      await dns?.server.close();
    },
  };
}

function createNetwork({
  context,
  options,
  address,
}: {
  context: NetworkContext;
  options: RunAgentOptions;
  address: string;
}): PodNetwork {
  const { timers, log } = options.platform;
  return createNodeNetwork({
    timers,
    log,
    nodeName: options.nodeName,
    nodeAddress: () => address,
    serviceCidr: context.cluster.serviceCidr,
    relay: { serviceIp: context.cluster.kubernetesServiceIp, address: "0.0.0.0", port: context.relayPort },
  });
}

/** Pods ask the node itself. Where its port is taken they use the host's servers and know no Services by name. */
async function startNames(deps: {
  platform: Platform;
  address: string;
  context: NetworkContext;
}): Promise<{ server: DnsServer; address: string } | undefined> {
  const { platform, address, context } = deps;
  const { timers, log } = platform;
  const zone = createCachedZone(context);
  const upstreams = (await nameservers()).filter((server) => server !== address);
  try {
    const server = await startDnsServer({ address, port: DNS_PORT, zone, upstreams, timers, log });
    return { server, address };
  } catch (error) {
    log.warn("pods cannot resolve the names of Services: the node's DNS server did not start", { address, error });
    return undefined;
  }
}

function same(a: readonly KubeObject[], b: readonly KubeObject[]): boolean {
  return a.length === b.length && a.every((object, i) => object === b[i]);
}

/** The index of names is built anew only when Services or endpoints have changed. */
function createCachedZone({ cluster, node }: NetworkContext): () => Zone {
  let built: { services: KubeObject[]; endpointSlices: KubeObject[]; zone: Zone } | undefined;
  return () => {
    const state = node().services();
    if (
      built === undefined ||
      !same(built.services, state.services) ||
      !same(built.endpointSlices, state.endpointSlices)
    ) {
      built = { ...state, zone: createZone(state, cluster.dnsDomain) };
    }
    return built.zone;
  };
}

async function nameservers(): Promise<string[]> {
  const text = await readFile("/etc/resolv.conf", "utf8").catch(() => "");
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1] ?? "").slice(0, 3);
}
