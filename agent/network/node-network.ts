/**
 * The network of a Linux node: services by nftables, routes to other nodes, the kernel's switches. Everything happens in the network
 * namespace the agent itself runs in; two agents in one namespace need different table names and are not meant for more than a trial.
 */
import { readFile, writeFile } from "node:fs/promises";
import type { Log, Timers } from "../../src/platform/platform.ts";
import type { NetworkState, PodNetwork } from "./pod-network.ts";
import { createRoutes } from "./routes.ts";
import { runTool, type RunTool } from "./run-tool.ts";
import { createServiceProxy } from "./service-proxy.ts";

/** Changes within this time become one load. */
const DEBOUNCE_MS = 50;
const RETRY_MS = 5_000;

export interface NodeNetworkDeps {
  timers: Timers;
  log: Log;
  nodeName: string;
  nodeAddress: () => string;
  serviceCidr: string;
  /** The ClusterIP of `kubernetes` and where its connections go. "0.0.0.0": the port on this machine, by whatever address. */
  relay: { serviceIp: string; address: string; port: number };
  tableName?: string;
  run?: RunTool;
}

async function setSwitch(path: string, value: string): Promise<boolean> {
  const file = `/proc/sys/${path}`;
  const now = await readFile(file, "utf8").catch(() => undefined);
  if (now === undefined) return false;
  if (now.trim() === value) return true;
  return writeFile(file, value).then(
    () => true,
    () => false,
  );
}

export function createNodeNetwork(deps: NodeNetworkDeps): PodNetwork {
  const { timers, log, nodeName, serviceCidr, relay, tableName = "gantry", run = runTool } = deps;
  const proxy = createServiceProxy({ run, log, tableName, serviceCidr });
  const routes = createRoutes({ run, log, nodeName, serviceCidr });
  let wanted: NetworkState | undefined;
  let applied: NetworkState | undefined;
  let undo: (() => void) | undefined;
  let work: Promise<void> = Promise.resolve();
  let bridgeNetfilter: boolean | undefined;
  let failed = false;
  let stopped = false;

  async function prepareKernel(): Promise<boolean> {
    if (!(await setSwitch("net/ipv4/ip_forward", "1")))
      log.warn("packets are not forwarded: net.ipv4.ip_forward cannot be set");
    // Pods that talk to the relay on a loopback address.
    if (relay.address.startsWith("127.")) await setSwitch("net/ipv4/conf/all/route_localnet", "1");
    return setSwitch("net/bridge/bridge-nf-call-iptables", "1");
  }

  async function take(state: NetworkState): Promise<void> {
    bridgeNetfilter ??= await prepareKernel();
    const { services, endpointSlices, podCidr, peers } = state;
    const peerCidrs = peers.filter((p) => p.name !== nodeName && p.podCidr !== "").map((p) => p.podCidr);
    await proxy.apply({ nodeName, services, endpointSlices, podCidr, peerCidrs, relay, bridgeNetfilter });
    await routes.apply({ peers, nodeAddress: deps.nodeAddress() });
  }

  function isSettled(): boolean {
    return wanted === applied || stopped || failed;
  }

  function schedule(delayMs: number): void {
    undo ??= timers.after(delayMs, () => {
      undo = undefined;
      work = work.then(() => takeWanted());
    });
  }

  async function takeWanted(): Promise<void> {
    const state = wanted;
    if (state === undefined || stopped) return;
    try {
      await take(state);
      applied = state;
      if (failed) log.info("the network is in order again");
      failed = false;
    } catch (error) {
      if (!failed) log.error("the network could not be set up", { error });
      failed = true;
      schedule(RETRY_MS);
    }
  }

  return {
    apply(state) {
      wanted = state;
      if (!stopped) schedule(DEBOUNCE_MS);
    },
    async settled() {
      while (!isSettled()) {
        await new Promise<void>((resolve) => void timers.after(DEBOUNCE_MS, resolve));
        await work;
      }
    },
    async stop({ keep } = { keep: false }) {
      stopped = true;
      undo?.();
      await work;
      if (keep || (applied === undefined && !failed)) return;
      await proxy.stop().catch((error: unknown) => log.warn("the table of services stays", { error }));
      await routes.stop().catch((error: unknown) => log.warn("routes stay", { error }));
    },
  };
}
