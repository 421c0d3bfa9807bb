/** Stored objects that plugins look up, by key ("namespace/name", or "name"). */
import { keyOf, type View } from "../controller-runtime/views/view.ts";

export interface Table<T extends View> {
  readonly size: number;
  get(key: string): T | undefined;
  all(): Iterable<T>;
  set(view: T): void;
  remove(key: string): void;
}

/** `changed` is called after each change. */
export function createTable<T extends View>(
  changed: (before: T | undefined, after: T | undefined) => void = () => {},
): Table<T> {
  const views = new Map<string, T>();
  return {
    get size() {
      return views.size;
    },
    get: (key) => views.get(key),
    all: () => views.values(),
    set(view) {
      const key = keyOf(view.metadata);
      const before = views.get(key);
      views.set(key, view);
      changed(before, view);
    },
    remove(key) {
      const before = views.get(key);
      if (before === undefined) return;
      views.delete(key);
      changed(before, undefined);
    },
  };
}
