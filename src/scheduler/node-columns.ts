/**
 * Nodes as columns: each node has a slot, and what is counted of it stands in arrays by slot, so that thousands of nodes are looked at
 * without making an object for any of them. Slots of nodes that went are used again.
 */
import type { NodeView } from "../controller-runtime/views/node-view.ts";
import type { SchedulingSpec } from "../controller-runtime/views/scheduling-spec.ts";

/** CPU in thousandths, memory and storage in bytes. */
export interface NodeColumns {
  /** Slots there are, free ones included: all below are less. */
  capacity: number;
  views: (NodeView | undefined)[];
  readonly slotOf: ReadonlyMap<string, number>;
  /** Slots of nodes in the order in which they came. */
  list(): Int32Array;
  allocatableCpu: Float64Array;
  allocatableMemory: Float64Array;
  allocatableStorage: Float64Array;
  allocatablePods: Float64Array;
  requestedCpu: Float64Array;
  requestedMemory: Float64Array;
  requestedStorage: Float64Array;
  /** With a minimum for containers that ask for nothing. */
  nonZeroCpu: Float64Array;
  nonZeroMemory: Float64Array;
  podCount: Int32Array;
  /** Another number after each change of the node, or of what is on it. */
  versions: Uint32Array;
  /** Of other resources what is taken, by name and slot. */
  readonly scalars: ReadonlyMap<string, Map<number, number>>;
  /** The node's slot, a new one where it had none. `grown` is called when there are more slots than before. */
  set(node: NodeView): number;
  remove(slot: number): void;
  /** Counts a pod (1) or takes it off (-1). */
  count(slot: number, spec: SchedulingSpec, times: 1 | -1): void;
}

const SLOTS_MIN = 64;
const FLOATS = [
  "allocatableCpu",
  "allocatableMemory",
  "allocatableStorage",
  "allocatablePods",
  "requestedCpu",
  "requestedMemory",
  "requestedStorage",
  "nonZeroCpu",
  "nonZeroMemory",
] as const;

export function createNodeColumns(grown: (capacity: number) => void): NodeColumns {
  const slotOf = new Map<string, number>();
  const scalars = new Map<string, Map<number, number>>();
  const free: number[] = [];
  let used = 0;
  let list: Int32Array | undefined;
  const float = () => new Float64Array(SLOTS_MIN);

  const grow = (): void => {
    columns.capacity *= 2;
    for (const name of FLOATS) columns[name] = larger(columns[name], columns.capacity);
    const counts = new Int32Array(columns.capacity);
    counts.set(columns.podCount);
    columns.podCount = counts;
    const versions = new Uint32Array(columns.capacity);
    versions.set(columns.versions);
    columns.versions = versions;
    grown(columns.capacity);
  };
  const countScalar = (slot: number, name: string, amount: number): void => {
    let bySlot = scalars.get(name);
    if (bySlot === undefined) scalars.set(name, (bySlot = new Map()));
    const left = (bySlot.get(slot) ?? 0) + amount;
    if (left === 0) bySlot.delete(slot);
    else bySlot.set(slot, left);
    if (bySlot.size === 0) scalars.delete(name);
  };
  const changed = (slot: number): void => {
    columns.versions[slot] = (columns.versions[slot] ?? 0) + 1;
  };
  const slotFor = (name: string): number => {
    const known = slotOf.get(name);
    if (known !== undefined) return known;
    const slot = free.pop() ?? used++;
    if (slot >= columns.capacity) grow();
    slotOf.set(name, slot);
    list = undefined;
    return slot;
  };

  const columns: NodeColumns = {
    capacity: SLOTS_MIN,
    views: [],
    slotOf,
    list: () => (list ??= Int32Array.from(slotOf.values())),
    allocatableCpu: float(),
    allocatableMemory: float(),
    allocatableStorage: float(),
    allocatablePods: float(),
    requestedCpu: float(),
    requestedMemory: float(),
    requestedStorage: float(),
    nonZeroCpu: float(),
    nonZeroMemory: float(),
    podCount: new Int32Array(SLOTS_MIN),
    versions: new Uint32Array(SLOTS_MIN),
    scalars,
    set(node) {
      const slot = slotFor(node.metadata.name);
      columns.views[slot] = node;
      changed(slot);
      const { allocatable } = node;
      columns.allocatableCpu[slot] = allocatable["cpu"] ?? 0;
      columns.allocatableMemory[slot] = allocatable["memory"] ?? 0;
      columns.allocatableStorage[slot] = allocatable["ephemeral-storage"] ?? 0;
      // A node that has not said how many pods it takes takes none.
      columns.allocatablePods[slot] = allocatable["pods"] ?? 0;
      return slot;
    },
    remove(slot) {
      const name = columns.views[slot]?.metadata.name;
      if (name === undefined) return;
      slotOf.delete(name);
      columns.views[slot] = undefined;
      changed(slot);
      free.push(slot);
      list = undefined;
    },
    count(slot, { requests, nonZero, scalars: asked }, times) {
      changed(slot);
      bump(columns.requestedCpu, slot, times * (requests["cpu"] ?? 0));
      bump(columns.requestedMemory, slot, times * (requests["memory"] ?? 0));
      bump(columns.requestedStorage, slot, times * (requests["ephemeral-storage"] ?? 0));
      bump(columns.nonZeroCpu, slot, times * nonZero.cpu);
      bump(columns.nonZeroMemory, slot, times * nonZero.memory);
      columns.podCount[slot] = (columns.podCount[slot] ?? 0) + times;
      for (const [name, amount] of asked) countScalar(slot, name, times * amount);
    },
  };
  return columns;
}

function larger(values: Float64Array, length: number): Float64Array {
  const made = new Float64Array(length);
  made.set(values);
  return made;
}

function bump(values: Float64Array, slot: number, amount: number): void {
  values[slot] = (values[slot] ?? 0) + amount;
}
