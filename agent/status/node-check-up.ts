/** What is known of the machine: measured now and then, and said as the status of the node. */
import { readFile } from "node:fs/promises";
import type { Clock } from "../../src/platform/platform.ts";
import type { EngineInfo } from "../engines/engine.ts";
import { measureNode, nodeAddress, nodeStatus, type Condition, type Measured } from "../node-status.ts";
import { parseResolvConf } from "../pods/container-config.ts";
import type { NodeFacts } from "../pods/worker-deps.ts";

export interface NodeCheckUp {
  /** Measures, and says how the node is. */
  conclude(): Promise<Record<string, unknown>>;
  /** What the last conclusion said of each condition; "" before the first. */
  verdicts(): string;
  measure(): Promise<void>;
  /** Undefined until it has been measured. */
  measured(): Measured | undefined;
  address(): string;
  hostDns(): NodeFacts["hostDns"];
  hostsFile(): string;
}

export function createNodeCheckUp(deps: {
  nodeName: string;
  stateDirectory: string;
  /** Found by itself when absent. */
  nodeAddress: string | undefined;
  engine(): EngineInfo | undefined;
  /** Why the engine does not answer. */
  engineFailure(): string | undefined;
  clock: Clock;
}): NodeCheckUp {
  const { nodeName, stateDirectory, clock } = deps;
  let measured: Measured | undefined;
  let conditions: Condition[] = [];
  let address = deps.nodeAddress ?? nodeAddress();
  let hostDns = parseResolvConf("");
  let hostsFile = "";

  async function measure(): Promise<Measured> {
    const [fresh, resolv, hosts] = await Promise.all([
      measureNode(stateDirectory),
      readFile("/etc/resolv.conf", "utf8").catch(() => ""),
      readFile("/etc/hosts", "utf8").catch(() => ""),
    ]);
    measured = fresh;
    hostDns = parseResolvConf(resolv);
    hostsFile = hosts;
    address = deps.nodeAddress ?? nodeAddress();
    return fresh;
  }

  return {
    async conclude() {
      const now = await measure();
      const info = deps.engine();
      const engineFailure = deps.engineFailure();
      const nowMs = clock.now();
      const status = nodeStatus({ nodeName, measured: now, info, address, engineFailure, nowMs, before: conditions });
      conditions = status["conditions"] as Condition[];
      return status;
    },
    verdicts: () => conditions.map((c) => `${c.type}=${c.status}`).join(),
    measure: async () => void (await measure()),
    measured: () => measured,
    address: () => address,
    hostDns: () => hostDns,
    hostsFile: () => hostsFile,
  };
}
