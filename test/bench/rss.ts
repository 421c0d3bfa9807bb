/** The memory of real processes, started as `npm start` starts them, when they have nothing to do. Linux only. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { command } from "../harness/command.ts";
import { startGantry, untilUp } from "../harness/gantry-process.ts";
import type { Report } from "./report.ts";

const SETTLE_MS_MAX = 60_000;
const LOOK_EVERY_MS = 5_000;
/** Settled: it moved by less than this between two looks. */
const STILL_MB = 1;

export async function run(report: Report): Promise<void> {
  if (process.platform !== "linux") {
    report.missing("rss", "/proc, which is Linux's");
    return;
  }
  const env = {
    ...process.env,
    NODE_COMPILE_CACHE: fileURLToPath(new URL("../../.generated/compile-cache", import.meta.url)),
  };
  // A source that has changed since is compiled by the process itself, which then holds the compiler, too.
  await command([process.execPath, fileURLToPath(new URL("../../src/setup/warm-compile-cache.ts", import.meta.url))], {
    env,
  });
  const data = await mkdtemp(join(tmpdir(), "gantry-rss-"));
  const args = ["up", "--port", "0", "--data", data, "--engine", "process", "--node-name", "bench"];
  const gantry = startGantry(args, { env });
  try {
    await untilUp(gantry, { data, runtime: "node" });
    const agent = await childOf(gantry.pid);
    await settled([gantry.pid, agent]);
    for (const [name, pid, limitMb] of [
      ["control plane, idle", gantry.pid, 150],
      ["agent, idle and connected", agent, 90],
    ] as const) {
      const row = { bench: "rss", case: name, unit: "MB" };
      report({ ...row, metric: "resident", value: await residentMb(pid) });
      report({ ...row, metric: "limit", value: limitMb });
    }
  } finally {
    await gantry.stop();
    await rm(data, { recursive: true, force: true });
  }
}

/** The local node is the control plane's only child. */
async function childOf(pid: number): Promise<number> {
  for (let waitedMs = 0; waitedMs < SETTLE_MS_MAX; waitedMs += LOOK_EVERY_MS) {
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim();
    if (children !== "") return Number(children.split(" ")[0]);
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error("the control plane started no agent");
}

async function settled(pids: readonly number[]): Promise<void> {
  let before = await Promise.all(pids.map(residentMb));
  for (let waitedMs = 0; waitedMs < SETTLE_MS_MAX; waitedMs += LOOK_EVERY_MS) {
    await sleep(LOOK_EVERY_MS);
    const now = await Promise.all(pids.map(residentMb));
    if (waitedMs > 0 && now.every((value, at) => Math.abs(value - (before[at] ?? 0)) < STILL_MB)) return;
    before = now;
  }
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  if (!(kib > 0)) throw new Error(`process ${pid} has ended`);
  return kib / 1_024;
}
