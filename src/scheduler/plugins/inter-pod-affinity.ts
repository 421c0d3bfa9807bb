/** Pods that want to be near others, or away from them (pkg/scheduler/framework/plugins/interpodaffinity). */
import type { PodView } from "../../controller-runtime/views/pod-view.ts";
import { affinityTerms, matchesTerm, type AffinityTerm, type AffinityTerms } from "../affinity-terms.ts";
import {
  SCORE_MAX,
  type Cluster,
  type ClusterEvent,
  type Plugin,
  type PodShape,
  type Refusal,
  type ScoreInput,
} from "../framework.ts";
import type { PodGroup } from "../pod-groups.ts";
import type { PlacedTerm } from "../placed-terms.ts";
import { createTally, type Tally } from "../tally.ts";
import { ABSENT, type TopologyColumn } from "../topology.ts";

const NAME = "InterPodAffinity";
const refusal = (reason: string, unresolvable: boolean): Refusal => ({ plugin: NAME, reasons: [reason], unresolvable });
const NOT_NEAR = refusal("node(s) didn't match pod affinity rules", true);
const TOO_NEAR = refusal("node(s) didn't match pod anti-affinity rules", false);
const UNWELCOME = refusal("node(s) didn't satisfy existing pods anti-affinity rules", false);

/** Pods counted by domain. */
interface Counted {
  column: TopologyColumn;
  tally: Tally;
  weight: number;
}

/** `hardWeight`: what it counts in scores that a placed pod requires to be near the new one. */
export function createInterPodAffinity({ hardWeight = 1 }: { hardWeight?: number } = {}): Plugin {
  return {
    name: NAME,
    prepare(shape, cluster) {
      const known = (namespace: string) => cluster.tables.namespaces.get(namespace)?.metadata.labels;
      const labelsOf = (namespace: string) => known(namespace) ?? {};
      const terms = affinityTerms(shape.spec, shape);
      const own = prepareOwn(terms, cluster, known);
      const placed = followPlaced(shape, cluster, labelsOf, hardWeight);
      const first = terms.requiredAffinity.every((term) => matchesTerm(term, shape, known));
      return {
        refuse(slot) {
          if (own.near.length > 0 && !isNear(own.near, slot, first)) return NOT_NEAR;
          for (const { column, tally } of own.away) if (countAt(column, tally, slot) > 0) return TOO_NEAR;
          for (const { column, forbidden } of placed.forbidding()) {
            if (countAt(column, forbidden, slot) > 0) return UNWELCOME;
          }
          return undefined;
        },
        skips: () =>
          own.near.length + own.away.length === 0 && placed.forbidding().every(({ forbidden }) => forbidden.isEmpty),
        score: (input) => score([...own.preferred, ...placed.scoring()], input),
        release: own.release,
      };
    },
    awaits: ["node", "namespace", "pod-came", "pod-gone", "pod-changed"],
    helps,
  };
}

function prepareOwn(terms: AffinityTerms, cluster: Cluster, labelsOf: LabelsOf) {
  const undo: (() => void)[] = [];
  const counted = (term: AffinityTerm, matching: readonly AffinityTerm[], weight: number): Counted => {
    const column = cluster.topology.take(term.topologyKey);
    const tally = createTally();
    const matches = (group: PodGroup) => matching.every((one) => matchesTerm(one, group, labelsOf));
    const key = JSON.stringify(["terms", ...matching.map((one) => one.key)]);
    const stop = cluster.groups.classOf(key, matches).count((slot, times) => {
      const id = column.ids[slot] ?? ABSENT;
      if (id !== ABSENT) tally.add(id, times);
    });
    undo.push(() => {
      stop();
      cluster.topology.giveBack(column);
    });
    return { column, tally, weight };
  };
  const { requiredAffinity, requiredAntiAffinity, preferred } = terms;
  return {
    // Only pods that all the terms match count as near.
    near: requiredAffinity.map((term) => counted(term, requiredAffinity, 1)),
    away: requiredAntiAffinity.map((term) => counted(term, [term], 1)),
    preferred: preferred.map((term) => counted(term, [term], term.weight)),
    release: () => undo.forEach((one) => one()),
  };
}

/** Undefined for a namespace that is not known. */
type LabelsOf = (namespace: string) => Readonly<Record<string, string>> | undefined;

/** Terms of placed pods that this pod matches; looked for again when there are others. */
function followPlaced(shape: PodShape, { placedTerms }: Cluster, labelsOf: LabelsOf, hardWeight: number) {
  let version = -1;
  let matching: PlacedTerm[] = [];
  const current = (): readonly PlacedTerm[] => {
    if (version === placedTerms.version) return matching;
    version = placedTerms.version;
    matching = [...placedTerms.all()].filter(({ term }) => matchesTerm(term, shape, labelsOf));
    return matching;
  };
  return {
    forbidding: current,
    scoring(): Counted[] {
      return current().flatMap(({ column, required, preferred }) => [
        ...(preferred.isEmpty ? [] : [{ column, tally: preferred, weight: 1 }]),
        ...(required.total === 0 || hardWeight === 0 ? [] : [{ column, tally: required, weight: hardWeight }]),
      ]);
    },
  };
}

function countAt({ ids }: TopologyColumn, tally: Tally, slot: number): number {
  const id = ids[slot] ?? ABSENT;
  return id === ABSENT ? 0 : tally.get(id);
}

/** `first`: it matches its own terms, so that the first of its kind may go anywhere. */
function isNear(near: readonly Counted[], slot: number, first: boolean): boolean {
  let all = true;
  let none = true;
  for (const { column, tally } of near) {
    const id = column.ids[slot] ?? ABSENT;
    if (id === ABSENT) return false;
    if (tally.get(id) <= 0) all = false;
    if (tally.total > 0) none = false;
  }
  return all || (first && none);
}

/** From the lowest sum, which is 0, to the highest, which is 100. */
function score(counted: readonly Counted[], { slots, count, scores }: ScoreInput): void {
  scores.fill(0, 0, count);
  if (counted.length === 0) return;
  for (const { column, tally, weight } of counted) {
    const { ids } = column;
    for (let index = 0; index < count; index++) {
      const id = ids[slots[index] ?? 0] ?? ABSENT;
      if (id !== ABSENT) scores[index] = (scores[index] ?? 0) + weight * tally.get(id);
    }
  }
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let index = 0; index < count; index++) {
    lowest = Math.min(lowest, scores[index] ?? 0);
    highest = Math.max(highest, scores[index] ?? 0);
  }
  const range = highest - lowest;
  for (let index = 0; index < count; index++) {
    scores[index] = range > 0 ? Math.trunc(SCORE_MAX * (((scores[index] ?? 0) - lowest) / range)) : 0;
  }
}

/** A pod that its terms match came, or one that keeps it away went; or a node with a domain. */
function helps(event: ClusterEvent, pod: PodView): boolean {
  if (event.kind === "node" || event.kind === "namespace") return true;
  const after = event.kind === "pod-changed" ? event.after : event.kind === "pod-came" ? event.pod : undefined;
  const before = event.kind === "pod-changed" ? event.before : event.kind === "pod-gone" ? event.pod : undefined;
  const { requiredAffinity, requiredAntiAffinity } = affinityTerms(pod.scheduling, pod.metadata);
  if (after && may(requiredAffinity, after)) return true;
  if (before === undefined) return false;
  if (may(requiredAntiAffinity, before)) return true;
  const theirs = affinityTerms(before.scheduling, before.metadata).requiredAntiAffinity;
  return may(theirs, pod);
}

/** Labels of namespaces are not at hand: what selects them may match. */
function may(terms: readonly AffinityTerm[], { metadata }: PodView): boolean {
  return terms.some((term) => term.namespaceRequirements !== undefined || matchesTerm(term, metadata, () => ({})));
}
