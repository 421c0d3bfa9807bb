import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { runAgent } from "../../agent/run-agent.ts";
import { createNodePlatform } from "../platform/node/platform.ts";
import { StartupError } from "../platform/node/server.ts";
import type { AgentOptions } from "./main.ts";
import { untilStopped } from "./until-stopped.ts";

/** `gantry agent`: joins this machine to a cluster and runs its pods until it is stopped; pods outlive it unless asked otherwise. */
export async function agent(options: AgentOptions): Promise<void> {
  const token = options.token ?? process.env["GANTRY_JOIN_TOKEN"];
  const running = await runAgent({
    platform: createNodePlatform({ level: "info", name: `agent/${options.nodeName}` }),
    server: options.server,
    ...(token === undefined ? {} : { token }),
    ...(options.caFile === undefined ? {} : { ca: await readCa(options.caFile) }),
    nodeName: options.nodeName,
    // The kernel names mounts by their whole path.
    dataDirectory: resolve(options.data),
    engine: options.engine,
    ...(options.criSocket === undefined ? {} : { criSocket: options.criSocket }),
    cniConfDir: options.cniConfDir,
  });
  await untilStopped(() => running.stop({ killPods: options.endPodsOnStop }));
  process.exit(0);
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new StartupError(`cannot read the CA file ${path}`, { cause: error });
  }
}
