/** Expressions as tokens: the lexer rules of cel-go's grammar (parser/gen/CEL.g4). */
import type { Issue } from "./issues.ts";

export type TokenKind = "ident" | "escaped-ident" | "int" | "uint" | "float" | "string" | "bytes" | "operator" | "end";

export interface Token {
  kind: TokenKind;
  text: string;
  at: number;
}

const STRING_FORMS = String.raw`"""(?:\\[^]|[^\\])*?"""|'''(?:\\[^]|[^\\])*?'''|"(?:\\.|[^\\"\n\r])*"|'(?:\\.|[^\\'\n\r])*'`;
const RAW_FORMS = String.raw`[rR](?:"""[^]*?"""|'''[^]*?'''|"[^"\n\r]*"|'[^'\n\r]*')`;

/** Texts and numbers; the longest of those that start alike comes first. */
const LITERAL = new RegExp(
  [
    String.raw`([bB](?:${RAW_FORMS}|${STRING_FORMS}))`,
    String.raw`(${RAW_FORMS}|${STRING_FORMS})`,
    String.raw`(\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)`,
    String.raw`(0x[0-9a-fA-F]+[uU]|\d+[uU])`,
    String.raw`(0x[0-9a-fA-F]+|\d+)`,
    "(`[A-Za-z0-9_.\\-/ ]+`)",
  ].join("|"),
  "y",
);
const LITERAL_KINDS: readonly TokenKind[] = ["bytes", "string", "float", "uint", "int", "escaped-ident"];

const TWO_CHARACTERS = new Set(["==", "!=", "<=", ">=", "&&", "||"]);
const ONE_CHARACTER = new Set("<>[]{}().,-!?:+*/%");

/** Ends with an "end". What is no token is an issue and left out. */
export function tokensOf(source: string): { tokens: Token[]; issues: Issue[] } {
  const tokens: Token[] = [];
  const issues: Issue[] = [];
  const literal = new RegExp(LITERAL);
  for (let at = 0; at < source.length;) {
    const skipped = spaceEnd(source, at);
    if (skipped > at) {
      at = skipped;
      continue;
    }
    const token = literalAt(source, at, literal) ?? wordAt(source, at) ?? operatorAt(source, at);
    if (token) {
      tokens.push(token);
      at += token.text.length;
      continue;
    }
    const bad = unrecognised(source, at);
    issues.push({ at, message: `Syntax error: token recognition error at: '${bad.replaceAll("\n", "\\n")}'` });
    at += bad.length;
  }
  tokens.push({ kind: "end", text: "<EOF>", at: source.length });
  return { tokens, issues };
}

/** Behind spaces and comments. */
function spaceEnd(source: string, start: number): number {
  let at = start;
  for (;;) {
    const code = source.charCodeAt(at);
    if (code === 32 || code === 9 || code === 10 || code === 12 || code === 13) at += 1;
    else if (code === 47 && source.charCodeAt(at + 1) === 47) {
      const end = source.indexOf("\n", at);
      at = end < 0 ? source.length : end;
    } else return at;
  }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isWordStart(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
}

/** Quotes, digits, and letters that may stand before quotes. */
function literalAt(source: string, at: number, pattern: RegExp): Token | undefined {
  const code = source.charCodeAt(at);
  const next = source.charCodeAt(at + 1);
  const isQuote = code === 34 || code === 39 || code === 96;
  const isPrefix =
    "bBrR".includes(source.charAt(at)) && (next === 34 || next === 39 || "rR".includes(source.charAt(at + 1)));
  if (!isQuote && !isPrefix && !isDigit(code) && !(code === 46 && isDigit(next))) return undefined;
  pattern.lastIndex = at;
  const found = pattern.exec(source);
  if (!found) return undefined;
  const group = found.findIndex((text, index) => index > 0 && text !== undefined);
  return { kind: LITERAL_KINDS[group - 1] ?? "string", text: found[0], at };
}

function wordAt(source: string, at: number): Token | undefined {
  if (!isWordStart(source.charCodeAt(at))) return undefined;
  let end = at + 1;
  for (let code = source.charCodeAt(end); isWordStart(code) || isDigit(code); code = source.charCodeAt(end)) end += 1;
  return { kind: "ident", text: source.slice(at, end), at };
}

function operatorAt(source: string, at: number): Token | undefined {
  const two = source.slice(at, at + 2);
  if (TWO_CHARACTERS.has(two)) return { kind: "operator", text: two, at };
  const one = source.charAt(at);
  return ONE_CHARACTER.has(one) ? { kind: "operator", text: one, at } : undefined;
}

/** What ANTLR gives up on: a string without end as far as it could be one, half an operator with what follows it. */
function unrecognised(source: string, at: number): string {
  const rest = source.slice(at, at + 256);
  const open = /^(?:[bB]?[rR]?)(?:"[^"\n\r]*|'[^'\n\r]*)/.exec(rest);
  if (open && /["']/.test(open[0])) return open[0];
  const char = String.fromCodePoint(source.codePointAt(at) ?? 0);
  return "&|=`".includes(char) ? char + source.slice(at + 1, at + 2) : char;
}
