/** The real kubectl, as a person would run it, with a home of its own so that no cache or config of this machine is touched. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  stdin?: string;
  timeoutMs?: number;
  /** Beside PATH, HOME and KUBECONFIG. */
  env?: Readonly<Record<string, string>>;
}

export interface Kubectl {
  /** Runs to its end, whatever its exit code. */
  run(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** stdout of a command that must succeed. */
  ok(args: readonly string[], options?: RunOptions): Promise<string>;
  /** `get … -o json` of a command that must succeed. */
  json<T>(args: readonly string[]): Promise<T>;
  /** A command that goes on (logs -f, get -w); it is ended by `close`. */
  start(args: readonly string[]): ChildProcessWithoutNullStreams;
  close(): Promise<void>;
}

const TIMEOUT_MS = 90_000;

export async function createKubectl(kubeconfig: string): Promise<Kubectl> {
  const home = await mkdtemp(join(tmpdir(), "gantry-kubectl-"));
  const children = new Set<ChildProcessWithoutNullStreams>();
  const start = (args: readonly string[], env: RunOptions["env"] = {}): ChildProcessWithoutNullStreams => {
    const child = spawn("kubectl", args, {
      env: { PATH: process.env["PATH"] ?? "", HOME: home, KUBECONFIG: kubeconfig, NO_PROXY: "*", ...env },
    });
    children.add(child);
    child.once("exit", () => children.delete(child));
    return child;
  };
  const run: Kubectl["run"] = (args, { stdin = "", timeoutMs = TIMEOUT_MS, env } = {}) =>
    new Promise((resolve, reject) => {
      const child = start(args, env);
      const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
      let stdout = "";
      let stderr = "";
      child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      // A command that ends before it has read its input is not our failure.
      child.stdin.on("error", () => {});
      child.on("error", reject);
      child.on("close", (code) => {
        clearTimeout(timer);
        resolve({ code, stdout, stderr });
      });
      child.stdin.end(stdin);
    });
  const ok: Kubectl["ok"] = async (args, options) => {
    const { code, stdout, stderr } = await run(args, options);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${code}\n${stdout}${stderr}`);
    return stdout;
  };
  return {
    run,
    ok,
    start: (args) => start(args),
    json: async <T>(args: readonly string[]) => JSON.parse(await ok([...args, "-o", "json"])) as T,
    async close() {
      for (const child of children) child.kill("SIGKILL");
      await rm(home, { recursive: true, force: true });
    },
  };
}
