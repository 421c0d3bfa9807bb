/** The gantry command as a process of its own, as a person starts it. */
import { spawn, type ChildProcess } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import project from "../../package.json" with { type: "json" };
import { eventually } from "./eventually.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** Of Node, as `npm start` gives them. */
const FLAGS =
  /node (?<flags>(?:--\S+ )*)src\/cli\/main\.ts/.exec(project.scripts.start)?.groups?.["flags"]?.split(" ") ?? [];

export interface GantryProcess {
  pid: number;
  /** Everything it has printed so far. */
  output(): string;
  signal(signal: NodeJS.Signals): void;
  /** Its exit code. */
  ended: Promise<number | null>;
  /** SIGTERM, and SIGKILL when that does not help. */
  stop(): Promise<void>;
}

export function startGantry(
  args: readonly string[],
  options: { netns?: string; env?: NodeJS.ProcessEnv } = {},
): GantryProcess {
  const prefix = options.netns === undefined ? [] : ["nsenter", `--net=/var/run/netns/${options.netns}`];
  const [program = "", ...rest] = [...prefix, process.execPath, ...FLAGS.filter(Boolean), MAIN, ...args];
  const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...options.env } });
  let output = "";
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-200_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  return {
    pid: child.pid ?? 0,
    output: () => output,
    signal: (signal) => void child.kill(signal),
    ended,
    stop: () => stop(child, ended),
  };
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 45_000);
  await ended;
  clearTimeout(timer);
}

/**
 * Waits for the kubeconfig of `up` ("node") or `edge`. `folder` is where the control plane keeps its own.
 * @throws with what the process printed when it ends before
 */
export async function untilUp(
  gantry: GantryProcess,
  { data, runtime }: { data: string; runtime: "node" | "edge" },
): Promise<{ kubeconfig: string; url: string; caFile: string; folder: string }> {
  const folder = runtime === "node" ? data : join(data, "edge");
  const kubeconfig = join(data, runtime === "node" ? "kubeconfig" : "edge.kubeconfig");
  const opened = eventually(() => access(kubeconfig), { withinMs: 60_000 });
  const ended = gantry.ended.then((code) => {
    throw new Error(`it ended with ${code}`);
  });
  // Whichever comes first; what comes later is nobody's failure.
  opened.catch(() => {});
  ended.catch(() => {});
  await Promise.race([opened, ended]).catch((error: unknown) => {
    throw new Error(`gantry is not up: ${String(error)}\n${gantry.output()}`);
  });
  const url = (await readFile(join(folder, "server.url"), "utf8")).trim();
  return { kubeconfig, url, caFile: join(folder, "ca.crt"), folder };
}
