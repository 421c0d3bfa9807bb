/** What is deployed to the edge: the size of the bundle, as wrangler makes it, and the CPU that workerd spends to start it. */
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { command } from "../harness/command.ts";
import type { Report } from "./report.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const STARTS = 3;
const TIMEOUT_MS = 120_000;

export async function run(report: Report): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-worker-"));
  try {
    await wrangler(["deploy", "--dry-run", "--outdir", folder]);
    const bundle = await bundleOf(folder);
    const row = { bench: "worker/bundle", unit: "KiB" };
    report({ ...row, case: "as it is", metric: "size", value: bundle.length / 1_024 });
    report({ ...row, case: "compressed", metric: "size", value: gzipSync(bundle).length / 1_024 });
    report({ ...row, case: "compressed", metric: "limit", value: 1_024 });
    const startsMs: number[] = [];
    for (let start = 0; start < STARTS; start++) {
      const profile = join(folder, `start-${start}.cpuprofile`);
      await wrangler(["check", "startup", "--outfile", profile]);
      startsMs.push(busyMs(JSON.parse(await readFile(profile, "utf8")) as CpuProfile));
    }
    const start = { bench: "worker/start", case: `workerd, best of ${STARTS}`, unit: "ms" };
    report({ ...start, metric: "CPU", value: Math.min(...startsMs) });
    report({ ...start, metric: "limit", value: 100 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Neither asks the network for anything. */
async function wrangler(args: readonly string[]): Promise<void> {
  const binary = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", CI: "true" };
  await command([process.execPath, binary, "--cwd", ROOT, ...args], { env, timeoutMs: TIMEOUT_MS });
}

async function bundleOf(folder: string): Promise<Buffer> {
  const modules = (await readdir(folder)).filter((name) => /\.(js|mjs|wasm)$/.test(name));
  return Buffer.concat(await Promise.all(modules.map((name) => readFile(join(folder, name)))));
}

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string } }[];
  samples: number[];
  /** Microseconds. */
  timeDeltas: number[];
}

/** The profile holds the waiting for the inspector, too. */
function busyMs({ nodes, samples, timeDeltas }: CpuProfile): number {
  const idle = new Set(nodes.filter(({ callFrame }) => callFrame.functionName === "(idle)").map(({ id }) => id));
  const busyUs = samples.reduce((sum, id, at) => (idle.has(id) ? sum : sum + (timeDeltas[at] ?? 0)), 0);
  return busyUs / 1_000;
}
