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

/** In this order: the longest of those that start alike comes first. */
const TOKEN = new RegExp(
  [
    String.raw`(?<space>[\t \r\n\f]+|\/\/[^\n]*)`,
    String.raw`(?<bytes>[bB](?:${RAW_FORMS}|${STRING_FORMS}))`,
    String.raw`(?<string>${RAW_FORMS}|${STRING_FORMS})`,
    String.raw`(?<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)`,
    String.raw`(?<uint>0x[0-9a-fA-F]+[uU]|\d+[uU])`,
    String.raw`(?<int>0x[0-9a-fA-F]+|\d+)`,
    String.raw`(?<ident>[A-Za-z_][A-Za-z0-9_]*)`,
    "(?<escaped>`[A-Za-z0-9_.\\-/ ]+`)",
    String.raw`(?<operator>==|!=|<=|>=|&&|\|\||[<>[\]{}().,\-!?:+*/%])`,
  ].join("|"),
  "y",
);

const KINDS: readonly [string, TokenKind][] = [
  ["bytes", "bytes"],
  ["string", "string"],
  ["float", "float"],
  ["uint", "uint"],
  ["int", "int"],
  ["ident", "ident"],
  ["escaped", "escaped-ident"],
  ["operator", "operator"],
];

/** Ends with an "end". What is no token is an issue and left out. */
export function tokensOf(source: string): { tokens: Token[]; issues: Issue[] } {
  const tokens: Token[] = [];
  const issues: Issue[] = [];
  const pattern = new RegExp(TOKEN);
  for (let at = 0; at < source.length;) {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (!found) {
      const bad = unrecognised(source, at);
      issues.push({ at, message: `Syntax error: token recognition error at: '${bad.replaceAll("\n", "\\n")}'` });
      at += bad.length;
      continue;
    }
    const text = found[0];
    const kind = KINDS.find(([group]) => found.groups?.[group] !== undefined)?.[1];
    if (kind) tokens.push({ kind, text, at });
    at += text.length;
  }
  tokens.push({ kind: "end", text: "<EOF>", at: source.length });
  return { tokens, issues };
}

/** What ANTLR gives up on: a string without end as far as it could be one, half an operator with what follows it. */
function unrecognised(source: string, at: number): string {
  const rest = source.slice(at, at + 256);
  const open = /^(?:[bB]?[rR]?)(?:"[^"\n\r]*|'[^'\n\r]*)/.exec(rest);
  if (open && /["']/.test(open[0])) return open[0];
  const char = String.fromCodePoint(source.codePointAt(at) ?? 0);
  return "&|=`".includes(char) ? char + source.slice(at + 1, at + 2) : char;
}
