/** A control plane in a process of its own, without nodes: what the suites of real clients talk to. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGantry, untilUp, type GantryProcess } from "../harness/gantry-process.ts";
import { hasSqld } from "../harness/sqld.ts";

export type Runtime = "node" | "edge";

export interface ControlPlane {
  runtime: Runtime;
  /** "https://127.0.0.1:PORT" */
  url: string;
  /** PEM. */
  ca: string;
  /** The administrator's. */
  token: string;
  /** Path of the file. */
  kubeconfig: string;
  /** Everything the process has printed so far. */
  output(): string;
  /** Ends the process and starts it again on the same port and data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Fake kubelets renew no leases; no test here is about lost nodes. */
const GRACE_SECONDS = "3600";

/** What this machine lacks for a runtime, besides Node. */
export function lacks(runtime: Runtime): string[] {
  return runtime === "edge" && !hasSqld() ? ["sqld"] : [];
}

export async function startControlPlane(runtime: Runtime): Promise<ControlPlane> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-clients-"));
  const data = join(folder, "data");
  const start = (port: string): GantryProcess =>
    startGantry([
      runtime === "node" ? "up" : "edge",
      "--no-agent",
      "--port",
      port,
      "--data",
      data,
      "--node-monitor-grace",
      GRACE_SECONDS,
    ]);
  let gantry = start("0");
  const stop = async (): Promise<void> => {
    await gantry.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const { kubeconfig, url, caFile } = await untilUp(gantry, { data, runtime });
    const token = /token: (\S+)/.exec(await readFile(kubeconfig, "utf8"))?.[1] ?? "";
    return {
      runtime,
      url,
      ca: await readFile(caFile, "utf8"),
      token,
      kubeconfig,
      output: () => gantry.output(),
      async restart() {
        await gantry.stop();
        await rm(kubeconfig);
        gantry = start(new URL(url).port);
        await untilUp(gantry, { data, runtime });
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
