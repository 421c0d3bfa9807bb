/** A map with indices: what an informer holds. */

/** The values under which a view is found. */
export type Indices<T> = Readonly<Record<string, (view: T) => readonly string[]>>;

export interface IndexedStore<T> {
  readonly size: number;
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
  all(): IterableIterator<T>;
  /** In no particular order. @throws Error for an index that does not exist */
  by(index: string, value: string): T[];
}

export function createIndexedStore<T>(indices: Indices<T>): IndexedStore<T> {
  const values = new Map<string, T>();
  const tables = Object.entries(indices).map(([name, of]) => ({
    name,
    of,
    keys: new Map<string, Set<string>>(),
  }));
  const byName = new Map(tables.map((table) => [table.name, table]));

  const unlink = (key: string, old: T): void => {
    for (const { of, keys } of tables) {
      for (const value of of(old)) {
        const found = keys.get(value);
        found?.delete(key);
        if (found?.size === 0) keys.delete(value);
      }
    }
  };
  const link = (key: string, value: T): void => {
    for (const { of, keys } of tables) {
      for (const indexed of of(value)) {
        const found = keys.get(indexed);
        if (found) found.add(key);
        else keys.set(indexed, new Set([key]));
      }
    }
  };

  return {
    get size() {
      return values.size;
    },
    get: (key) => values.get(key),
    set(key, value) {
      const old = values.get(key);
      if (old !== undefined) unlink(key, old);
      values.set(key, value);
      link(key, value);
    },
    delete(key) {
      const old = values.get(key);
      if (old === undefined) return;
      unlink(key, old);
      values.delete(key);
    },
    all: () => values.values(),
    by(index, value) {
      const table = byName.get(index);
      if (!table) throw new Error(`no index "${index}"`);
      const found: T[] = [];
      for (const key of table.keys.get(value) ?? []) {
        const view = values.get(key);
        if (view !== undefined) found.push(view);
      }
      return found;
    },
  };
}
