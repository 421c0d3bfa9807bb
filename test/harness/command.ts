import { spawn } from "node:child_process";
import type { Finished } from "./kubectl.ts";

/** Runs a program to its end. @throws when it ends with another code than 0, unless `mayFail` */
export function command(
  [program = "", ...args]: readonly string[],
  options: { stdin?: string; mayFail?: boolean; timeoutMs?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: options.env ?? process.env });
    const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 60_000);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on("error", () => {});
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      if (code === 0 || options.mayFail) resolve({ code, stdout, stderr });
      else reject(new Error(`${program} ${args.join(" ")} ended with ${code}\n${stdout}${stderr}`));
    });
    child.stdin.end(options.stdin ?? "");
  });
}
