/** One decision: filter, score, choose. Pure. */
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import { SCORE_MAX, type NodeInfo, type Plugin } from "./framework.ts";

export type Decision =
  | { node: string }
  /** `message` is what the event and the pod's condition say. */
  | { node: undefined; message: string; refusedBy: ReadonlySet<Plugin> };

export interface CycleInput {
  pod: PodView;
  nodes: readonly NodeInfo[];
  plugins: readonly Plugin[];
  /** Uniform in [0, 1): chooses between equals. */
  fraction: () => number;
  /** Where to begin looking, so that in large clusters not always the same nodes are looked at. */
  startAt: number;
}

export function decide(input: CycleInput): Decision {
  const { pod, nodes, plugins } = input;
  if (nodes.length === 0) {
    return { node: undefined, message: "no nodes available to schedule pods", refusedBy: new Set() };
  }
  const { feasible, reasons, refusedBy } = filter(input);
  if (feasible.length === 0) {
    return { node: undefined, message: failureMessage(nodes.length, reasons), refusedBy };
  }
  const [only] = feasible;
  if (feasible.length === 1 && only) return { node: only.node.metadata.name };
  return { node: choose(score(pod, feasible, plugins), input) };
}

function filter({ pod, nodes, plugins, startAt }: CycleInput) {
  const feasible: NodeInfo[] = [];
  const reasons = new Map<string, number>();
  const refusedBy = new Set<Plugin>();
  const enough = feasibleMax(nodes.length);
  for (let offset = 0; offset < nodes.length && feasible.length < enough; offset++) {
    const info = nodes[(startAt + offset) % nodes.length];
    if (info === undefined) continue;
    const refusal = firstRefusal(pod, info, plugins);
    if (refusal === undefined) {
      feasible.push(info);
      continue;
    }
    refusedBy.add(refusal.plugin);
    for (const reason of refusal.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return { feasible, reasons, refusedBy };
}

function firstRefusal(pod: PodView, info: NodeInfo, plugins: readonly Plugin[]) {
  for (const plugin of plugins) {
    const reasons = plugin.filter?.(pod, info) ?? [];
    if (reasons.length > 0) return { plugin, reasons };
  }
  return undefined;
}

/** Kubernetes' numFeasibleNodesToFind: all of 100 nodes, a smaller share the more there are. */
export function feasibleMax(count: number): number {
  if (count < 100) return count;
  const percent = Math.max(5, 50 - Math.floor(count / 125));
  return Math.max(100, Math.floor((count * percent) / 100));
}

/** "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable." */
export function failureMessage(nodeCount: number, reasons: ReadonlyMap<string, number>): string {
  const parts = [...reasons].map(([reason, count]) => `${count} ${reason}`).toSorted();
  return `0/${nodeCount} nodes are available: ${parts.join(", ")}.`;
}

function score(pod: PodView, feasible: readonly NodeInfo[], plugins: readonly Plugin[]): Map<string, number> {
  const totals = new Map(feasible.map(({ node }) => [node.metadata.name, 0]));
  for (const plugin of plugins) {
    const scoring = plugin.score;
    if (scoring === undefined) continue;
    const raw = feasible.map((info) => scoring.of(pod, info));
    const highest = Math.max(...raw);
    feasible.forEach(({ node }, index) => {
      const name = node.metadata.name;
      const value = normalized(raw[index] ?? 0, highest, scoring.normalize ?? "highest-is-best");
      totals.set(name, (totals.get(name) ?? 0) + scoring.weight * value);
    });
  }
  return totals;
}

function normalized(value: number, highest: number, how: "highest-is-best" | "lowest-is-best" | "none"): number {
  if (how === "none") return value;
  const share = highest > 0 ? (SCORE_MAX * value) / highest : 0;
  return how === "highest-is-best" ? share : SCORE_MAX - share;
}

function choose(totals: ReadonlyMap<string, number>, { fraction }: CycleInput): string {
  const best = Math.max(...totals.values());
  const equals = [...totals].filter(([, total]) => total === best).map(([name]) => name);
  return equals[Math.floor(fraction() * equals.length)] ?? equals[0] ?? "";
}
