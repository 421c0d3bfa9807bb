/** Keys that a YAML mapping has twice, worded as Kubernetes' YAML decoder (go.yaml.in/yaml/v2, strict) words them. */
import { EVENT_ID, SCALAR_STYLE, getScalarValue, type Event, type ScalarEvent } from "js-yaml";
import { goQuote, goValue } from "../machinery/go-text.ts";
import { FAULTS_MAX } from "./json.ts";

/** What a plain scalar stands for. */
export type ScalarOf = (source: string) => unknown;

interface Open {
  /** The keys of a mapping so far; undefined for a sequence. */
  keys: Set<string> | undefined;
  /** The key whose value comes next. */
  key: string | undefined;
  /** Where the value of that key begins. */
  start: number;
}

/**
 * One text for each repeated key of the first document: `line 7: key "replicas" already set in map`. The line is that of the value;
 * what is wrong inside of a value comes before what is wrong with its key.
 */
export function duplicateKeyLines(text: string, events: readonly Event[], scalarOf: ScalarOf): string[] {
  const faults: string[] = [];
  const lineOf = lineCounter(text);
  const open: Open[] = [];

  /** A node is complete: a key, or the value of one. */
  function done(node: { key: () => string; start: number; endsAt: number }): void {
    const around = open.at(-1);
    if (!around?.keys) return;
    if (around.key === undefined) {
      around.key = node.key();
      around.start = node.endsAt;
      return;
    }
    if (around.keys.has(around.key)) {
      const start = node.start < 0 ? around.start : node.start;
      faults.push(`line ${lineOf(start)}: key ${shown(around.key)} already set in map`);
    }
    around.keys.add(around.key);
    around.key = undefined;
  }

  const starts: number[] = [];
  for (const event of events) {
    if (faults.length >= FAULTS_MAX) break;
    if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) {
      open.push({ keys: event.type === EVENT_ID.MAPPING ? new Set() : undefined, key: undefined, start: -1 });
      starts.push(startOf(text, event));
    } else if (event.type === EVENT_ID.SCALAR) {
      done({ key: () => keyOf(text, event, scalarOf), start: startOf(text, event), endsAt: event.valueEnd });
    } else if (event.type === EVENT_ID.ALIAS) {
      done({
        key: () => `${AS_IT_IS}*${text.slice(event.anchorStart, event.anchorEnd)}`,
        start: event.anchorStart,
        endsAt: event.anchorEnd,
      });
    } else if (event.type === EVENT_ID.POP) {
      if (open.length === 0) break;
      open.pop();
      const start = starts.pop() ?? -1;
      done({ key: () => `${AS_IT_IS}a collection`, start, endsAt: start });
    }
  }
  return faults;
}

function startOf(
  text: string,
  event: Exclude<Event, { type: typeof EVENT_ID.DOCUMENT | typeof EVENT_ID.POP }>,
): number {
  if (event.type === EVENT_ID.ALIAS) return event.anchorStart;
  const marks = [event.anchorStart, event.tagStart].filter((at) => at >= 0);
  if (event.type !== EVENT_ID.SCALAR) return Math.min(event.start, ...marks);
  const isBlock = event.style === SCALAR_STYLE.LITERAL_BLOCK || event.style === SCALAR_STYLE.FOLDED_BLOCK;
  // The content of a block begins on the line after its indicator.
  const content = isBlock ? text.lastIndexOf("\n", event.valueStart - 1) : event.valueStart;
  // Nothing at all stands where its key ends.
  if (event.valueStart === event.valueEnd && !isBlock && event.style === SCALAR_STYLE.PLAIN) return -1;
  return Math.min(content, ...marks);
}

/** How keys are kept that are no strings: as they are shown. Most are strings, which are quoted when they are told. */
const AS_IT_IS = "v";
const QUOTED = "s";

function shown(key: string): string {
  return key.startsWith(QUOTED) ? goQuote(key.slice(QUOTED.length)) : key.slice(AS_IT_IS.length);
}

/** Stands for `%#v` of the key. */
function keyOf(text: string, event: ScalarEvent, scalarOf: ScalarOf): string {
  const source = getScalarValue(text, event);
  const value = event.style === SCALAR_STYLE.PLAIN ? scalarOf(source) : source;
  if (typeof value === "string") return `${QUOTED}${value}`;
  return `${AS_IT_IS}${value === null ? "interface {}(nil)" : goValue(value)}`;
}

/** Lines count from 1; positions are asked for in any order. */
function lineCounter(text: string): (position: number) => number {
  const ends: number[] = [];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) ends.push(at);
  return (position) => {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}
