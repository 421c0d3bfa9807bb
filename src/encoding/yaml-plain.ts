/**
 * Values of YAML without tags, anchors, aliases and merge keys, which is nearly all of it, made from the events of the parser. What the
 * library's constructor does besides takes it ten times as long as the parsing.
 */
import { EVENT_ID, SCALAR_STYLE, getScalarValue, type Event, type ScalarEvent } from "js-yaml";
import type { ScalarOf } from "./yaml-duplicates.ts";

export interface PlainYaml {
  /** Null for an empty document. */
  value: unknown;
  /** Has a mapping a key twice? The last one wins. */
  hasDuplicates: boolean;
}

/** A mapping or sequence that is not complete. */
type Open =
  | { list: unknown[] }
  | {
      map: Record<string, unknown>;
      /** The key whose value comes next. */
      key: string | undefined;
    };

/** What only the library's constructor knows to read, or to refuse in its own words. */
const NOT_PLAIN = Symbol("not plain");

/** Of the first document in these events; undefined where it is not that plain. */
export function plainYaml(text: string, events: readonly Event[], scalarOf: ScalarOf): PlainYaml | undefined {
  const open: Open[] = [];
  let result: unknown = null;
  let hasDuplicates = false;

  /** @returns false where the node is none that a plain document has at its place */
  function add(value: unknown, isMerge = false): boolean {
    const around = open.at(-1);
    if (around === undefined) {
      result = value;
    } else if ("list" in around) {
      around.list.push(value);
    } else if (around.key !== undefined) {
      around.map[around.key] = value;
      around.key = undefined;
    } else {
      const key = isMerge ? undefined : nameOf(value);
      if (key === undefined) return false;
      if (Object.hasOwn(around.map, key)) hasDuplicates = true;
      around.key = key;
    }
    return true;
  }

  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) continue;
    if (event.type === EVENT_ID.POP) {
      open.pop();
      continue;
    }
    if (event.type === EVENT_ID.ALIAS || event.anchorStart >= 0 || event.tagStart >= 0) return undefined;
    if (event.type === EVENT_ID.SCALAR) {
      const value = scalar(text, event, scalarOf);
      if (value === NOT_PLAIN || !add(value, value === "<<")) return undefined;
      continue;
    }
    const opened: Open = event.type === EVENT_ID.SEQUENCE ? { list: [] } : { map: {}, key: undefined };
    if (!add("list" in opened ? opened.list : opened.map)) return undefined;
    open.push(opened);
  }
  return { value: result, hasDuplicates };
}

function scalar(text: string, event: ScalarEvent, scalarOf: ScalarOf): unknown {
  const source = getScalarValue(text, event);
  if (event.style !== SCALAR_STYLE.PLAIN) return source;
  const value = scalarOf(source);
  return typeof value === "number" && !Number.isFinite(value) ? NOT_PLAIN : value;
}

/** Of a key; undefined for one that no member of an object can have. */
function nameOf(key: unknown): string | undefined {
  if (key === "__proto__") return undefined;
  if (typeof key === "string") return key;
  return typeof key === "boolean" || typeof key === "number" ? String(key) : undefined;
}
