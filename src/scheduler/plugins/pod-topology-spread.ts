/** Pods spread over zones, hosts and other domains (pkg/scheduler/framework/plugins/podtopologyspread). */
import type { PodView } from "../../controller-runtime/views/pod-view.ts";
import type { TopologySpreadConstraint } from "../../kinds/core/pods/types.ts";
import { matchesLabels, requirementsOf, type LabelRequirement } from "../../machinery/selectors.ts";
import { keyRequirements } from "../affinity-terms.ts";
import {
  SCORE_MAX,
  type Cluster,
  type ClusterEvent,
  type Plugin,
  type PodShape,
  type Prepared,
  type Refusal,
  type ScoreInput,
} from "../framework.ts";
import type { PodGroup } from "../pod-groups.ts";
import { ABSENT, HOSTNAME_KEY } from "../topology.ts";
import { defaultRequirements } from "./default-selector.ts";
import { hasRequirements, meetsNodeAffinity } from "./node-affinity.ts";
import { createSpreadDomains, type SpreadDomains } from "./spread-domains.ts";
import { untolerated } from "./taint-toleration.ts";

const NAME = "PodTopologySpread";
const UNLABELLED: Refusal = {
  plugin: NAME,
  reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"],
  unresolvable: true,
};
const SKEWED: Refusal = {
  plugin: NAME,
  reasons: ["node(s) didn't match pod topology spread constraints"],
  unresolvable: false,
};

/** What pods without constraints of their own are spread by, where something selects them. */
export const SYSTEM_DEFAULTS: readonly TopologySpreadConstraint[] = [
  { topologyKey: HOSTNAME_KEY, whenUnsatisfiable: "ScheduleAnyway", maxSkew: 3 },
  { topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway", maxSkew: 5 },
];

interface Constraint {
  maxSkew: number;
  domainsMin: number;
  domains: SpreadDomains;
  /** 1 where the pod itself counts. */
  own: number;
  isHostname: boolean;
}

/** `defaults`: the system's own, a list, or none ([]). */
export function createPodTopologySpread({
  defaults = SYSTEM_DEFAULTS,
}: { defaults?: readonly TopologySpreadConstraint[] } = {}): Plugin {
  return {
    name: NAME,
    prepare(shape, cluster) {
      const own = shape.spec.spread;
      const selector = own.length > 0 ? undefined : defaultRequirements(shape, cluster.tables);
      const wanted = own.length > 0 ? own : selector === undefined ? [] : defaults;
      // By the system's defaults a node without a zone is spread over by its hostname alone.
      const everyKey = own.length > 0 || defaults !== SYSTEM_DEFAULTS;
      const of = (action: TopologySpreadConstraint["whenUnsatisfiable"], all: boolean) => {
        const list = wanted.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action);
        return list.map((one) => constraintOf(one, { shape, cluster, selector, required: all ? list : [] }));
      };
      const hard = of("DoNotSchedule", true);
      const soft = of("ScheduleAnyway", everyKey);
      if (hard.length + soft.length === 0) return undefined;
      const all = [...hard, ...soft].map(({ domains }) => domains);
      const prepared: Prepared = {
        nodeGoes: (slot) => all.forEach((domains) => domains.nodeGoes(slot)),
        nodeComes: (slot) => all.forEach((domains) => domains.nodeComes(slot)),
        release: () => all.forEach((domains) => domains.release()),
      };
      if (hard.length > 0) prepared.refuse = (slot) => refuse(hard, slot);
      if (soft.length > 0) prepared.score = scoring(soft, everyKey);
      return prepared;
    },
    awaits: ["node", "pod-came", "pod-gone", "pod-changed"],
    helps,
  };
}

function constraintOf(
  constraint: TopologySpreadConstraint,
  input: {
    shape: PodShape;
    cluster: Cluster;
    selector: readonly LabelRequirement[] | undefined;
    required: readonly TopologySpreadConstraint[];
  },
): Constraint {
  const { shape, cluster, selector, required } = input;
  const { namespace, labels, spec } = shape;
  const { topologyKey, maxSkew, minDomains, nodeAffinityPolicy = "Honor", nodeTaintsPolicy = "Ignore" } = constraint;
  const requirements = selector ?? [
    ...keyRequirements(constraint.matchLabelKeys, labels, "In"),
    ...requirementsOf(constraint.labelSelector),
  ];
  // A selector without requirements counts nothing, though the pod itself matches it.
  const matches = (group: PodGroup) =>
    requirements.length > 0 &&
    !group.terminating &&
    group.namespace === namespace &&
    matchesLabels(requirements, group.labels);
  const asksAffinity = nodeAffinityPolicy === "Honor" && hasRequirements(spec);
  const domains = createSpreadDomains({
    cluster,
    key: topologyKey,
    pods: cluster.groups.classOf(JSON.stringify(["spread", namespace, requirements]), matches),
    takesPart(slot) {
      const node = cluster.nodes.views[slot];
      if (node === undefined) return false;
      if (!required.every((one) => Object.hasOwn(node.metadata.labels, one.topologyKey))) return false;
      if (asksAffinity && !meetsNodeAffinity(spec, node)) return false;
      return nodeTaintsPolicy !== "Honor" || untolerated(node.taints, spec.tolerations) === undefined;
    },
  });
  return {
    maxSkew,
    domainsMin: minDomains ?? 1,
    domains,
    own: matchesLabels(requirements, labels) ? 1 : 0,
    isHostname: topologyKey === HOSTNAME_KEY,
  };
}

function refuse(constraints: readonly Constraint[], slot: number): Refusal | undefined {
  for (const { domains, own, maxSkew, domainsMin } of constraints) {
    const id = domains.column.ids[slot] ?? ABSENT;
    if (id === ABSENT) return UNLABELLED;
    if (domains.count(id) + own - domains.fewest(domainsMin) > maxSkew) return SKEWED;
  }
  return undefined;
}

/** The fewer pods the better; a constraint over few domains weighs less, so that hosts do not drown zones. */
function scoring(constraints: readonly Constraint[], everyKey: boolean): NonNullable<Prepared["score"]> {
  const isIgnored = (slot: number): boolean =>
    everyKey && constraints.some(({ domains }) => (domains.column.ids[slot] ?? ABSENT) === ABSENT);
  return (input) => {
    const { slots, count, scores } = input;
    let ignored = 0;
    scores.fill(0, 0, count);
    for (let index = 0; index < count; index++) {
      if (!isIgnored(slots[index] ?? 0)) continue;
      scores[index] = -1;
      ignored += 1;
    }
    for (const constraint of constraints) addCounts(constraint, input, count - ignored);
    let [lowest, highest] = [Number.MAX_SAFE_INTEGER, 0];
    for (let index = 0; index < count; index++) {
      const score = scores[index] ?? 0;
      if (score === -1) continue;
      const rounded = Math.round(score);
      scores[index] = rounded;
      if (rounded < lowest) lowest = rounded;
      if (rounded > highest) highest = rounded;
    }
    for (let index = 0; index < count; index++) {
      const score = scores[index] ?? 0;
      if (score === -1) scores[index] = 0;
      else if (highest === 0) scores[index] = SCORE_MAX;
      else scores[index] = Math.trunc((SCORE_MAX * (highest + lowest - score)) / highest);
    }
  };
}

function addCounts({ domains, isHostname, maxSkew }: Constraint, { slots, count, scores }: ScoreInput, nodes: number) {
  const { ids } = domains.column;
  const size = isHostname ? nodes : domainsOf({ ids, slots, count, scores });
  const weight = Math.log(size + 2);
  for (let index = 0; index < count; index++) {
    const slot = slots[index] ?? 0;
    const id = ids[slot] ?? ABSENT;
    const score = scores[index] ?? 0;
    if (score === -1 || id === ABSENT) continue;
    const pods = isHostname ? domains.countOn(slot) : domains.count(id);
    scores[index] = score + (pods * weight + (maxSkew - 1));
  }
}

/** Different values of the nodes that count; having none is one. */
function domainsOf({ ids, slots, count, scores }: ScoreInput & { ids: Int32Array }): number {
  const seen = new Set<number>();
  for (let index = 0; index < count; index++) if (scores[index] !== -1) seen.add(ids[slots[index] ?? 0] ?? ABSENT);
  return seen.size;
}

/** Another pod of its namespace that comes, goes or has other labels; a node whose labels or taints are others. */
function helps(event: ClusterEvent, { metadata }: PodView): boolean {
  if (event.kind === "node") return true;
  const other = event.kind === "pod-changed" ? event.after : "pod" in event ? event.pod : undefined;
  return other?.metadata.namespace === metadata.namespace;
}
