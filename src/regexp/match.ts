/**
 * Matching in time linear in the text: all states of the expression are followed at once (Thompson, Pike), as Go's regexp does. A hostile
 * expression costs its size times the text's, and that product is bounded.
 */
import type { RegexpNode } from "./parse.ts";

type Instruction =
  | { op: "char"; test: (codePoint: number) => boolean }
  | { op: "assert"; what: Extract<RegexpNode, { op: "assert" }>["what"] }
  /** To `to` as well as to what follows. */
  | { op: "split"; to: number }
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
    const split = { op: "split" as const, to: 0 };
    const jump = { op: "jump" as const, to: 0 };
    into.push(split);
    emit(part, into);
    into.push(jump);
    jumps.push(jump);
    split.to = into.length;
  });
  for (const jump of jumps) jump.to = into.length;
}

function emitRepeat({ part, min, max }: Extract<RegexpNode, { op: "repeat" }>, into: Instruction[]): void {
  for (let count = 0; count < min; count += 1) emit(part, into);
  if (max === Infinity) {
    const start = into.length;
    const split = { op: "split" as const, to: 0 };
    into.push(split);
    emit(part, into);
    into.push({ op: "jump", to: start });
    split.to = into.length;
    return;
  }
  const splits: { op: "split"; to: number }[] = [];
  for (let count = min; count < max; count += 1) {
    const split = { op: "split" as const, to: 0 };
    splits.push(split);
    into.push(split);
    emit(part, into);
  }
  for (const split of splits) split.to = into.length;
}

/** Does any part of the text match? @throws RegexpLimitError */
export function testRegexp({ instructions }: RegexpProgram, text: string): boolean {
  const codes = Array.from(text, (char) => char.codePointAt(0) ?? 0);
  if (codes.length * instructions.length > STEPS_MAX * 8)
    throw new RegexpLimitError("text too large for the expression");
  const run = new Run(instructions, codes);
  return run.test();
}

class Run {
  private readonly instructions: readonly Instruction[];
  private readonly codes: readonly number[];
  private current: number[] = [];
  private seen = new Set<number>();
  private matched = false;
  private steps = 0;

  constructor(instructions: readonly Instruction[], codes: readonly number[]) {
    this.instructions = instructions;
    this.codes = codes;
  }

  test(): boolean {
    for (let at = 0; at <= this.codes.length; at += 1) {
      this.follow(0, at);
      if (this.matched) return true;
      const code = this.codes[at];
      if (code === undefined) return false;
      const before = this.current;
      this.current = [];
      this.seen = new Set();
      for (const index of before) {
        const instruction = this.instructions[index];
        if (instruction?.op === "char" && instruction.test(code)) this.follow(index + 1, at + 1);
      }
      if (this.matched) return true;
    }
    return false;
  }

  /** To every instruction that needs a character. */
  private follow(start: number, at: number): void {
    const pending = [start];
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (this.seen.has(index)) continue;
      this.seen.add(index);
      this.steps += 1;
      if (this.steps > STEPS_MAX) throw new RegexpLimitError("text too large for the expression");
      const instruction = this.instructions[index];
      if (!instruction) continue;
      if (instruction.op === "match") this.matched = true;
      else if (instruction.op === "jump") pending.push(instruction.to);
      else if (instruction.op === "split") pending.push(instruction.to, index + 1);
      else if (instruction.op === "char") this.current.push(index);
      else if (this.holds(instruction.what, at)) pending.push(index + 1);
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
