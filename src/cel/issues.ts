/** What is wrong with an expression, as cel-go shows it: `ERROR: <input>:1:5: undefined field 'x'`, the line and a mark below it. */

export interface Issue {
  /** UTF-16 units from the start; undefined where no place is to blame. */
  at: number | undefined;
  message: string;
}

const ISSUES_MAX = 100;
const SNIPPET_CHARACTERS_MAX = 16_384;
/** Of all snippets of an expression: many faults in a long line would be repeated with all of it each time. */
const SNIPPETS_CHARACTERS_MAX = 65_536;

/** Sorted by place. */
export function issuesText(source: string, issues: readonly Issue[]): string {
  const first = issues.toSorted((a, b) => (a.at ?? -1) - (b.at ?? -1)).slice(0, ISSUES_MAX);
  const sorted = first.map(({ at, message }) => ({ message, ...placeOf(source, at) }));
  let characters = 0;
  const texts = sorted.map(({ message, line, column, text }) => {
    const title = `ERROR: <input>:${line}:${column + 1}: ${message}`;
    characters += text?.length ?? 0;
    const isShown =
      text !== undefined && text.length <= SNIPPET_CHARACTERS_MAX && characters <= SNIPPETS_CHARACTERS_MAX;
    return isShown ? `${title}${snippet(text, column)}` : title;
  });
  if (issues.length > ISSUES_MAX) texts.push(`${issues.length - ISSUES_MAX} more errors were truncated`);
  return texts.join("\n");
}

interface Place {
  /** From 1. */
  line: number;
  /** From 0, in characters. */
  column: number;
  text?: string;
}

function placeOf(source: string, at: number | undefined): Place {
  if (at === undefined) return { line: -1, column: -1 };
  const start = at === 0 ? 0 : source.lastIndexOf("\n", at - 1) + 1;
  const end = source.indexOf("\n", at);
  let line = 1;
  for (let next = source.indexOf("\n"); next >= 0 && next < start; next = source.indexOf("\n", next + 1)) line += 1;
  return { line, column: lengthOf(source.slice(start, at)), text: source.slice(start, end < 0 ? source.length : end) };
}

/** In characters. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

function snippet(line: string, column: number): string {
  const shown = line.replaceAll("\t", " ");
  let dots = "";
  let mark = "^";
  let at = 0;
  for (const char of shown) {
    const isWide = char.charCodeAt(0) >= 0x80;
    if (at === column) {
      if (isWide) mark = "\uff3e";
      break;
    }
    dots += isWide ? "\uff0e" : ".";
    at += 1;
  }
  return `\n | ${shown}\n | ${dots}${mark}`;
}
