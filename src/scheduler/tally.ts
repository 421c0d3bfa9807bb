/** Counts by small whole numbers: low ones stand in an array, of high ones few in a map and many in an array, too. */

export interface Tally {
  /** The sum of all. */
  readonly total: number;
  /** All are 0. */
  readonly isEmpty: boolean;
  get(id: number): number;
  add(id: number, amount: number): void;
}

/** Ids below this are always in the array. */
const LOW = 64;
/** From so many entries on an array is smaller than a map, and faster. */
const SPARSE_MAX = 32;

export function createTally(): Tally {
  let counts = new Int32Array(0);
  let sparse: Map<number, number> | undefined = new Map();
  let total = 0;
  let used = 0;

  const reach = (id: number): void => {
    if (id < counts.length) return;
    const larger = new Int32Array(Math.max(8, 2 ** Math.ceil(Math.log2(id + 1))));
    larger.set(counts);
    counts = larger;
  };
  const get = (id: number): number => {
    if (id < counts.length) return counts[id] ?? 0;
    return sparse?.get(id) ?? 0;
  };
  const set = (id: number, amount: number): void => {
    if (id < LOW || sparse === undefined) {
      reach(id);
      counts[id] = amount;
    } else if (amount === 0) {
      sparse.delete(id);
    } else {
      sparse.set(id, amount);
      if (sparse.size <= SPARSE_MAX) return;
      const entries = sparse;
      sparse = undefined;
      for (const [one, count] of entries) {
        reach(one);
        counts[one] = count;
      }
    }
  };

  return {
    get total() {
      return total;
    },
    get isEmpty() {
      return used === 0;
    },
    get,
    add(id, amount) {
      const before = get(id);
      const after = before + amount;
      total += amount;
      if (before === 0 && after !== 0) used += 1;
      if (before !== 0 && after === 0) used -= 1;
      set(id, after);
    },
  };
}
