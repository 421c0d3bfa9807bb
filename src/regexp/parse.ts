/**
 * Regular expressions as Go's regexp/syntax reads them (RE2 syntax with Perl's extensions), with its messages: what schemas and
 * expressions hold was written for that engine, and JavaScript's accepts other things. No expression is ever given to JavaScript's.
 */
import { folded, perlClass, posixClass, unicodeClass, type CharTest } from "./char-class.ts";

export type RegexpNode =
  | { op: "empty" }
  | { op: "char"; test: CharTest }
  | { op: "assert"; what: "text-start" | "text-end" | "line-start" | "line-end" | "word" | "not-word" }
  | { op: "concat" | "alternate"; parts: RegexpNode[] }
  /** Lazy: as few as possible are tried first. */
  | { op: "repeat"; part: RegexpNode; min: number; max: number; lazy: boolean };

/** `message` is Go's, e.g. "error parsing regexp: missing closing ): `(a`". */
export class RegexpError extends Error {
  constructor(code: string, expression: string) {
    super(`error parsing regexp: ${code}: \`${expression}\``);
    this.name = "RegexpError";
  }
}

const DEPTH_MAX = 1000;
const REPEAT_MAX = 1000;

interface Flags {
  fold: boolean;
  multiLine: boolean;
  dotAll: boolean;
  /** What is greedy is lazy, and the other way round. */
  ungreedy: boolean;
}

/** Captures are not kept. @throws RegexpError */
export function parseRegexp(pattern: string): RegexpNode {
  return new RegexpParser(pattern).parse();
}

class RegexpParser {
  private readonly text: string;
  private at = 0;
  private depth = 0;
  private flags: Flags = { fold: false, multiLine: false, dotAll: false, ungreedy: false };
  /** Where the repetition began that ended just here; -1 where none did. */
  private lastRepeat = -1;
  private readonly lastPosixEnd: number;

  constructor(text: string) {
    this.text = text;
    this.lastPosixEnd = text.lastIndexOf(":]");
  }

  parse(): RegexpNode {
    const node = this.alternation();
    if (this.at < this.text.length) throw new RegexpError("unexpected )", this.text);
    return node;
  }

  /** Up to the end or a closing parenthesis, which stays. */
  private alternation(): RegexpNode {
    const branches: RegexpNode[] = [];
    let parts: RegexpNode[] = [];
    while (this.at < this.text.length && this.text[this.at] !== ")") {
      if (this.text[this.at] === "|") {
        this.at += 1;
        this.lastRepeat = -1;
        branches.push(concat(parts));
        parts = [];
      } else this.item(parts);
    }
    branches.push(concat(parts));
    return branches.length === 1 && branches[0] ? branches[0] : { op: "alternate", parts: branches };
  }

  private item(parts: RegexpNode[]): void {
    const char = this.text[this.at] ?? "";
    const repeated = "*+?".includes(char) ? this.simpleRepeat(char) : char === "{" ? this.countedRepeat() : undefined;
    if (repeated) {
      this.repeat(parts, repeated);
      return;
    }
    this.lastRepeat = -1;
    if (char === "(") this.group(parts);
    else if (char === "[") parts.push(this.charClass());
    else if (char === "\\") this.backslash(parts);
    else if (char === "^") parts.push(this.assertion(1, this.flags.multiLine ? "line-start" : "text-start"));
    else if (char === "$") parts.push(this.assertion(1, this.flags.multiLine ? "line-end" : "text-end"));
    else if (char === ".") {
      this.at += 1;
      parts.push({ op: "char", test: this.flags.dotAll ? () => true : (code) => code !== 10 });
    } else parts.push(this.literal(this.next()));
  }

  private assertion(length: number, what: Extract<RegexpNode, { op: "assert" }>["what"]): RegexpNode {
    this.at += length;
    return { op: "assert", what };
  }

  private next(): number {
    const code = this.text.codePointAt(this.at) ?? 0;
    this.at += code > 0xffff ? 2 : 1;
    return code;
  }

  private literal(code: number): RegexpNode {
    const test = (other: number): boolean => other === code;
    return { op: "char", test: this.flags.fold ? folded(test) : test };
  }

  private simpleRepeat(char: string): { min: number; max: number; end: number } {
    return { min: char === "+" ? 1 : 0, max: char === "?" ? 1 : Infinity, end: this.at + 1 };
  }

  /** undefined: the brace is a literal. */
  private countedRepeat(): { min: number; max: number; end: number } | undefined {
    const counted = /^\{(0|[1-9]\d*)(,(0|[1-9]\d*)?)?\}/.exec(this.text.slice(this.at, this.at + 64));
    if (!counted) return undefined;
    const end = this.at + counted[0].length;
    const min = Number(counted[1]);
    const max = counted[2] === undefined ? min : counted[3] === undefined ? Infinity : Number(counted[3]);
    if (min > REPEAT_MAX || (max !== Infinity && max > REPEAT_MAX) || min > max) {
      throw new RegexpError("invalid repeat count", counted[0]);
    }
    return { min, max, end };
  }

  private repeat(parts: RegexpNode[], { min, max, end }: { min: number; max: number; end: number }): void {
    const start = this.at;
    const marked = this.text[end] === "?";
    this.at = marked ? end + 1 : end;
    if (this.lastRepeat >= 0) {
      throw new RegexpError("invalid nested repetition operator", this.text.slice(this.lastRepeat, this.at));
    }
    const part = parts.pop();
    const shown = this.text.slice(start, this.at);
    if (!part) throw new RegexpError("missing argument to repetition operator", shown);
    const node: RegexpNode = { op: "repeat", part, min, max, lazy: marked !== this.flags.ungreedy };
    const isMany = this.text[start] === "{" && (min >= 2 || max >= 2);
    if (isMany && !repeatFits(node, REPEAT_MAX)) throw new RegexpError("invalid repeat count", shown);
    parts.push(node);
    this.lastRepeat = start;
  }

  private group(parts: RegexpNode[]): void {
    const before = this.flags;
    if (this.text[this.at + 1] === "?") {
      if (!this.perlGroup()) return;
    } else this.at += 1;
    this.depth += 1;
    if (this.depth > DEPTH_MAX) throw new RegexpError("expression nests too deeply", this.text);
    const inner = this.alternation();
    if (this.at >= this.text.length) throw new RegexpError("missing closing )", this.text);
    this.at += 1;
    this.depth -= 1;
    this.flags = before;
    this.lastRepeat = -1;
    parts.push(inner);
  }

  /** After `(?`. False where it only changed flags. */
  private perlGroup(): boolean {
    const rest = this.text.slice(this.at);
    if (/^\(\?P<./s.test(rest) || /^\(\?<./s.test(rest)) {
      const end = rest.indexOf(">");
      if (end < 0) throw new RegexpError("invalid named capture", rest);
      const capture = rest.slice(0, end + 1);
      if (!/^\(\?P?<[A-Za-z0-9_]+>$/.test(capture)) throw new RegexpError("invalid named capture", capture);
      this.at += capture.length;
      return true;
    }
    const flags = /^\(\?([imsU]*)(-[imsU]+)?([:)])/.exec(rest);
    if (!flags) {
      const bad = /^\(\?[imsU]*(?:-[imsU]*)?[^]?/u.exec(rest)?.[0] ?? rest;
      throw new RegexpError("invalid or unsupported Perl syntax", bad);
    }
    const [all, on = "", off = "", end] = flags;
    this.at += all.length;
    const has = (letter: string, now: boolean): boolean => (on.includes(letter) || now) && !off.includes(letter);
    const { fold, multiLine, dotAll, ungreedy } = this.flags;
    this.flags = {
      fold: has("i", fold),
      multiLine: has("m", multiLine),
      dotAll: has("s", dotAll),
      ungreedy: has("U", ungreedy),
    };
    return end === ":";
  }

  private backslash(parts: RegexpNode[]): void {
    const letter = this.text[this.at + 1] ?? "";
    if (letter === "A") parts.push(this.assertion(2, "text-start"));
    else if (letter === "z") parts.push(this.assertion(2, "text-end"));
    else if (letter === "b") parts.push(this.assertion(2, "word"));
    else if (letter === "B") parts.push(this.assertion(2, "not-word"));
    else if (letter === "Q") this.quoted(parts);
    else {
      const test = this.classEscape();
      parts.push(test ? { op: "char", test: this.flags.fold ? folded(test) : test } : this.literal(this.escape()));
    }
  }

  /** `\Q…\E`. */
  private quoted(parts: RegexpNode[]): void {
    const end = this.text.indexOf("\\E", this.at);
    const stop = end < 0 ? this.text.length : end;
    this.at += 2;
    while (this.at < stop) parts.push(this.literal(this.next()));
    this.at = end < 0 ? stop : stop + 2;
  }

  /** `\d`, `\pL`, `\p{Greek}` …; undefined where the escape is a single character. */
  private classEscape(): CharTest | undefined {
    const letter = this.text[this.at + 1] ?? "";
    if (letter === "p" || letter === "P") return this.unicodeEscape(letter === "P");
    const perl = letter === "" ? undefined : perlClass(letter);
    if (perl) this.at += 2;
    return perl;
  }

  private unicodeEscape(negated: boolean): CharTest {
    const start = this.at;
    this.at += 2;
    let name: string;
    if (this.text[this.at] === "{") {
      const end = this.text.indexOf("}", this.at);
      if (end < 0) throw new RegexpError("invalid character class range", this.text.slice(start));
      name = this.text.slice(this.at + 1, end);
      this.at = end + 1;
    } else name = this.at < this.text.length ? String.fromCodePoint(this.next()) : "";
    const test = unicodeClass(name, negated);
    if (!test) throw new RegexpError("invalid character class range", this.text.slice(start, this.at));
    return test;
  }

  private escape(): number {
    const rest = this.text.slice(this.at, this.at + 16);
    if (rest.length === 1) throw new RegexpError("trailing backslash at end of expression", "");
    const octal = /^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
    if (octal) return this.escaped(octal[0], parseInt(octal[1] ?? "", 8));
    const hex = /^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})/.exec(rest);
    const code = hex ? parseInt(hex[1] ?? hex[2] ?? "", 16) : NaN;
    if (hex && code <= 0x10ffff) return this.escaped(hex[0], code);
    const control = "afnrtv".indexOf(rest[1] ?? "");
    if (control >= 0) return this.escaped(rest.slice(0, 2), [7, 12, 10, 13, 9, 11][control] ?? 0);
    if (rest.charCodeAt(1) < 0x80 && !/^\\[0-9A-Za-z]/.test(rest)) {
      return this.escaped(rest.slice(0, 2), rest.charCodeAt(1));
    }
    const bad =
      tooLarge(rest) ?? /^\\x(?:\{[0-9A-Fa-f]*[^]?|[^][^]?)/u.exec(rest)?.[0] ?? /^\\[^]/u.exec(rest)?.[0] ?? rest;
    throw new RegexpError("invalid escape sequence", bad);
  }

  private escaped(sequence: string, code: number): number {
    this.at += sequence.length;
    return code;
  }

  private charClass(): RegexpNode {
    const start = this.at;
    this.at += 1;
    const negated = this.text[this.at] === "^";
    if (negated) this.at += 1;
    const tests: CharTest[] = [];
    for (let first = true; this.text[this.at] !== "]" || first; first = false) tests.push(this.classMember(start));
    this.at += 1;
    const any = (code: number): boolean => tests.some((test) => test(code));
    const member = this.flags.fold ? folded(any) : any;
    return { op: "char", test: negated ? (code) => !member(code) : member };
  }

  private classMember(start: number): CharTest {
    if (this.text.startsWith("[:", this.at) && this.at + 2 <= this.lastPosixEnd) return this.posixMember();
    const escape = this.text[this.at] === "\\" ? this.classEscape() : undefined;
    if (escape) return escape;
    const from = this.at;
    const low = this.classChar(start);
    if (this.text[this.at] !== "-" || this.at + 1 >= this.text.length || this.text[this.at + 1] === "]") {
      return (code) => code === low;
    }
    this.at += 1;
    const high = this.classChar(start);
    if (high < low) throw new RegexpError("invalid character class range", this.text.slice(from, this.at));
    return (code) => code >= low && code <= high;
  }

  private posixMember(): CharTest {
    const end = this.text.indexOf(":]", this.at + 2);
    const test = posixClass(this.text.slice(this.at + 2, end));
    const shown = this.text.slice(this.at, end + 2);
    if (!test) throw new RegexpError("invalid character class range", shown);
    this.at = end + 2;
    return test;
  }

  private classChar(start: number): number {
    if (this.at >= this.text.length) throw new RegexpError("missing closing ]", this.text.slice(start));
    return this.text[this.at] === "\\" ? this.escape() : this.next();
  }
}

function concat(parts: RegexpNode[]): RegexpNode {
  if (parts.length === 1 && parts[0]) return parts[0];
  return parts.length === 0 ? { op: "empty" } : { op: "concat", parts };
}

/** Nested counts multiply: together they stay below a bound. */
function repeatFits(node: RegexpNode, left: number): boolean {
  if (node.op === "repeat") {
    const times = node.max === Infinity ? node.min : node.max;
    if (times > left) return false;
    return node.max === 0 || repeatFits(node.part, times > 1 ? Math.floor(left / times) : left);
  }
  return "parts" in node ? node.parts.every((part) => repeatFits(part, left)) : true;
}

/** Of `\x{110000}`, up to the digit that makes it too large for a code point. */
function tooLarge(text: string): string | undefined {
  const digits = /^\\x\{([0-9A-Fa-f]+)/.exec(text)?.[1] ?? "";
  for (let length = 1; length <= digits.length; length += 1) {
    if (parseInt(digits.slice(0, length), 16) > 0x10ffff) return text.slice(0, 3 + length);
  }
  return undefined;
}
