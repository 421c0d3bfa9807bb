/**
 * Matching in time linear in the text: all states of the expression are followed at once (Thompson, Pike), as Go's regexp does. A hostile
 * expression costs its size times the text's, and that product is bounded.
 */
import type { RegexpNode } from "./parse.ts";

type Instruction =
  | { op: "char"; test: (codePoint: number) => boolean }
  | { op: "assert"; what: Extract<RegexpNode, { op: "assert" }>["what"] }
  /** To `to` as well as to what follows, and there first unless it is lazy. */
  | { op: "split"; to: number; lazy: boolean }
  | { op: "jump"; to: number }
  | { op: "match" };

export interface RegexpProgram {
  readonly instructions: readonly Instruction[];
}

/** The expression, or expression and text together, are too large. */
export class RegexpLimitError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RegexpLimitError";
  }
}

const INSTRUCTIONS_MAX = 20_000;
const STEPS_MAX = 2_000_000;

/** @throws RegexpLimitError when counted repetitions make it too large */
export function compileRegexp(node: RegexpNode): RegexpProgram {
  const instructions: Instruction[] = [];
  emit(node, instructions);
  instructions.push({ op: "match" });
  return { instructions };
}

function emit(node: RegexpNode, into: Instruction[]): void {
  if (into.length > INSTRUCTIONS_MAX) throw new RegexpLimitError("expression too large");
  switch (node.op) {
    case "empty":
      return;
    case "char":
    case "assert":
      into.push(node);
      return;
    case "concat":
      for (const part of node.parts) emit(part, into);
      return;
    case "alternate":
      emitAlternatives(node.parts, into);
      return;
    default:
      emitRepeat(node, into);
  }
}

function emitAlternatives(parts: readonly RegexpNode[], into: Instruction[]): void {
  const jumps: { op: "jump"; to: number }[] = [];
  parts.forEach((part, index) => {
    if (index === parts.length - 1) {
      emit(part, into);
      return;
    }
    const split = { op: "split" as const, to: 0, lazy: false };
    const jump = { op: "jump" as const, to: 0 };
    into.push(split);
    emit(part, into);
    into.push(jump);
    jumps.push(jump);
    split.to = into.length;
  });
  for (const jump of jumps) jump.to = into.length;
}

function emitRepeat({ part, min, max, lazy }: Extract<RegexpNode, { op: "repeat" }>, into: Instruction[]): void {
  if (max === Infinity) {
    for (let count = 1; count < min; count += 1) emit(part, into);
    if (min === 0) emitAnyNumber(part, lazy, into);
    else emitPlus(part, lazy, into);
    return;
  }
  for (let count = 0; count < min; count += 1) emit(part, into);
  const splits: { op: "split"; to: number; lazy: boolean }[] = [];
  for (let count = min; count < max; count += 1) {
    const split = { op: "split" as const, to: 0, lazy };
    splits.push(split);
    into.push(split);
    emit(part, into);
  }
  for (const split of splits) split.to = into.length;
}

/** Where the part may be empty it is `(part+)?`, or it would be left too early: after (*compiler).star of Go's regexp/syntax. */
function emitAnyNumber(part: RegexpNode, lazy: boolean, into: Instruction[]): void {
  const start = into.length;
  const split = { op: "split" as const, to: 0, lazy };
  into.push(split);
  if (isNullable(part)) emitPlus(part, lazy, into);
  else {
    emit(part, into);
    into.push({ op: "jump", to: start });
  }
  split.to = into.length;
}

function emitPlus(part: RegexpNode, lazy: boolean, into: Instruction[]): void {
  const start = into.length;
  emit(part, into);
  // Back is where one more is tried, so that is `to` here.
  into.push({ op: "split", to: start, lazy: !lazy });
}

function isNullable(node: RegexpNode): boolean {
  switch (node.op) {
    case "char":
      return false;
    case "concat":
      return node.parts.every(isNullable);
    case "alternate":
      return node.parts.some(isNullable);
    case "repeat":
      return node.min === 0 || isNullable(node.part);
    default:
      return true;
  }
}

/** Does any part of the text match? @throws RegexpLimitError */
export function testRegexp(program: RegexpProgram, text: string): boolean {
  return new Run(program, codesOf(text)).next(0, { isAnyEnough: true }) !== undefined;
}

/**
 * The parts of the text that match, without overlaps, from the left; of those that begin at one place the one that the expression
 * prefers. At most `limit`, all where it is negative. After (*Regexp).allMatches of Go. @throws RegexpLimitError
 */
export function findRegexp(program: RegexpProgram, text: string, limit: number): string[] {
  const codes = codesOf(text);
  const run = new Run(program, codes);
  const found: string[] = [];
  let lastEnd = -1;
  const wanted = limit < 0 ? codes.length + 1 : limit;
  let at = 0;
  while (at <= codes.length && found.length < wanted) {
    const match = run.next(at, { isAnyEnough: false });
    if (!match) break;
    // Nothing is found where something else ended just now.
    const isNothing = match.end === at && match.start === lastEnd;
    if (!isNothing) found.push(textOf(codes.slice(match.start, match.end)));
    at = match.end === at ? at + 1 : match.end;
    lastEnd = match.end;
  }
  return found;
}

function codesOf(text: string): number[] {
  return Array.from(text, (char) => char.codePointAt(0) ?? 0);
}

function textOf(codes: readonly number[]): string {
  return codes.map((code) => String.fromCodePoint(code)).join("");
}

interface Match {
  start: number;
  end: number;
}

/** A state of the expression, and where the match began that has come to it. */
interface Thread {
  index: number;
  start: number;
}

class Run {
  private readonly instructions: readonly Instruction[];
  private readonly codes: readonly number[];
  private steps = 0;

  /** @throws RegexpLimitError */
  constructor({ instructions }: RegexpProgram, codes: readonly number[]) {
    if (codes.length * instructions.length > STEPS_MAX * 8)
      throw new RegexpLimitError("text too large for the expression");
    this.instructions = instructions;
    this.codes = codes;
  }

  /** From `from` on the first match, and of those the preferred one; with `isAnyEnough` any at all, as soon as it is known. */
  next(from: number, { isAnyEnough }: { isAnyEnough: boolean }): Match | undefined {
    let threads: Thread[] = [];
    let seen = new Set<number>();
    let found: Match | undefined;
    for (let at = from; at <= this.codes.length; at += 1) {
      // Later beginnings are the least preferred.
      if (!found) this.follow({ index: 0, start: at }, { at, seen, into: threads });
      const code = this.codes[at];
      const next: Thread[] = [];
      seen = new Set();
      for (const { index, start } of threads) {
        const instruction = this.instructions[index];
        if (instruction?.op === "match") {
          found = { start, end: at };
          // What comes after it is less preferred.
          break;
        }
        if (code === undefined || instruction?.op !== "char" || !instruction.test(code)) continue;
        this.follow({ index: index + 1, start }, { at: at + 1, seen, into: next });
      }
      if (found && (isAnyEnough || next.length === 0)) return found;
      threads = next;
    }
    return found;
  }

  /** To every instruction that needs a character, and to the end, the preferred ones first. */
  private follow(
    { index: first, start }: Thread,
    { at, seen, into }: { at: number; seen: Set<number>; into: Thread[] },
  ): void {
    const pending = [first];
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (seen.has(index)) continue;
      seen.add(index);
      this.steps += 1;
      if (this.steps > STEPS_MAX) throw new RegexpLimitError("text too large for the expression");
      const instruction = this.instructions[index];
      if (!instruction) continue;
      if (instruction.op === "jump") pending.push(instruction.to);
      else if (instruction.op === "split")
        pending.push(...(instruction.lazy ? [index + 1, instruction.to] : [instruction.to, index + 1]));
      else if (instruction.op === "assert") {
        if (this.holds(instruction.what, at)) pending.push(index + 1);
      } else into.push({ index, start });
    }
  }

  private holds(what: Extract<RegexpNode, { op: "assert" }>["what"], at: number): boolean {
    const [before, after] = [this.codes[at - 1], this.codes[at]];
    switch (what) {
      case "text-start":
        return before === undefined;
      case "text-end":
        return after === undefined;
      case "line-start":
        return before === undefined || before === 10;
      case "line-end":
        return after === undefined || after === 10;
      default:
        return (isWord(before) !== isWord(after)) === (what === "word");
    }
  }
}

function isWord(code: number | undefined): boolean {
  if (code === undefined) return false;
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);
}
