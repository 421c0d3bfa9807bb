/** What placed pods want of pods that come: how many of them want it in each domain, kept up to date as pods come and go. */
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import { affinityTerms, type AffinityTerm } from "./affinity-terms.ts";
import { createTally, type Tally } from "./tally.ts";
import { ABSENT, type Topology, type TopologyColumn } from "./topology.ts";

/** One term of all placed pods that have it. */
export interface PlacedTerm {
  readonly term: AffinityTerm;
  readonly column: TopologyColumn;
  /** Pods that require it as affinity, and as anti-affinity, by domain. */
  readonly required: Tally;
  readonly forbidden: Tally;
  /** Sum of the weights of those that prefer it; negative where they rather would not. */
  readonly preferred: Tally;
}

export interface PlacedTerms {
  /** All there are. */
  all(): Iterable<PlacedTerm>;
  /** Changes when there are others. */
  readonly version: number;
  /** The terms of a pod; undefined where it has none. */
  of(pod: PodView): PodTerms | undefined;
}

export interface PodTerms {
  /** The pod is put on a node (1) or taken off it (-1). */
  move(slot: number, times: 1 | -1): void;
}

interface Entry extends PlacedTerm {
  pods: number;
}

interface Use {
  term: AffinityTerm;
  as: "required" | "forbidden" | "preferred";
  amount: number;
}

interface Shared extends PodTerms {
  pods: number;
}

const UNUSED_MAX = 64;

export function createPlacedTerms(topology: Topology): PlacedTerms {
  const entries = new Map<string, Entry>();
  const shared = new Map<string, Shared>();
  let version = 0;
  let unused = 0;

  /** Terms that nobody has any more stay for a while: in a trial all pods of a node go and come again. */
  const sweep = (): void => {
    if (unused < UNUSED_MAX || unused < entries.size / 2) return;
    for (const [key, entry] of entries) {
      if (entry.pods > 0) continue;
      entries.delete(key);
      topology.giveBack(entry.column);
    }
    unused = 0;
  };
  const entryOf = (term: AffinityTerm): Entry => {
    const known = entries.get(term.key);
    if (known) return known;
    sweep();
    unused += 1;
    const column = topology.take(term.topologyKey);
    const made = { term, column, required: createTally(), forbidden: createTally(), preferred: createTally(), pods: 0 };
    entries.set(term.key, made);
    version += 1;
    return made;
  };
  const apply = ({ term, as, amount }: Use, slot: number, times: number): void => {
    const entry = entryOf(term);
    const id = entry.column.ids[slot] ?? ABSENT;
    if (id !== ABSENT) entry[as].add(id, times * amount);
    if (entry.pods === 0) unused -= 1;
    entry.pods += times;
    if (entry.pods === 0) unused += 1;
  };

  return {
    all: () => entries.values(),
    get version() {
      return version;
    },
    of(pod) {
      const { scheduling, metadata } = pod;
      if (scheduling.podAffinity === undefined && scheduling.podAntiAffinity === undefined) return undefined;
      const { namespace, labels } = metadata;
      const key = `${namespace} ${JSON.stringify(labels)} ${scheduling.key}`;
      const known = shared.get(key);
      if (known) return known;
      const uses = usesOf(pod);
      if (uses.length === 0) return undefined;
      const made: Shared = {
        pods: 0,
        move(slot, times) {
          made.pods += times;
          if (made.pods > 0) shared.set(key, made);
          else shared.delete(key);
          for (const use of uses) apply(use, slot, times);
        },
      };
      return made;
    },
  };
}

function usesOf({ scheduling, metadata }: PodView): Use[] {
  const { requiredAffinity, requiredAntiAffinity, preferred } = affinityTerms(scheduling, metadata);
  return [
    ...requiredAffinity.map((term): Use => ({ term, as: "required", amount: 1 })),
    ...requiredAntiAffinity.map((term): Use => ({ term, as: "forbidden", amount: 1 })),
    ...preferred.map((term): Use => ({ term, as: "preferred", amount: term.weight })),
  ];
}
