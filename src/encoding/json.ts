/**
 * Lossless JSON: `JSON.parse` swallows duplicate members and rounds integers beyond 2^53. It still does the work here; a
 * cheap pass tells whether it lost anything, and only then a scanner of our own looks closer (json-scanner.ts).
 */
import { tooManyValues, VALUES_MAX } from "../machinery/object-limits.ts";
import { checked, DEPTH_MAX, JsonScanner, JsonSyntaxError } from "./json-scanner.ts";

export { isRawNumber, JsonSyntaxError, type RawNumber } from "./json-scanner.ts";

export interface ScannedJson {
  /** Integers beyond 2^53 are raw numbers (see isRawNumber), which JSON.stringify writes out unchanged. */
  value: unknown;
  /** Paths of members that occur more than once, e.g. `spec.containers[0].name`; the last one won. The first FAULTS_MAX of them. */
  duplicateFields: string[];
  /** Does the value hold raw numbers? */
  hasLargeNumbers: boolean;
}

/** Texts longer than this are measured before they are parsed: JSON.parse takes a second for a million brackets. */
const MEASURED_CHARACTERS = 32 * 1024;

/** Faults reported at most, unknown and duplicate fields together, as Kubernetes does. */
export const FAULTS_MAX = 100;

const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/**
 * @throws JsonSyntaxError when the text is not JSON, nests too deeply or has a member named `__proto__`
 * @throws StatusError "RequestEntityTooLarge" for more than VALUES_MAX values
 */
export function scanJson(input: string | Uint8Array): ScannedJson {
  const text = typeof input === "string" ? input : decoder.decode(input);
  const measured = text.length > MEASURED_CHARACTERS ? measure(text) : undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    new JsonScanner(text).read();
    // The scanner above throws on all that JSON.parse refuses; this is for what it would overlook.
    throw new JsonSyntaxError("invalid character in JSON");
  }
  const members = countMembers(value, 0);
  const duplicateFields = members === (measured ?? countKeys(text)) ? [] : duplicatesIn(text);
  if (!LONG_INTEGER.test(text)) return { value, duplicateFields, hasLargeNumbers: false };
  const scanner = new JsonScanner(text, { builds: true });
  const exact = scanner.read();
  return { value: exact, duplicateFields, hasLargeNumbers: scanner.hasLargeNumbers };
}

/** It may also stand in text: then a closer look finds nothing. */
const LONG_INTEGER = /(?:^|[[,:\s])-?[0-9]{16}/;

/**
 * Counts without parsing: a text that this lets through may be malformed. Returns the number of members.
 * @throws JsonSyntaxError, StatusError "RequestEntityTooLarge"
 */
function measure(text: string): number {
  let depth = 0;
  let values = 0;
  let members = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = stringEnd(text, at);
      if (at < 0) return members;
    } else if (code === COLON) {
      members += 1;
    } else if (code === COMMA) {
      values += 1;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      values += 1;
      depth += 1;
      if (depth > DEPTH_MAX) throw new JsonSyntaxError("exceeded max depth");
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth -= 1;
    }
  }
  if (values > VALUES_MAX) throw tooManyValues();
  return members;
}

/** Where the string that begins at `open` ends; -1 when it does not. */
function stringEnd(text: string, open: number): number {
  let close = text.indexOf('"', open + 1);
  while (close >= 0 && text.charCodeAt(close - 1) === BACKSLASH && isEscaped(text, close)) {
    close = text.indexOf('"', close + 1);
  }
  return close;
}

/** Members of all objects; refuses what later code must not meet. */
export function countMembers(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (depth >= DEPTH_MAX) throw new JsonSyntaxError("exceeded max depth");
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === "object") count += countMembers(item, depth + 1);
    return count;
  }
  const object = value as Record<string, unknown>;
  for (const key in object) {
    checked(key);
    count += 1;
    const member = object[key];
    if (typeof member === "object") count += countMembers(member, depth + 1);
  }
  return count;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Strings followed by a colon, in text that is known to be JSON: hops from quote to quote. */
function countKeys(text: string): number {
  let count = 0;
  for (let open = text.indexOf('"'); open >= 0;) {
    const close = stringEnd(text, open);
    let next = close + 1;
    while (text.charCodeAt(next) <= 0x20) next += 1;
    if (text.charCodeAt(next) === COLON) count += 1;
    open = text.charCodeAt(next) === QUOTE ? next : text.indexOf('"', next);
  }
  return count;
}

/** Is the character at `at` behind an odd number of backslashes? */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === BACKSLASH) before -= 1;
  return (at - before) % 2 === 0;
}

function duplicatesIn(text: string): string[] {
  const duplicates = new Set<string>();
  new JsonScanner(text, {
    visit({ of, key, isDuplicate }) {
      if (isDuplicate) duplicates.add(of.pathOf(key));
      return duplicates.size >= FAULTS_MAX ? "stop" : "into";
    },
  }).read();
  return [...duplicates];
}

/** `unknown field` and `duplicate field` as the text has them; nothing of what is inside of an unknown field counts. */
export interface FieldFault {
  kind: "unknown" | "duplicate";
  path: string;
}

/** Both kinds of faults in order of the document. `text` is valid JSON, `unknownFields` what decoding found in it. */
export function faultsInOrder(input: string | Uint8Array, unknownFields: readonly string[]): FieldFault[] {
  const text = typeof input === "string" ? input : decoder.decode(input);
  const unknown = new Set(unknownFields);
  // Most members can be told from unknown ones without their path.
  const lastWords = new Set(unknownFields.map(lastWord));
  const faults = new Map<string, FieldFault>();
  new JsonScanner(text, {
    visit({ of, key, isDuplicate }) {
      if (!isDuplicate && !lastWords.has(lastWord(key))) return "into";
      const path = of.pathOf(key);
      const isUnknown = unknown.has(path);
      if ((isUnknown || isDuplicate) && !faults.has(path)) {
        faults.set(path, { kind: isUnknown ? "unknown" : "duplicate", path });
      }
      if (faults.size >= FAULTS_MAX) return "stop";
      return isUnknown ? "over" : "into";
    },
  }).read();
  return [...faults.values()];
}

/** What is behind the last dot: a key may have dots of its own. */
function lastWord(text: string): string {
  return text.slice(text.lastIndexOf(".") + 1);
}
