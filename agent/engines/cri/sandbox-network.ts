/**
 * What passes through the networks of pods, read where the kernel tells it of the sandbox's process. Engines tell it too
 * (ListPodSandboxStats), but containerd 1.6 only of pods below a control group of their own.
 */
import { readFile, readlink } from "node:fs/promises";
import type { Clock } from "../../../src/platform/platform.ts";
import type { NetworkUsage } from "../engine.ts";
import type { CriClient } from "./cri-client.ts";

const PARALLEL_READS_MAX = 8;
const SANDBOX_READY = 0;

export function createSandboxNetworks({
  client,
  clock,
}: {
  client: Pick<CriClient, "call">;
  clock: Clock;
}): () => Promise<NetworkUsage[]> {
  /** By sandbox, for as long as it is listed: it is asked for once. Undefined where the engine does not tell it. */
  const pids = new Map<string, number | undefined>();

  async function pidOf(id: string): Promise<number | undefined> {
    if (!pids.has(id)) {
      const { info } = await client.call("PodSandboxStatus", { pod_sandbox_id: id, verbose: true });
      pids.set(id, pidIn(info["info"]));
    }
    return pids.get(id);
  }

  async function measure(id: string): Promise<NetworkUsage | undefined> {
    const pid = await pidOf(id);
    if (pid === undefined) return undefined;
    const [theirs, ours] = await Promise.all([readlink(`/proc/${pid}/ns/net`), readlink("/proc/self/ns/net")]);
    if (theirs === ours) return undefined;
    const interfaces = parseNetDev(await readFile(`/proc/${pid}/net/dev`, "utf8"));
    return { sandboxId: id, atMs: clock.now(), interfaces };
  }

  return async () => {
    const { items } = await client.call("ListPodSandbox", {});
    const ready = items.filter(({ state }) => state === SANDBOX_READY).map(({ id }) => id);
    for (const id of pids.keys()) if (!ready.includes(id)) pids.delete(id);
    const found: NetworkUsage[] = [];
    for (let start = 0; start < ready.length; start += PARALLEL_READS_MAX) {
      const slice = ready.slice(start, start + PARALLEL_READS_MAX);
      // One that ends meanwhile is left out.
      const usages = await Promise.all(slice.map((id) => measure(id).catch(() => undefined)));
      found.push(...usages.flatMap((one) => one ?? []));
    }
    return found;
  };
}

/** Engines tell of themselves what they like; containerd and CRI-O both call it so. */
function pidIn(info: string | undefined): number | undefined {
  try {
    const { pid } = JSON.parse(info ?? "{}") as { pid?: unknown };
    return typeof pid === "number" && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Of proc_pid_net(5): bytes, packets, errors and five more received, then the same sent. Without the loopback interface. */
export function parseNetDev(text: string): NetworkUsage["interfaces"] {
  return text.split("\n").flatMap((line) => {
    const [, name = "", figures = ""] = /^\s*([^\s:]+):\s*(.*)$/.exec(line) ?? [];
    const [rxBytes = 0, , rxErrors = 0, , , , , , txBytes = 0, , txErrors = 0] = figures.split(/\s+/).map(Number);
    return name === "" || name === "lo" ? [] : [{ name, rxBytes, rxErrors, txBytes, txErrors }];
  });
}
