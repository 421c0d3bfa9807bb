/** What was found out about nodes, by slot, for as long as nothing of the node and of what is on it has changed. */
import type { NodeColumns } from "./node-columns.ts";

export interface SlotMemory<T> {
  /** Undefined where nothing is known, or not any more. */
  get(slot: number): T | undefined;
  set(slot: number, value: T): void;
}

/** For as many slots as there are now: whoever keeps it makes it anew when there are more. */
export function createSlotMemory<T>(nodes: Pick<NodeColumns, "capacity" | "versions">): SlotMemory<T> {
  const stamps = new Uint32Array(nodes.capacity);
  const values: (T | undefined)[] = Array.from({ length: nodes.capacity });
  return {
    get: (slot) => (stamps[slot] === nodes.versions[slot] ? values[slot] : undefined),
    set(slot, value) {
      stamps[slot] = nodes.versions[slot] ?? 0;
      values[slot] = value;
    },
  };
}
