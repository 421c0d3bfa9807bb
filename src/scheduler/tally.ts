/** Counts by small whole numbers: few of them in a map, many in an array. */

export interface Tally {
  /** The sum of all. */
  readonly total: number;
  /** Nothing was counted, or all of few counts are 0 again. */
  readonly isEmpty: boolean;
  get(id: number): number;
  add(id: number, amount: number): void;
}

/** From so many entries on an array is smaller than a map, and faster. */
const SPARSE_MAX = 32;

export function createTally(): Tally {
  let sparse: Map<number, number> | undefined = new Map();
  let dense = new Float64Array(0);
  let total = 0;

  const reach = (id: number): void => {
    if (id < dense.length) return;
    const larger = new Float64Array(Math.max(SPARSE_MAX, 2 ** Math.ceil(Math.log2(id + 1))));
    larger.set(dense);
    dense = larger;
  };
  const spread = (): void => {
    const entries = sparse ?? new Map<number, number>();
    sparse = undefined;
    for (const [id, amount] of entries) {
      reach(id);
      dense[id] = amount;
    }
  };

  return {
    get total() {
      return total;
    },
    get isEmpty() {
      return sparse?.size === 0;
    },
    get: (id) => (sparse === undefined ? (dense[id] ?? 0) : (sparse.get(id) ?? 0)),
    add(id, amount) {
      total += amount;
      if (sparse === undefined) {
        reach(id);
        dense[id] = (dense[id] ?? 0) + amount;
        return;
      }
      const left = (sparse.get(id) ?? 0) + amount;
      if (left === 0) sparse.delete(id);
      else sparse.set(id, left);
      if (sparse.size > SPARSE_MAX) spread();
    },
  };
}
