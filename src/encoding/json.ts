/**
 * Lossless JSON: `JSON.parse` swallows duplicate members and rounds integers beyond 2^53. It still does the work here; a
 * cheap pass tells whether it lost anything, and only then a scanner of our own looks closer. Messages of malformed input are
 * those of Go's encoding/json.
 */

/** Faults of the text itself. `message` is worded as Go words it. */
export class JsonSyntaxError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "JsonSyntaxError";
  }
}

export interface ScannedJson {
  /** Integers beyond 2^53 are raw numbers (see isRawNumber), which JSON.stringify writes out unchanged. */
  value: unknown;
  /** Paths of members that occur more than once, e.g. `spec.containers[0].name`; the last one won. */
  duplicateFields: string[];
  /** Does the value hold raw numbers? */
  hasLargeNumbers: boolean;
}

/** Nesting deeper than this is refused; Go stops at 10,000, which is more than recursive code here could take. */
const DEPTH_MAX = 1_000;

/** Texts longer than this are checked for their depth first: JSON.parse takes a second for a million brackets. */
const DEPTH_CHECKED_CHARACTERS = 32 * 1024;

/** Faults reported at most, unknown and duplicate fields together, as Kubernetes does. */
export const FAULTS_MAX = 100;

/** A number that a double cannot hold, as `JSON.rawJSON` makes it. */
export interface RawNumber {
  readonly rawJSON: string;
}

interface RawJson {
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
}

// In V8 since 11.4 (Node 22, workerd), not yet in the ES2024 library.
const json = JSON as unknown as RawJson;

export function isRawNumber(value: unknown): value is RawNumber {
  return json.isRawJSON(value);
}

const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** @throws JsonSyntaxError when the text is not JSON, nests too deeply or has a member named `__proto__` */
export function scanJson(input: string | Uint8Array): ScannedJson {
  const text = typeof input === "string" ? input : decoder.decode(input);
  if (text.length > DEPTH_CHECKED_CHARACTERS) assertShallow(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    scanClosely(text, () => {});
    // The scanner above throws on all that JSON.parse refuses; this is for what it would overlook.
    throw new JsonSyntaxError("invalid character in JSON");
  }
  const members = countMembers(value, 0);
  const duplicateFields = members === countKeys(text) ? [] : duplicatesIn(text);
  // Sixteen digits in a row may as well be text: then the second parse changes nothing.
  if (!/[0-9]{16}/.test(text)) return { value, duplicateFields, hasLargeNumbers: false };
  let hasLargeNumbers = false;
  value = json.parse(text, (_key, member, { source }) => {
    if (typeof member !== "number" || Number.isSafeInteger(member) || source === undefined) return member;
    if (!/^-?[0-9]+$/.test(source)) return member;
    hasLargeNumbers = true;
    return json.rawJSON(source);
  });
  return { value, duplicateFields, hasLargeNumbers };
}

/** Counts brackets outside of strings. It is no parser: a text that it lets through may be malformed. @throws JsonSyntaxError */
function assertShallow(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = stringEnd(text, at);
      if (at < 0) return;
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > DEPTH_MAX) throw new JsonSyntaxError("exceeded max depth");
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1;
    }
  }
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
    if (key === "__proto__") throw new JsonSyntaxError('the member name "__proto__" is not allowed');
    count += 1;
    const member = object[key];
    if (typeof member === "object") count += countMembers(member, depth + 1);
  }
  return count;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

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

/** As Go quotes a character in a message. */
function quoted(char: string): string {
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  if (char < " ") return `'\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}'`.replace("'\\x0a'", "'\\n'");
  return `'${char}'`;
}

/** A string without any of these stands for itself; longer ones are read with care. */
// oxlint-disable-next-line no-control-regex -- controls are what JSON forbids in strings
const SPECIAL = /[\\\u0000-\u001f]/;
const PLAIN_CHARACTERS_MAX = 256;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERALS = ["true", "false", "null"] as const;

function duplicatesIn(text: string): string[] {
  const duplicates = new Set<string>();
  scanClosely(text, (path, isDuplicate) => {
    if (isDuplicate && duplicates.size < FAULTS_MAX) duplicates.add(path);
  });
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
  const faults = new Map<string, FieldFault>();
  let inside: string | undefined;
  scanClosely(text, (path, isDuplicate) => {
    if (inside !== undefined && (path.startsWith(`${inside}.`) || path.startsWith(`${inside}[`))) return;
    const isUnknown = unknown.has(path);
    inside = isUnknown ? path : undefined;
    if (!(isUnknown || isDuplicate) || faults.size >= FAULTS_MAX || faults.has(path)) return;
    faults.set(path, { kind: isUnknown ? "unknown" : "duplicate", path });
  });
  return [...faults.values()];
}

/** Reads the text character by character and calls `visit` for each member. @throws JsonSyntaxError at the first fault */
function scanClosely(text: string, visit: (path: string, isDuplicate: boolean) => void): void {
  let at = 0;

  function skipSpace(): void {
    while (at < text.length && " \t\r\n".includes(text.charAt(at))) at += 1;
  }

  function fail(where: string): never {
    if (at >= text.length) throw new JsonSyntaxError("unexpected end of JSON input");
    const char = String.fromCodePoint(text.codePointAt(at) ?? 0);
    throw new JsonSyntaxError(`invalid character ${quoted(char)} ${where}`);
  }

  function readValue(path: string, depth: number): void {
    if (depth > DEPTH_MAX) throw new JsonSyntaxError("exceeded max depth");
    skipSpace();
    const char = text.charAt(at);
    if (char === "{") readObject(path, depth);
    else if (char === "[") readArray(path, depth);
    else if (char === '"') readString();
    else if (char === "-" || (char >= "0" && char <= "9")) readNumber();
    else readLiteral();
  }

  function readObject(path: string, depth: number): void {
    const seen = new Set<string>();
    at += 1;
    skipSpace();
    if (text.charAt(at) === "}") return void (at += 1);
    for (;;) {
      skipSpace();
      if (text.charAt(at) !== '"') fail("looking for beginning of object key string");
      const key = readString();
      const memberPath = path === "" ? key : `${path}.${key}`;
      visit(memberPath, seen.has(key));
      seen.add(key);
      skipSpace();
      if (text.charAt(at) !== ":") fail("after object key");
      at += 1;
      readValue(memberPath, depth + 1);
      skipSpace();
      const end = text.charAt(at);
      if (end !== "," && end !== "}") fail("after object key:value pair");
      at += 1;
      if (end === "}") return;
    }
  }

  function readArray(path: string, depth: number): void {
    at += 1;
    skipSpace();
    if (text.charAt(at) === "]") return void (at += 1);
    for (let index = 0; ; index += 1) {
      readValue(`${path}[${index}]`, depth + 1);
      skipSpace();
      const end = text.charAt(at);
      if (end !== "," && end !== "]") fail("after array element");
      at += 1;
      if (end === "]") return;
    }
  }

  function readString(): string {
    const start = at;
    at += 1;
    const end = text.indexOf('"', at);
    const plain = end < 0 || end - at > PLAIN_CHARACTERS_MAX ? undefined : text.slice(at, end);
    if (plain !== undefined && !SPECIAL.test(plain)) {
      at = end + 1;
      return plain;
    }
    for (;;) {
      const char = text.charAt(at);
      if (char === "" || char < " ") fail("in string literal");
      at += 1;
      if (char === '"') return JSON.parse(text.slice(start, at)) as string;
      if (char === "\\") readEscape();
    }
  }

  function readEscape(): void {
    const char = text.charAt(at);
    if (char === "" || !'"\\/bfnrtu'.includes(char)) fail("in string escape code");
    at += 1;
    if (char !== "u") return;
    for (let digits = 0; digits < 4; digits += 1, at += 1) {
      if (!/^[0-9a-fA-F]$/.test(text.charAt(at))) fail("in \\u hexadecimal character escape");
    }
  }

  function readNumber(): void {
    NUMBER.lastIndex = at;
    const found = NUMBER.exec(text);
    if (!found) {
      at += 1;
      fail("in numeric literal");
    }
    at += found[0].length;
    const next = text.charAt(at);
    if (next === ".") {
      at += 1;
      fail("after decimal point in numeric literal");
    }
    if (next === "e" || next === "E") {
      at += 1;
      fail("in exponent of numeric literal");
    }
  }

  function readLiteral(): void {
    const literal = LITERALS.find((word) => word.charAt(0) === text.charAt(at));
    if (!literal) return fail("looking for beginning of value");
    for (const expected of literal) {
      if (text.charAt(at) !== expected) fail(`in literal ${literal} (expecting ${quoted(expected)})`);
      at += 1;
    }
  }

  readValue("", 0);
  skipSpace();
  if (at < text.length) fail("after top-level value");
}
