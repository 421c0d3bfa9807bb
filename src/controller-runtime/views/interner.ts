/** Keeps one copy of what many objects have in common. */

export interface Interner {
  /** The first value that was seen with this text (by default its JSON). */
  same: <T extends object>(value: T, text?: string) => T;
  text: (value: string) => string;
}

/** What is seen less often than others is forgotten: sharing is lost then, nothing else. */
const ENTRIES_MAX = 4_096;

export function createInterner(): Interner {
  const values = new Map<string, object>();
  const texts = new Map<string, string>();
  return {
    same: <T extends object>(value: T, text = JSON.stringify(value)) => recall(values, text, value) as T,
    text: (value) => recall(texts, value, value),
  };
}

/** The oldest half goes when it is full: an entry that is used is put back by its next use. */
function recall<T>(entries: Map<string, T>, key: string, value: T): T {
  const known = entries.get(key);
  if (known !== undefined) return known;
  if (entries.size >= ENTRIES_MAX) {
    let left = ENTRIES_MAX / 2;
    for (const old of entries.keys()) {
      if (left-- <= 0) break;
      entries.delete(old);
    }
  }
  entries.set(key, value);
  return value;
}
