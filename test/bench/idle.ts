/**
 * A cluster with a connected node in which nothing happens: what still goes to SQL, in real minutes. Alone (`npm run bench -- idle`)
 * five of them, in the full run one; `--minutes=N` for another number.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeAccess } from "../../src/cli/access.ts";
import { startLocalNode } from "../../src/cli/local-node.ts";
import { startControlPlane } from "../../src/platform/node/control-plane.ts";
import { createNodePlatform } from "../../src/platform/node/platform.ts";
import type { Database } from "../../src/storage/database.ts";
import type { Report } from "./report.ts";

const ALONE_MINUTES = 5;
const FULL_RUN_MINUTES = 1;
/** Start-up is over when nothing has been written for this long. */
const QUIET_MS = 10_000;
const QUIET_WAIT_MS_MAX = 60_000;

interface Traffic {
  reads: number;
  writes: number;
  lastWriteMs: number;
}

export async function run(report: Report, options: { alone: boolean; minutes?: number }): Promise<void> {
  const minutes = options.minutes ?? (options.alone ? ALONE_MINUTES : FULL_RUN_MINUTES);
  const data = await mkdtemp(join(tmpdir(), "gantry-idle-"));
  const traffic: Traffic = { reads: 0, writes: 0, lastWriteMs: performance.now() };
  const platform = createNodePlatform({ level: "error" });
  const host = "127.0.0.1";
  const watchDatabase = (database: Database) => counted(database, traffic);
  const plane = await startControlPlane({ platform, data, host, port: 0, watchDatabase });
  try {
    await writeAccess(plane, { folder: data, kubeconfig: join(data, "kubeconfig") });
    const node = await startLocalNode(
      {
        host,
        port: 0,
        data,
        agent: true,
        engine: "process",
        nodeName: "bench",
        nodeMonitorGrace: 40,
        notReadyToleration: 300,
      },
      plane,
      platform,
    );
    try {
      await untilQuiet(traffic);
      const before = { ...traffic };
      await sleep(minutes * 60_000);
      const row = { bench: "idle", case: `${minutes} min, one node`, unit: "batches" };
      report({ ...row, metric: "written to SQL", value: traffic.writes - before.writes });
      report({ ...row, metric: "read from SQL", value: traffic.reads - before.reads });
    } finally {
      await node.stop();
    }
  } finally {
    await plane.stop();
    await rm(data, { recursive: true, force: true });
  }
}

function counted(database: Database, traffic: Traffic): Database {
  return {
    batch(statements, mode) {
      if (mode === "read") traffic.reads++;
      else Object.assign(traffic, { writes: traffic.writes + 1, lastWriteMs: performance.now() });
      return database.batch(statements, mode);
    },
    close: () => database.close(),
  };
}

async function untilQuiet(traffic: Traffic): Promise<void> {
  const deadlineMs = performance.now() + QUIET_WAIT_MS_MAX;
  while (performance.now() - traffic.lastWriteMs < QUIET_MS && performance.now() < deadlineMs) await sleep(500);
}
