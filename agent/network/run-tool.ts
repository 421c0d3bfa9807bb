/** Runs a program of the system (nft, ip) with text on its standard input. */
import { spawn } from "node:child_process";

export type RunTool = (program: string, args: readonly string[], input?: string) => Promise<string>;

/** @throws Error with what the program said, when it fails or is not there */
export const runTool: RunTool = (program, args, input) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    child.on("error", reject);
    // A program that ends early closes its input: its exit code tells.
    child.stdin.on("error", () => undefined);
    child.on("close", (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${program} ${args.join(" ")}: ${errors.trim() || `exit code ${code}`}`));
    });
    child.stdin.end(input ?? "");
  });
