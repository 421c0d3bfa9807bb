/**
 * A close reading of JSON text: finds the first fault of a text that is none, every member with its path, and integers that a double
 * cannot hold. JSON.parse does the ordinary work (encoding/json.ts); this reads what it lost or refused. Messages are those of Go's
 * encoding/json.
 */

/** Faults of the text itself. `message` is worded as Go words it. */
export class JsonSyntaxError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "JsonSyntaxError";
  }
}

/** Nesting deeper than this is refused; Go stops at 10,000, which is more than recursive code here could take. */
export const DEPTH_MAX = 1_000;

/** A number that a double cannot hold, as `JSON.rawJSON` makes it. */
export interface RawNumber {
  readonly rawJSON: string;
}

interface RawJson {
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}

// In V8 since 11.4 (Node 22, workerd), not yet in the ES2024 library.
const json = JSON as unknown as RawJson;

export function isRawNumber(value: unknown): value is RawNumber {
  return json.isRawJSON(value);
}

/** An object or list that is being read. Its path is put together when somebody asks: most are never asked for. */
export class Place {
  private readonly around: Place | undefined;
  /** The member or index it has in what is around it. */
  private readonly step: string | number;
  private known: string | undefined;

  constructor(around: Place | undefined, step: string | number) {
    this.around = around;
    this.step = step;
    if (around === undefined) this.known = "";
  }

  /** e.g. `spec.containers[0]`, "" for the whole. */
  get path(): string {
    return (this.known ??= this.around?.pathOf(this.step) ?? "");
  }

  pathOf(step: string | number): string {
    if (typeof step === "number") return `${this.path}[${step}]`;
    return this.path === "" ? step : `${this.path}.${step}`;
  }
}

export interface Member {
  /** The object that has it. */
  of: Place;
  key: string;
  /** Was there one of the same name before? */
  isDuplicate: boolean;
}

/** "into": its value is of interest, too; "over": it is not; "stop": nothing more is. */
export type Interest = "into" | "over" | "stop";

export interface JsonReading {
  visit?: (member: Member) => Interest;
  /** Make values: without this the text is only looked at. */
  builds?: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const DASH = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

const LITERALS = ["true", "false", "null"] as const;
const LITERAL_VALUES = { true: true, false: false, null: null } as const;

/** Is thrown by a scan that need not go on. */
const STOPPED = Symbol("stopped");

export class JsonScanner {
  /** Were there integers that a double cannot hold? Known only when values are built. */
  hasLargeNumbers = false;
  private readonly text: string;
  private readonly visit: JsonReading["visit"];
  private readonly builds: boolean;
  private at = 0;
  /** Members inside of a value that nobody is interested in are not visited. */
  private isOver = false;

  constructor(text: string, { visit, builds = false }: JsonReading = {}) {
    this.text = text;
    this.visit = visit;
    this.builds = builds;
  }

  /** The value, undefined unless it is built. @throws JsonSyntaxError at the first fault */
  read(): unknown {
    try {
      const value = this.value(undefined, "", 0);
      this.skipSpace();
      if (this.at < this.text.length) this.fail("after top-level value");
      return value;
    } catch (thrown) {
      if (thrown === STOPPED) return undefined;
      throw thrown;
    }
  }

  private skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at += 1;
    }
  }

  /** Goes behind the character where it is the next. */
  private ends(code: number): boolean {
    if (this.text.charCodeAt(this.at) !== code) return false;
    this.at += 1;
    return true;
  }

  private fail(where: string): never {
    if (this.at >= this.text.length) throw new JsonSyntaxError("unexpected end of JSON input");
    const char = String.fromCodePoint(this.text.codePointAt(this.at) ?? 0);
    throw new JsonSyntaxError(`invalid character ${quoted(char)} ${where}`);
  }

  private value(around: Place | undefined, step: string | number, depth: number): unknown {
    if (depth > DEPTH_MAX) throw new JsonSyntaxError("exceeded max depth");
    this.skipSpace();
    const code = this.text.charCodeAt(this.at);
    if (code === QUOTE) return this.string(this.builds);
    if (code === OPEN_BRACE) return this.object(around, step, depth);
    if (code === OPEN_BRACKET) return this.list(around, step, depth);
    if (code === DASH || (code >= ZERO && code <= NINE)) return this.number();
    return this.literal();
  }

  private object(around: Place | undefined, step: string | number, depth: number): unknown {
    const out: Record<string, unknown> | undefined = this.builds ? {} : undefined;
    this.at += 1;
    this.skipSpace();
    if (this.ends(CLOSE_BRACE)) return out;
    const place = new Place(around, step);
    const seen = this.visit && !this.isOver ? new Set<string>() : undefined;
    for (;;) {
      this.skipSpace();
      if (this.text.charCodeAt(this.at) !== QUOTE) this.fail("looking for beginning of object key string");
      const key = this.string(true) as string;
      const isOver = seen !== undefined && this.passesOver(place, key, seen);
      this.skipSpace();
      if (this.text.charCodeAt(this.at) !== COLON) this.fail("after object key");
      this.at += 1;
      if (isOver) this.isOver = true;
      const value = this.value(place, key, depth + 1);
      if (isOver) this.isOver = false;
      if (out) out[checked(key)] = value;
      this.skipSpace();
      const end = this.text.charCodeAt(this.at);
      if (end !== COMMA && end !== CLOSE_BRACE) this.fail("after object key:value pair");
      this.at += 1;
      if (end === CLOSE_BRACE) return out;
    }
  }

  private passesOver(of: Place, key: string, seen: Set<string>): boolean {
    const interest = this.visit?.({ of, key, isDuplicate: seen.has(key) });
    if (interest === "stop") throw STOPPED;
    seen.add(key);
    return interest === "over";
  }

  private list(around: Place | undefined, step: string | number, depth: number): unknown {
    const out: unknown[] | undefined = this.builds ? [] : undefined;
    this.at += 1;
    this.skipSpace();
    if (this.ends(CLOSE_BRACKET)) return out;
    const place = new Place(around, step);
    for (let index = 0; ; index += 1) {
      const item = this.value(place, index, depth + 1);
      out?.push(item);
      this.skipSpace();
      const end = this.text.charCodeAt(this.at);
      if (end !== COMMA && end !== CLOSE_BRACKET) this.fail("after array element");
      this.at += 1;
      if (end === CLOSE_BRACKET) return out;
    }
  }

  private string(wanted: boolean): unknown {
    const start = this.at;
    let isPlain = true;
    for (this.at += 1; ; this.at += 1) {
      const code = this.text.charCodeAt(this.at);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        isPlain = false;
        this.escape();
      } else if (!(code >= 0x20)) {
        this.fail("in string literal");
      }
    }
    this.at += 1;
    if (!wanted) return undefined;
    return isPlain ? this.text.slice(start + 1, this.at - 1) : JSON.parse(this.text.slice(start, this.at));
  }

  /** Ends on the last character of the escape. */
  private escape(): void {
    this.at += 1;
    const char = this.text.charAt(this.at);
    if (char === "" || !'"\\/bfnrtu'.includes(char)) this.fail("in string escape code");
    if (char !== "u") return;
    for (let digits = 0; digits < 4; digits += 1) {
      this.at += 1;
      if (!isHex(this.text.charCodeAt(this.at))) this.fail("in \\u hexadecimal character escape");
    }
  }

  private number(): unknown {
    const start = this.at;
    if (this.text.charCodeAt(this.at) === DASH) this.at += 1;
    if (this.text.charCodeAt(this.at) === ZERO) this.at += 1;
    else this.digits("in numeric literal");
    let isInteger = true;
    if (this.text.charCodeAt(this.at) === DOT) {
      isInteger = false;
      this.at += 1;
      this.digits("after decimal point in numeric literal");
    }
    if ((this.text.charCodeAt(this.at) | 0x20) === 0x65) {
      isInteger = false;
      this.at += 1;
      const sign = this.text.charCodeAt(this.at);
      if (sign === PLUS || sign === DASH) this.at += 1;
      this.digits("in exponent of numeric literal");
    }
    if (!this.builds) return undefined;
    const source = this.text.slice(start, this.at);
    const number = Number(source);
    if (!isInteger || Number.isSafeInteger(number)) return number;
    this.hasLargeNumbers = true;
    return json.rawJSON(source);
  }

  /** One at least. */
  private digits(where: string): void {
    const start = this.at;
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (!(code >= ZERO && code <= NINE)) break;
      this.at += 1;
    }
    if (this.at === start) this.fail(where);
  }

  private literal(): unknown {
    const literal = LITERALS.find((word) => word.charAt(0) === this.text.charAt(this.at));
    if (!literal) return this.fail("looking for beginning of value");
    for (const expected of literal) {
      if (this.text.charAt(this.at) !== expected) this.fail(`in literal ${literal} (expecting ${quoted(expected)})`);
      this.at += 1;
    }
    return this.builds ? LITERAL_VALUES[literal] : undefined;
  }
}

function isHex(code: number): boolean {
  return (code >= ZERO && code <= NINE) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
}

/** Names that later code must not meet. */
export function checked(key: string): string {
  if (key === "__proto__") throw new JsonSyntaxError('the member name "__proto__" is not allowed');
  return key;
}

/** As Go quotes a character in a message. */
function quoted(char: string): string {
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  if (char < " ") return `'\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}'`.replace("'\\x0a'", "'\\n'");
  return `'${char}'`;
}
