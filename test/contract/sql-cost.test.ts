/** What each verb may cost where the database is billed: the benchmark's own count, held against limits. */
import { expect, test } from "vitest";
import { run } from "../bench/sql-cost.ts";
import type { BenchRow } from "../bench/report.ts";
import { hasSqld } from "../harness/sqld.ts";

/** Round trips, rows read, rows written. Cases without a line here have no limit of their own but the round trips of their verb. */
const LIMITS: Record<string, [number, number, number]> = {
  get: [1, 3, 0],
  "list, 20": [2, 2_030, 0],
  "list, the next 20": [1, 30, 0],
  "list by spec.nodeName, 20 of 2000": [1, 70, 0],
  "list by metadata.name": [1, 5, 0],
  "create, config map": [1, 10, 3],
  // Its account and, once a second, the default class of priority.
  "create, pod": [3, 18, 3],
  // The Service, its address in the side table, and its IPAddress.
  "create, service beside 1000": [1, 20, 7],
  "create, service with a node port": [1, 20, 8],
  "create, event": [1, 10, 4],
  update: [2, 15, 5],
  "update that changes nothing": [1, 3, 0],
  "patch, json": [2, 15, 5],
  "patch, merge": [2, 15, 5],
  "patch, strategic": [2, 15, 5],
  "bind a pod": [2, 15, 6],
  "patch the status of a pod": [2, 20, 5],
  "delete, config map": [2, 15, 5],
  "delete, pod at once": [2, 20, 6],
  "delete, service": [2, 35, 12],
  // The node and its 26 pods, three rows each, and what has changed; not the nodes beside it.
  "agent sync, nothing new": [1, 95, 0],
  "agent sync, one status": [2, 105, 5],
  "agent sync, five statuses": [2, 145, 25],
  "agent sync, the node's status": [2, 105, 5],
  "watch from a revision": [0, 0, 0],
  discovery: [0, 0, 0],
  // One row more than for administrators: the revision of the policy, in the same batch.
  "get, by a role": [1, 4, 0],
  "list, 20, by a role": [2, 2_031, 0],
  "create, config map, by a role": [1, 11, 3],
  "patch, merge, by a role": [2, 17, 5],
  "delete, config map, by a role": [2, 17, 5],
  "discovery, by a role": [0, 0, 0],
  "refused, by a role": [1, 1, 0],
};

test.skipIf(!hasSqld())("no verb costs more round trips and rows than it may", { timeout: 60_000 }, async () => {
  const costs = new Map<string, Record<string, number>>();
  const report = (row: BenchRow) => void costs.set(row.case, { ...costs.get(row.case), [row.metric]: row.value });
  await run(Object.assign(report, { missing: (bench: string) => expect.unreachable(bench) }));
  for (const [name, [roundTrips, rowsRead, rowsWritten]] of Object.entries(LIMITS)) {
    const cost = costs.get(name);
    expect.soft(cost?.["round trips"], `${name}: round trips`).toBeLessThanOrEqual(roundTrips);
    expect.soft(cost?.["rows read"], `${name}: rows read`).toBeLessThanOrEqual(rowsRead);
    expect.soft(cost?.["rows written"], `${name}: rows written`).toBeLessThanOrEqual(rowsWritten);
  }
});
