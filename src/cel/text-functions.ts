/** Functions of texts: cel-go's ext/strings and the regular expressions of Kubernetes' library. */
import { goQuote } from "../machinery/go-text.ts";
import { compileRegexp, findRegexp, RegexpLimitError, testRegexp, type RegexpProgram } from "../regexp/match.ts";
import { parseRegexp, RegexpError } from "../regexp/parse.ts";
import {
  Duration,
  Fault,
  isSequence,
  itemsIn,
  sequence,
  textOf,
  Timestamp,
  Uint,
  type Sequence,
  type Value,
} from "./values.ts";

/** What a text may become by repetition. */
const TEXT_CHARACTERS_MAX = 10_000_000;

export function matchesText(text: string, pattern: string): Value {
  return withRegexp(pattern, (program) => testRegexp(program, text));
}

/** What an expression finds in a text, at most `limit` times; all where that is negative. */
function foundIn(text: string, pattern: Value | undefined, limit: number): string[] | Fault | undefined {
  if (typeof pattern !== "string") return undefined;
  const found = withRegexp(pattern, (program) => findRegexp(program, text, limit));
  return found instanceof Fault ? new Fault(`Illegal regex: ${found.message}`) : found;
}

function withRegexp<T>(pattern: string, use: (program: RegexpProgram) => T): T | Fault {
  try {
    return use(compileRegexp(parseRegexp(pattern)));
  } catch (error) {
    if (error instanceof RegexpError || error instanceof RegexpLimitError) return new Fault(error.message);
    throw error;
  }
}

function number(value: Value | undefined): number | undefined {
  return typeof value === "bigint" ? Number(value) : undefined;
}

/** Positions count characters. */
function chars(text: string): string[] {
  return Array.from(text);
}

function indexOf(text: string, part: string, from: number | undefined, isLast: boolean): Value {
  const [all, wanted] = [chars(text), chars(part)];
  if (from !== undefined && (from < 0 || from > all.length)) return new Fault(`index out of range: ${from}`);
  const fits = (at: number): boolean => wanted.every((char, index) => all[at + index] === char);
  const last = all.length - wanted.length;
  if (isLast) {
    for (let at = Math.min(from ?? last, last); at >= 0; at -= 1) if (fits(at)) return BigInt(at);
  } else for (let at = from ?? 0; at <= last; at += 1) if (fits(at)) return BigInt(at);
  return -1n;
}

function replace(text: string, what: string, by: string, times: number | undefined): Value {
  const limit = times === undefined || times < 0 ? Infinity : times;
  if (limit === 0) return text;
  const parts = what === "" ? ["", ...chars(text), ""] : text.split(what);
  if (parts.length * by.length + text.length > TEXT_CHARACTERS_MAX) return new Fault("text too large");
  let result = "";
  parts.forEach((part, index) => {
    result += part;
    if (index < parts.length - 1) result += index < limit ? by : what;
  });
  return result;
}

function split(text: string, by: string, limit: number | undefined): Value {
  if (limit === 0) return sequence([]);
  const parts = by === "" ? chars(text) : text.split(by);
  if (limit === undefined || limit < 0 || parts.length <= limit) return sequence(parts);
  return sequence([...parts.slice(0, limit - 1), parts.slice(limit - 1).join(by)]);
}

function substring(text: string, start: number, end: number | undefined): Value {
  const all = chars(text);
  const stop = end ?? all.length;
  if (start < 0 || start > all.length) return new Fault(`index out of range: ${start}`);
  if (stop < 0 || stop > all.length) return new Fault(`index out of range: ${stop}`);
  return start > stop
    ? new Fault(`invalid substring range. start: ${start}, end: ${stop}`)
    : all.slice(start, stop).join("");
}

function join(list: Sequence, by: string): Value {
  const items = itemsIn(list);
  if (!items.every((item): item is string => typeof item === "string")) return new Fault("no such overload");
  return items.join(by);
}

/** `%s`, `%d`, `%f`, `%.2f`, `%e`, `%b`, `%x`, `%X`, `%o`, `%%`. */
function format(pattern: string, args: Sequence): Value {
  const values = itemsIn(args);
  let next = 0;
  let fault: Fault | undefined;
  const result = pattern.replace(/%(?:\.(\d{1,3}))?([a-zA-Z%])/g, (_, digits: string | undefined, verb: string) => {
    if (verb === "%") return "%";
    const value = values[next];
    next += 1;
    const text = value === undefined ? undefined : formatted(value, verb, digits === undefined ? 6 : Number(digits));
    if (text === undefined)
      fault ??= new Fault(
        value === undefined ? `index ${next - 1} out of range` : `could not parse formatting clause: %${verb}`,
      );
    return text ?? "";
  });
  return fault ?? result;
}

function formatted(value: Value, verb: string, digits: number): string | undefined {
  const integer = value instanceof Uint ? value.value : typeof value === "bigint" ? value : undefined;
  switch (verb) {
    case "s":
      return display(value);
    case "d":
      return integer === undefined ? undefined : String(integer);
    case "b":
      return typeof value === "boolean" ? String(Number(value)) : integer?.toString(2);
    case "o":
      return integer?.toString(8);
    case "x":
    case "X": {
      const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
      const text =
        bytes instanceof Uint8Array
          ? Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
          : integer?.toString(16);
      return verb === "X" ? text?.toUpperCase() : text;
    }
    case "f":
      return typeof value === "number" ? value.toFixed(Math.min(digits, 100)) : undefined;
    case "e":
      return typeof value === "number"
        ? value.toExponential(Math.min(digits, 100)).replace(/e([+-])(\d)$/, "e$10$2")
        : undefined;
    default:
      return undefined;
  }
}

function display(value: Value): string | undefined {
  if (value === null) return "null";
  if (isSequence(value))
    return `[${itemsIn(value)
      .map((item) => display(item) ?? "")
      .join(", ")}]`;
  if (value instanceof Duration || value instanceof Timestamp) return textOf(value);
  return textOf(value);
}

type TextFunction = (text: string, ...args: Value[]) => Value | undefined;

/** Their target is a text. */
export const TEXT_FUNCTIONS: Readonly<Record<string, TextFunction | undefined>> = {
  find(text, pattern) {
    const found = foundIn(text, pattern, 1);
    return Array.isArray(found) ? (found[0] ?? "") : found;
  },
  findAll(text, pattern, limit = -1n) {
    const found = typeof limit === "bigint" ? foundIn(text, pattern, Number(limit)) : undefined;
    return Array.isArray(found) ? sequence(found) : found;
  },
  charAt: (text, at) => {
    const all = chars(text);
    const index = number(at) ?? -1;
    return index < 0 || index > all.length ? new Fault(`index out of range: ${index}`) : (all[index] ?? "");
  },
  indexOf: (text, part, from) => (typeof part === "string" ? indexOf(text, part, number(from), false) : undefined),
  lastIndexOf: (text, part, from) => (typeof part === "string" ? indexOf(text, part, number(from), true) : undefined),
  lowerAscii: (text) => text.replace(/[A-Z]+/g, (part) => part.toLowerCase()),
  upperAscii: (text) => text.replace(/[a-z]+/g, (part) => part.toUpperCase()),
  replace: (text, what, by, times) =>
    typeof what === "string" && typeof by === "string" ? replace(text, what, by, number(times)) : undefined,
  split: (text, by, limit) => (typeof by === "string" ? split(text, by, number(limit)) : undefined),
  substring: (text, start, end) => {
    const from = number(start);
    return from === undefined ? undefined : substring(text, from, number(end));
  },
  trim: (text) => text.trim(),
  format: (text, args) => (args !== undefined && isSequence(args) ? format(text, args) : undefined),
  "strings.quote": (text) => goQuote(text),
  "jsonpatch.escapeKey": (text) => text.replaceAll("~", "~0").replaceAll("/", "~1"),
};

export { join as joinTexts };
