/** Pods of a class counted by the domains of a topology key, over the nodes that take part; follows the cluster. */
import type { Cluster } from "../framework.ts";
import type { PodClass } from "../pod-groups.ts";
import { ABSENT, type TopologyColumn } from "../topology.ts";

export interface SpreadDomains {
  readonly column: TopologyColumn;
  /** Pods on nodes that take part, by id of the domain. */
  count(id: number): number;
  /** Pods on this node, whether it takes part or not. */
  countOn(slot: number): number;
  /** The fewest pods in any domain that has a node that takes part; 0 where there are fewer domains than `domainsMin`. */
  fewest(domainsMin: number): number;
  nodeGoes(slot: number): void;
  nodeComes(slot: number): void;
  release(): void;
}

export function createSpreadDomains(input: {
  cluster: Pick<Cluster, "topology" | "nodes">;
  key: string;
  pods: PodClass;
  takesPart: (slot: number) => boolean;
}): SpreadDomains {
  const { cluster, key, pods, takesPart } = input;
  const column = cluster.topology.take(key);
  const member = new Uint8Array(cluster.nodes.capacity);
  const perNode = new Int32Array(cluster.nodes.capacity);
  let counts = new Int32Array(Math.max(16, column.idCount));
  let members = new Int32Array(counts.length);
  let domains = 0;
  let least: number | undefined;

  const reach = (id: number): void => {
    if (id < counts.length) return;
    const [oldCounts, oldMembers] = [counts, members];
    counts = new Int32Array(Math.max(id + 1, 2 * counts.length));
    members = new Int32Array(counts.length);
    counts.set(oldCounts);
    members.set(oldMembers);
  };
  const join = (slot: number, times: 1 | -1): void => {
    const id = column.ids[slot] ?? ABSENT;
    if (id === ABSENT) return;
    reach(id);
    const before = members[id] ?? 0;
    members[id] = before + times;
    if (before === 0 || before + times === 0) domains += times;
    least = undefined;
  };
  const nodeComes = (slot: number): void => {
    if (!takesPart(slot)) return;
    member[slot] = 1;
    join(slot, 1);
  };
  for (const slot of cluster.nodes.slotOf.values()) nodeComes(slot);
  const stop = pods.count((slot, times) => {
    perNode[slot] = (perNode[slot] ?? 0) + times;
    const id = column.ids[slot] ?? ABSENT;
    if (member[slot] === 0 || id === ABSENT) return;
    reach(id);
    const before = counts[id] ?? 0;
    counts[id] = before + times;
    if (least === undefined) return;
    // Known to stay as it is, unless the domain was, or becomes, one of the fewest.
    if (before + times < least) least = before + times;
    else if (before === least) least = undefined;
  });

  return {
    column,
    count: (id) => counts[id] ?? 0,
    countOn: (slot) => perNode[slot] ?? 0,
    fewest(domainsMin) {
      if (domains < domainsMin) return 0;
      if (least !== undefined) return least;
      let found = Number.MAX_SAFE_INTEGER;
      for (let id = 0; id < members.length; id++) {
        if ((members[id] ?? 0) > 0 && (counts[id] ?? 0) < found) found = counts[id] ?? 0;
      }
      least = found;
      return found;
    },
    nodeGoes(slot) {
      if (member[slot] === 0) return;
      member[slot] = 0;
      join(slot, -1);
    },
    nodeComes,
    release() {
      stop();
      cluster.topology.giveBack(column);
    },
  };
}
