/** Which value of a topology key ("topology.kubernetes.io/zone") each node has, as small numbers by slot. */
import type { NodeColumns } from "./node-columns.ts";

export interface TopologyColumn {
  readonly key: string;
  /** Id of the value by slot; ABSENT where the node has no such label. */
  ids: Int32Array;
  /** Ids are below this. */
  readonly idCount: number;
}

export const ABSENT = -1;
export const HOSTNAME_KEY = "kubernetes.io/hostname";

export interface Topology {
  /** Counted: what is taken must be given back. */
  take(key: string): TopologyColumn;
  giveBack(column: TopologyColumn): void;
  /** The node in this slot came, went or has other labels. */
  update(slot: number): void;
  grow(capacity: number): void;
}

interface Column extends TopologyColumn {
  idCount: number;
  users: number;
  values: Map<string, { id: number; nodes: number }>;
  valueOf: (string | undefined)[];
  free: number[];
}

export function createTopology(nodes: Pick<NodeColumns, "views" | "slotOf">, capacityNow: () => number): Topology {
  const columns = new Map<string, Column>();

  const release = (column: Column, slot: number): void => {
    const old = column.valueOf[slot];
    const entry = old === undefined ? undefined : column.values.get(old);
    column.ids[slot] = ABSENT;
    column.valueOf[slot] = undefined;
    if (old === undefined || entry === undefined || --entry.nodes > 0) return;
    column.values.delete(old);
    column.free.push(entry.id);
  };
  const fill = (column: Column, slot: number): void => {
    const labels = nodes.views[slot]?.metadata.labels;
    const value = labels && Object.hasOwn(labels, column.key) ? labels[column.key] : undefined;
    if (value === column.valueOf[slot]) return;
    release(column, slot);
    if (value === undefined) return;
    let entry = column.values.get(value);
    if (entry === undefined) {
      entry = { id: column.free.pop() ?? column.idCount++, nodes: 0 };
      column.values.set(value, entry);
    }
    entry.nodes += 1;
    column.ids[slot] = entry.id;
    column.valueOf[slot] = value;
  };

  return {
    take(key) {
      let column = columns.get(key);
      if (column === undefined) {
        const ids = new Int32Array(capacityNow()).fill(ABSENT);
        column = { key, ids, idCount: 0, users: 0, values: new Map(), valueOf: [], free: [] };
        columns.set(key, column);
        for (const slot of nodes.slotOf.values()) fill(column, slot);
      }
      column.users += 1;
      return column;
    },
    giveBack({ key }) {
      const column = columns.get(key);
      if (column && --column.users === 0) columns.delete(key);
    },
    update(slot) {
      for (const column of columns.values()) fill(column, slot);
    },
    grow(capacity) {
      for (const column of columns.values()) {
        const larger = new Int32Array(capacity).fill(ABSENT);
        larger.set(column.ids);
        column.ids = larger;
      }
    },
  };
}
