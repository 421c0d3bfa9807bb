/** What trials of preemption have shown, for pods of the shape and priority that were tried last: mostly many of one kind wait. */
import type { NodeColumns } from "./node-columns.ts";
import type { Trial } from "./preemption.ts";
import type { Shape } from "./shapes.ts";
import { createSlotMemory, type SlotMemory } from "./slot-memory.ts";

export interface Trials {
  of(shape: Shape, priority: number): SlotMemory<Trial>;
}

export function createTrials(nodes: NodeColumns): Trials {
  let last: { shape: Shape; priority: number; memory: SlotMemory<Trial> } | undefined;
  return {
    of(shape, priority) {
      // Where there are more slots, or other preparations, there are other shapes.
      if (last?.shape !== shape || last.priority !== priority) {
        last = { shape, priority, memory: createSlotMemory<Trial>(nodes) };
      }
      return last.memory;
    },
  };
}
