/**
 * The grammar of expressions (cel-go's parser/gen/CEL.g4), read by descent. Nodes lie where cel-go's do, and messages are ANTLR's for the
 * usual mistakes; after one that cannot be skipped the parser stops, where ANTLR goes on and tells more.
 */
import { call, ident, literal, type Call, type Entry, type Expr, type FieldValue } from "./ast.ts";
import { lengthOf, type Issue } from "./issues.ts";
import { tokensOf, type Token } from "./lexer.ts";
import { expandMacro } from "./macros.ts";
import { bytesValue, EscapeError, stringValue } from "./strings.ts";

const CODE_POINTS_MAX = 100_000;
const DEPTH_MAX = 250;

const RESERVED = new Set(
  "as break const continue else for function if import let loop package namespace return var void while".split(" "),
);
const KEYWORDS = new Set(["true", "false", "null", "in"]);
const STARTS =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const RELATIONS = new Set(["<", "<=", ">=", ">", "==", "!=", "in"]);

export type ParseResult = { expr: Expr } | { issues: Issue[] };

export interface ParseOptions {
  /** `cel.bind(…)` is a macro. */
  hasBindings: boolean;
}

export function parse(source: string, options: ParseOptions): ParseResult {
  const size = source.length > CODE_POINTS_MAX ? lengthOf(source) : source.length;
  if (size > CODE_POINTS_MAX) {
    const message = `expression code point size exceeds limit: size: ${size}, limit ${CODE_POINTS_MAX}`;
    return { issues: [{ at: undefined, message }] };
  }
  const { tokens, issues } = tokensOf(source);
  const parser = new Parser(tokens, issues, options);
  const expr = parser.whole();
  return expr && issues.length === 0 ? { expr } : { issues };
}

/** Parsing cannot go on. The issue is told already. */
class Stop extends Error {}

class Parser {
  private readonly tokens: readonly Token[];
  private readonly issues: Issue[];
  private next = 0;
  private depth = 0;

  private readonly options: ParseOptions;

  constructor(tokens: readonly Token[], issues: Issue[], options: ParseOptions) {
    this.options = options;
    this.tokens = tokens;
    this.issues = issues;
  }

  whole(): Expr | undefined {
    try {
      const expr = this.expr();
      const { kind, text, at } = this.token;
      if (kind !== "end") {
        const isLast = this.peek(1).kind === "end";
        this.issues.push({
          at,
          message: `Syntax error: ${isLast ? "extraneous" : "mismatched"} input '${text}' expecting <EOF>`,
        });
      }
      return expr;
    } catch (error) {
      if (error instanceof Stop) return undefined;
      throw error;
    }
  }

  private get token(): Token {
    return this.peek(0);
  }

  private peek(ahead: number): Token {
    const index = Math.min(this.next + ahead, this.tokens.length - 1);
    return this.tokens[index] ?? { kind: "end", text: "<EOF>", at: 0 };
  }

  private take(): Token {
    const { token } = this;
    this.next += 1;
    return token;
  }

  private is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.text === text && (token.kind === "operator" || (text === "in" && token.kind === "ident"));
  }

  private accept(text: string): Token | undefined {
    return this.is(text) ? this.take() : undefined;
  }

  private expect(text: string): Token {
    const found = this.accept(text);
    if (found) return found;
    const { token } = this;
    const isEnd = token.kind === "end";
    return this.stop(
      token,
      isEnd ? `missing '${text}' at '<EOF>'` : `mismatched input '${token.text}' expecting '${text}'`,
    );
  }

  private stop({ at }: Token, message: string): never {
    this.issues.push({ at, message: `Syntax error: ${message}` });
    throw new Stop();
  }

  /** The issue is told; parsing goes on with something harmless. */
  private fault(at: number, message: string): Expr {
    this.issues.push({ at, message });
    return literal(at, { type: "null", value: null });
  }

  private deeper(levels = 1): void {
    this.depth += levels;
    if (this.depth <= DEPTH_MAX) return;
    this.issues.push({ at: undefined, message: `expression recursion limit exceeded: ${DEPTH_MAX}` });
    throw new Stop();
  }

  private expr(): Expr {
    const { depth } = this;
    this.deeper();
    const condition = this.junction("||");
    const op = this.accept("?");
    if (!op) {
      this.depth = depth;
      return condition;
    }
    const ifTrue = this.junction("||");
    this.expect(":");
    const ifFalse = this.expr();
    this.depth = depth;
    return call(op.at, "_?_:_", condition, ifTrue, ifFalse);
  }

  /** A chain of one operator becomes a balanced tree, so that it may be long. */
  private junction(operator: "||" | "&&"): Expr {
    const terms = [operator === "||" ? this.junction("&&") : this.relation()];
    const ops: number[] = [];
    for (let op = this.accept(operator); op; op = this.accept(operator)) {
      ops.push(op.at);
      terms.push(operator === "||" ? this.junction("&&") : this.relation());
    }
    return balanced(`_${operator}_`, terms, ops);
  }

  private relation(): Expr {
    const { depth } = this;
    let left = this.sum();
    while (RELATIONS.has(this.token.text) && (this.token.kind === "operator" || this.token.text === "in")) {
      this.deeper();
      const { text, at } = this.take();
      left = call(at, text === "in" ? "@in" : `_${text}_`, left, this.sum());
    }
    this.depth = depth;
    return left;
  }

  private sum(): Expr {
    const { depth } = this;
    let left = this.product();
    while (this.is("+") || this.is("-")) {
      this.deeper();
      const { text, at } = this.take();
      left = call(at, `_${text}_`, left, this.product());
    }
    this.depth = depth;
    return left;
  }

  private product(): Expr {
    const { depth } = this;
    let left = this.unary();
    while (this.is("*") || this.is("/") || this.is("%")) {
      this.deeper();
      const { text, at } = this.take();
      left = call(at, `_${text}_`, left, this.unary());
    }
    this.depth = depth;
    return left;
  }

  private unary(): Expr {
    const { token } = this;
    if (token.kind === "operator" && (token.text === "!" || token.text === "-")) {
      const isNumber = token.text === "-" && ["int", "float"].includes(this.peek(1).kind);
      if (!isNumber) return this.negated(token);
    }
    return this.member();
  }

  private negated({ text, at }: Token): Expr {
    let times = 0;
    while (this.is(text)) {
      this.take();
      times += 1;
    }
    const operand = this.member();
    return times % 2 === 0 ? operand : call(at, text === "!" ? "!_" : "-_", operand);
  }

  private member(): Expr {
    const { depth } = this;
    let expr = this.primary();
    for (;;) {
      const op = this.accept(".") ?? this.accept("[");
      if (!op) break;
      this.deeper();
      expr = op.text === "." ? this.selected(expr, op) : this.indexed(expr, op);
    }
    this.depth = depth;
    return expr;
  }

  private selected(operand: Expr, op: Token): Expr {
    const isOptional = this.accept("?") !== undefined;
    const { token } = this;
    if (token.kind !== "ident" && token.kind !== "escaped-ident") return this.noIdentifier(token);
    if (token.kind === "ident" && KEYWORDS.has(token.text)) return this.noIdentifier(token);
    this.take();
    if (token.kind === "escaped-ident") {
      return this.fault(token.at, "unsupported syntax: '`'");
    }
    if (!isOptional && this.is("(")) {
      const open = this.take();
      return this.called({ kind: "call", at: open.at, name: token.text, target: operand, args: this.args(")") });
    }
    if (!isOptional) return { kind: "select", at: op.at, operand, field: token.text, isTest: false };
    return call(op.at, "_?._", operand, literal(token.at, { type: "string", value: token.text }));
  }

  private noIdentifier(token: Token): never {
    const isKeyword = KEYWORDS.has(token.text) && token.text !== "in";
    return this.stop(
      token,
      isKeyword
        ? `mismatched input '${token.text}' expecting IDENTIFIER`
        : `no viable alternative at input '.${token.kind === "end" ? "" : token.text}'`,
    );
  }

  private indexed(operand: Expr, op: Token): Expr {
    const isOptional = this.accept("?") !== undefined;
    const index = this.expr();
    this.expect("]");
    return call(op.at, isOptional ? "_[?_]" : "_[_]", operand, index);
  }

  private called(made: Call): Expr {
    const expanded = expandMacro(made, this.options);
    if (expanded === undefined) return made;
    return "issue" in expanded ? this.fault(expanded.issue.at ?? made.at, expanded.issue.message) : expanded.expr;
  }

  /** Up to the closing bracket, which is taken. */
  private args(close: string): Expr[] {
    const args: Expr[] = [];
    if (this.accept(close)) return args;
    do args.push(this.expr());
    while (this.accept(","));
    this.expect(close);
    return args;
  }

  private primary(): Expr {
    const { token } = this;
    if (token.kind === "operator") {
      if (token.text === "(") return this.nested();
      if (token.text === "[") return this.list();
      if (token.text === "{") return this.map();
      if (token.text === "." && this.peek(1).kind === "ident") return this.named(this.take());
      if (token.text === "-") return this.number(this.take());
    } else if (token.kind === "ident" && token.text !== "in") {
      return this.keyword(token) ?? this.named(undefined);
    } else if (token.kind === "int" || token.kind === "uint" || token.kind === "float") {
      return this.number(undefined);
    } else if (token.kind === "string" || token.kind === "bytes") {
      return this.text(this.take());
    }
    return this.unexpected(token);
  }

  /** A token too many is left out where the next one can start an expression. */
  private unexpected(token: Token): Expr {
    const following = this.peek(1);
    const starts = following.kind !== "end" && (following.kind !== "operator" || "[{(.-!".includes(following.text));
    if (token.kind === "end" || !starts)
      return this.stop(token, `mismatched input '${token.text}' expecting ${STARTS}`);
    this.issues.push({ at: token.at, message: `Syntax error: extraneous input '${token.text}' expecting ${STARTS}` });
    this.take();
    this.deeper();
    return this.primary();
  }

  private nested(): Expr {
    this.take();
    const expr = this.expr();
    this.expect(")");
    return expr;
  }

  private keyword({ text, at }: Token): Expr | undefined {
    if (text === "null") {
      this.take();
      return literal(at, { type: "null", value: null });
    }
    if (text !== "true" && text !== "false") return undefined;
    this.take();
    return literal(at, { type: "bool", value: text === "true" });
  }

  private named(leadingDot: Token | undefined): Expr {
    const { text, at } = this.take();
    const dot = leadingDot ? "." : "";
    const message = this.messageName(text);
    if (message !== undefined) return this.struct(dot + message);
    if (RESERVED.has(text)) {
      const fault = this.fault(leadingDot?.at ?? at, `reserved identifier: ${text}`);
      if (this.accept("(")) this.args(")");
      return fault;
    }
    const open = this.accept("(");
    if (!open) return ident(at, dot + text);
    return this.called({ kind: "call", at: open.at, name: dot + text, args: this.args(")") });
  }

  /** `a.b.C` of `a.b.C{…}`; up to the brace, which is next. */
  private messageName(first: string): string | undefined {
    let ahead = 0;
    let name = first;
    while (this.is(".", ahead) && this.peek(ahead + 1).kind === "ident") {
      name += `.${this.peek(ahead + 1).text}`;
      ahead += 2;
    }
    if (!this.is("{", ahead)) return undefined;
    this.next += ahead;
    return name;
  }

  private struct(name: string): Expr {
    const { at } = this.take();
    const fields: FieldValue[] = [];
    while (!this.accept("}")) {
      const isOptional = this.accept("?") !== undefined;
      const field = this.take();
      if (field.kind !== "ident")
        this.stop(field, `mismatched input '${field.text}' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}`);
      const colon = this.expect(":");
      fields.push({ at: colon.at, name: field.text, value: this.expr(), isOptional });
      if (!this.accept(",") && !this.is("}")) this.expect("}");
    }
    return { kind: "struct", at, name, fields };
  }

  private list(): Expr {
    const { at } = this.take();
    const elements: Expr[] = [];
    const optional = new Set<number>();
    while (!this.accept("]")) {
      if (elements.length === 0 && this.is(",") && this.is("]", 1)) {
        this.take();
        continue;
      }
      if (this.accept("?")) optional.add(elements.length);
      elements.push(this.expr());
      if (!this.accept(",") && !this.is("]")) this.expect("]");
    }
    return { kind: "list", at, elements, optional };
  }

  private map(): Expr {
    const { at } = this.take();
    const entries: Entry[] = [];
    while (!this.accept("}")) {
      if (entries.length === 0 && this.is(",") && this.is("}", 1)) {
        this.take();
        continue;
      }
      const isOptional = this.accept("?") !== undefined;
      const key = this.expr();
      const colon = this.expect(":");
      entries.push({ at: colon.at, key, value: this.expr(), isOptional });
      if (!this.accept(",") && !this.is("}")) this.expect("}");
    }
    return { kind: "map", at, entries };
  }

  private number(minus: Token | undefined): Expr {
    const { kind, text, at } = this.take();
    const start = minus?.at ?? at;
    const sign = minus ? "-" : "";
    if (kind === "float") {
      const value = Number(sign + text);
      return Number.isFinite(value)
        ? literal(start, { type: "double", value })
        : this.fault(start, "invalid double literal");
    }
    const isUnsigned = kind === "uint";
    const digits = isUnsigned ? text.slice(0, -1) : text;
    // No number of 64 bits has more digits.
    const magnitude = digits.length > 64 ? 2n ** 64n : BigInt(digits);
    const value = minus ? -magnitude : magnitude;
    if (isUnsigned) {
      return value < 2n ** 64n ? literal(start, { type: "uint", value }) : this.fault(start, "invalid uint literal");
    }
    const fits = value < 2n ** 63n && value >= -(2n ** 63n);
    return fits ? literal(start, { type: "int", value }) : this.fault(start, "invalid int literal");
  }

  private text({ kind, text, at }: Token): Expr {
    try {
      if (kind === "bytes") return literal(at, { type: "bytes", value: bytesValue(text) });
      return literal(at, { type: "string", value: stringValue(text) });
    } catch (error) {
      if (error instanceof EscapeError) return this.fault(at, error.message);
      throw error;
    }
  }
}

function balanced(name: string, terms: readonly Expr[], ops: readonly number[]): Expr {
  const build = (low: number, high: number): Expr => {
    const middle = Math.floor((low + high + 1) / 2);
    const left = middle === low ? terms[middle] : build(low, middle - 1);
    const right = middle === high ? terms[middle + 1] : build(middle + 1, high);
    return call(ops[middle] ?? 0, name, left as Expr, right as Expr);
  };
  return ops.length === 0 ? (terms[0] as Expr) : build(0, ops.length - 1);
}
