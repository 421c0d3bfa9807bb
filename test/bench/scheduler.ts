/**
 * Pods a second: the algorithm alone (snapshot, queue, decisions; no API), and end to end, from pods in the store to bindings in the
 * store. Then the memory of a large cluster, and how soon a pod has its node in an idle one. `npm run bench -- scheduler`.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createPodViews } from "../../src/controller-runtime/views/pod-view.ts";
import { nodeView } from "../../src/controller-runtime/views/node-view.ts";
import type { PodView } from "../../src/controller-runtime/views/pod-view.ts";
import { createProfile, createSnapshot, planPreemption, schedulePod } from "../../src/scheduler/index.ts";
import { createSchedulingQueue } from "../../src/scheduler/queue.ts";
import { createDice } from "../harness/seeded.ts";
import type { Report } from "./report.ts";
import { CASES, FILLING, nodeOf, podOf, type SchedulerCase } from "./scheduler-cases.ts";
import { measureEndToEnd, measureLatency } from "./scheduler-end-to-end.ts";

const NODES = [500, 1_000, 5_000] as const;
const END_TO_END_NODES = [500, 1_000, 5_000] as const;
/** Of what 500 nodes do. */
const SHARE_MIN = 1 / 3;
const MEMORY_MB_MAX = 64;
const BOUND_MS_MAX = 50;
/** While pods go and come: one change after so many decisions. */
const CHURN_EVERY = 10;

export async function run(report: Report): Promise<void> {
  for (const one of CASES) {
    const alone = new Map(NODES.map((nodes) => [nodes, fastest(() => alonePerSecond(one, nodes))]));
    reportRates(report, { one, how: "alone", rates: alone });
  }
  for (const one of CASES) {
    const rates = new Map<number, number>();
    for (const nodes of END_TO_END_NODES) {
      const { perSecond, storedPerSecond, cpuMsPerPod } = await measureEndToEnd(one, nodes);
      rates.set(nodes, perSecond);
      const row = { bench: `scheduler/${one.name}`, case: `end to end, ${nodes.toLocaleString("en")} nodes` };
      report({ ...row, metric: "pods/s stored meanwhile", value: storedPerSecond, unit: "" });
      report({ ...row, metric: "CPU a pod", value: cpuMsPerPod, unit: "ms" });
    }
    reportRates(report, { one, how: "end to end", rates });
  }
  await reportMemory(report);
  const { p50Ms, p99Ms } = await measureLatency();
  const row = { bench: "scheduler/latency", case: "a pod in an idle cluster is bound", unit: "ms" };
  report({ ...row, metric: "p50", value: p50Ms });
  report({ ...row, metric: "p99", value: p99Ms });
  report({ ...row, metric: "limit", value: BOUND_MS_MAX });
}

function reportRates(
  report: Report,
  of: { one: SchedulerCase; how: string; rates: ReadonlyMap<number, number> },
): void {
  const { one, how, rates } = of;
  const bench = `scheduler/${one.name}`;
  for (const [nodes, value] of rates) {
    const pods = one.pods(nodes).toLocaleString("en");
    report({
      bench,
      case: `${how}, ${nodes.toLocaleString("en")} nodes, ${pods} pods`,
      metric: "pods/s",
      value,
      unit: "",
    });
  }
  if (one.threshold) {
    const { value, of: name } = one.threshold;
    report({ bench, case: name, metric: "kube-scheduler's limit", value, unit: "" });
  }
  const row = { bench, case: `${how}, 5,000 nodes to 500`, unit: "" };
  report({ ...row, metric: "ratio", value: (rates.get(5_000) ?? 0) / (rates.get(500) ?? 1) });
  report({ ...row, metric: "limit (at least)", value: SHARE_MIN });
}

/** Of two: the first meets code that has not run yet, and others use the machine, too. */
function fastest(measure: () => number): number {
  return Math.max(measure(), measure());
}

/** The rounds of an owner: take a pod, decide, count it in, learn from the API that it is there. */
export function alonePerSecond(one: SchedulerCase, nodes: number): number {
  const profile = createProfile();
  const podView = createPodViews();
  const snapshot = createSnapshot();
  const plugins = profile.plugins.map(({ plugin }) => plugin);
  const queue = createSchedulingQueue({ clock: { now: () => performance.now() }, plugins });
  const dice = createDice(1);
  const options = { fraction: () => dice.roll(1_000_000) / 1_000_000, startAt: 0 };
  const placed: PodView[] = [];
  const place = (pod: PodView, node: string): void => {
    snapshot.assume(pod, node);
    const bound = { ...pod, nodeName: node };
    snapshot.setPod(bound);
    placed.push(bound);
  };

  for (let at = 0; at < nodes; at++) snapshot.setNode(nodeView(nodeOf(at)));
  if (one.filled) {
    for (let at = 0; at < nodes * FILLING.pods; at++) {
      const view = podView(podOf(`filling-${at}`, FILLING.as));
      snapshot.setPod({ ...view, nodeName: `node-${Math.floor(at / FILLING.pods)}` });
    }
  }
  const count = one.pods(nodes);
  for (let at = 0; at < count; at++) queue.add(podView(podOf(`pod-${at}`, one.pod(at))));

  const startMs = performance.now();
  for (let pod = queue.pop(); pod !== undefined; pod = queue.pop()) {
    let decision = schedulePod(snapshot, pod, profile, options);
    options.startAt = (options.startAt + decision.looked) % nodes;
    if (decision.node === undefined) {
      const plan = planPreemption(snapshot, pod, profile, { ...options, potential: decision.potential });
      if (plan.node === undefined) throw new Error(`${one.name}: ${decision.message} ${plan.message}`);
      snapshot.nominate(pod, plan.node);
      for (const { metadata } of plan.victims) snapshot.removePod(metadata.uid);
      decision = schedulePod(snapshot, pod, profile, options);
      if (decision.node === undefined) throw new Error(`${one.name}: no room was made: ${decision.message}`);
    }
    place(pod, decision.node);
    queue.remove(pod.metadata.uid);
    if (!one.churns || placed.length % CHURN_EVERY > 0) continue;
    const at = dice.roll(nodes);
    snapshot.removeNode(`node-${at}`);
    snapshot.setNode(nodeView(nodeOf(at)));
    const gone = placed[dice.roll(placed.length)];
    if (gone) snapshot.removePod(gone.metadata.uid);
  }
  if (placed.length !== count) throw new Error(`${one.name}: ${placed.length} of ${count} pods were placed`);
  return (count * 1_000) / (performance.now() - startMs);
}

/** In a process of its own, so that nothing else is counted. */
async function reportMemory(report: Report): Promise<void> {
  const script = fileURLToPath(new URL("scheduler-memory.ts", import.meta.url));
  for (const [nodes, pods] of [
    [5_000, 50_000],
    [5_000, 100_000],
  ] as const) {
    const { stdout } = await promisify(execFile)(process.execPath, [
      "--expose-gc",
      script,
      String(nodes),
      String(pods),
    ]);
    const { usedMb, residentMb } = JSON.parse(stdout) as { usedMb: number; residentMb: number };
    const name = `${nodes.toLocaleString("en")} nodes, ${pods.toLocaleString("en")} pods`;
    const row = { bench: "scheduler/memory", case: name, unit: "MB" };
    report({ ...row, metric: "above an empty process", value: usedMb });
    report({ ...row, metric: "resident", value: residentMb });
    if (pods === 50_000) report({ ...row, metric: "limit", value: MEMORY_MB_MAX });
  }
}
