/** The local node of `gantry up` and `gantry edge`: the very agent a remote server would run, as a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createBootstrapToken } from "../authn/bootstrap-token.ts";
import type { Platform } from "../platform/platform.ts";
import { withAdminClient, type Access } from "./access.ts";
import type { UpOptions } from "./main.ts";

export interface LocalNode {
  pid: number;
  /** Resolves when the agent has ended by itself. */
  ended: Promise<number | null>;
  /** Ends its pods, then the agent. */
  stop(): Promise<void>;
}

const STOP_MS_MAX = 40_000;
/** An agent is idle nearly always: a small young generation keeps some 20 MB from it at no cost that shows. */
const AGENT_FLAGS = ["--max-semi-space-size=1"];

export async function startLocalNode(options: UpOptions, access: Access, platform: Platform): Promise<LocalNode> {
  const { clock, random } = platform;
  const token = await withAdminClient(access, (client) =>
    createBootstrapToken({ client, clock, random }, { lifetimeMs: 3_600_000, description: "the local node" }),
  );
  const data = join(options.data, "agent");
  const args = [
    fileURLToPath(new URL("main.ts", import.meta.url)),
    "agent",
    "--server",
    access.url,
    "--ca-file",
    join(options.data, "ca.crt"),
    "--data",
    data,
    "--node-name",
    options.nodeName,
    "--engine",
    options.engine,
    "--end-pods-on-stop",
    ...(options.criSocket === undefined ? [] : ["--cri-socket", options.criSocket]),
  ];
  // The token travels by environment: arguments are shown to every user of the machine.
  const child = spawn(process.execPath, [...AGENT_FLAGS, ...args], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, GANTRY_JOIN_TOKEN: token },
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  return { pid: child.pid ?? 0, ended, stop: () => stop(child, ended) };
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await ended;
  clearTimeout(timer);
}
