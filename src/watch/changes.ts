/** What an entry of the log is to one watcher, and its text, which all watchers who see it alike share. */
import { matchesFields, matchesLabels } from "../machinery/selectors.ts";
import { StatusError } from "../machinery/status-error.ts";
import type { LogEntry, Selector } from "../storage/storage.ts";
import { renderObject, type Head, type Present } from "../storage/stored-value.ts";

/** What a watcher wants to see. */
export interface Interest {
  resource: string;
  namespace?: string;
  selector: Selector;
}

export type ChangeType = "ADDED" | "MODIFIED" | "DELETED";

export interface Change {
  type: ChangeType;
  /** Of the object to show, as it is stored. */
  value: string;
  form: string;
}

/**
 * An object that begins to match is an ADDED, one that stops matching a DELETED with its last matching state. Undefined: nothing
 * that this watcher should see. The resource is the caller's to check.
 */
export function changeFor({ namespace, selector }: Interest, entry: LogEntry): Change | undefined {
  if (namespace !== undefined && namespace !== entry.namespace) return undefined;
  const { type, value, form, before } = entry;
  if (selector.labels.length === 0 && selector.fields.length === 0) return { type, value, form };
  const matchedBefore = before !== undefined && matches(selector, { ...before, ...keyOf(entry) });
  if (type === "DELETED") return matchedBefore ? { type, value, form } : undefined;
  const matchesNow = matches(selector, entry);
  if (matchesNow) return { type: matchedBefore ? "MODIFIED" : "ADDED", value, form };
  if (!matchedBefore) return undefined;
  return { type: "DELETED", value: before.value ?? value, form: before.form ?? form };
}

interface Selectable {
  namespace: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  fields: Readonly<Record<string, string>>;
}

function keyOf({ namespace, name }: LogEntry): { namespace: string; name: string } {
  return { namespace, name };
}

function matches(selector: Selector, object: Selectable): boolean {
  return (
    matchesLabels(selector.labels, object.labels) &&
    matchesFields(selector.fields, (field) => {
      if (field === "metadata.name") return object.name;
      if (field === "metadata.namespace") return object.namespace;
      return object.fields[field] ?? "";
    })
  );
}

/** Different heads and transitions of one entry that are kept; a cluster's watchers rarely need more than two. */
const TEXTS_MAX = 4;
const ENTRY_OVERHEAD_BYTES = 500;
const encoder = new TextEncoder();

/** An entry with the lines it was encoded to. */
export class SharedEntry {
  readonly entry: LogEntry;
  /** About what this costs in memory, once it has been encoded. */
  readonly sizeBytes: number;
  readonly #texts = new Map<string, Uint8Array>();

  constructor(entry: LogEntry) {
    this.entry = entry;
    this.sizeBytes = 2 * entry.value.length + (entry.before?.value?.length ?? 0) + ENTRY_OVERHEAD_BYTES;
  }

  /** The line a watcher with this head gets. Never change the bytes: others hold them too. */
  lineFor({ type, value, form }: Change, head: Head, present: Present | undefined): Uint8Array {
    const key = `${type}${head}`;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const { resource, revision } = this.entry;
    const served = present ? present({ resource, revision, form, value }, { head }) : value;
    const line = encoder.encode(`{"type":"${type}","object":${renderObject(served, revision, head)}}\n`);
    if (this.#texts.size < TEXTS_MAX) this.#texts.set(key, line);
    return line;
  }
}

const unreadable = new StatusError("InternalError", "Internal error occurred: a stored object cannot be decrypted");
/** The last line of a watch that meets a value which cannot be decrypted: its client lists again, and is told by that. */
export const UNREADABLE_LINE = encoder.encode(`${JSON.stringify({ type: "ERROR", object: unreadable.toStatus() })}\n`);

export function bookmarkLine(revision: number, head: Head): Uint8Array {
  return encoder.encode(`{"type":"BOOKMARK","object":{${head}"metadata":{"resourceVersion":"${revision}"}}}\n`);
}
