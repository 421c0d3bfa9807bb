/** Expressions as trees. The checker writes types and overloads into them, once. */
import type { CelType } from "./types.ts";

export type LiteralValue =
  | { type: "bool"; value: boolean }
  | { type: "int" | "uint"; value: bigint }
  | { type: "double"; value: number }
  | { type: "string"; value: string }
  | { type: "bytes"; value: Uint8Array }
  | { type: "null"; value: null };

interface Node {
  /** Where it is in the text, in UTF-16 units: of a call its operator or opening parenthesis. */
  at: number;
  /** Set by the checker. */
  type?: CelType;
}

export interface Literal extends Node {
  kind: "literal";
  literal: LiteralValue;
}

export interface Ident extends Node {
  kind: "ident";
  name: string;
}

export interface Select extends Node {
  kind: "select";
  operand: Expr;
  field: string;
  /** `has(a.b)`. */
  isTest: boolean;
}

export interface Call extends Node {
  kind: "call";
  /** `_+_`, `_&&_`, `size`, `matches` … as cel-go names them. */
  name: string;
  target?: Expr;
  args: Expr[];
  /** Set by the checker: every one that may be meant. */
  overloads?: string[];
}

export interface List extends Node {
  kind: "list";
  elements: Expr[];
  /** `[?a]`: indexes of those that may be absent. */
  optional: ReadonlySet<number>;
}

export interface Entry {
  at: number;
  key: Expr;
  value: Expr;
  isOptional: boolean;
}

export interface MapLiteral extends Node {
  kind: "map";
  entries: Entry[];
}

export interface FieldValue {
  at: number;
  name: string;
  value: Expr;
  isOptional: boolean;
}

export interface Struct extends Node {
  kind: "struct";
  name: string;
  fields: FieldValue[];
}

/** What macros become: a loop over `range` with an accumulator. */
export interface Comprehension extends Node {
  kind: "comprehension";
  range: Expr;
  variable: string;
  /** With two variables: of the value, and `variable` is of the key or index. */
  variable2?: string;
  accumulator: string;
  init: Expr;
  condition: Expr;
  step: Expr;
  result: Expr;
}

export type Expr = Literal | Ident | Select | Call | List | MapLiteral | Struct | Comprehension;

/** The accumulator's name: no identifier can be spelled so. */
export const ACCUMULATOR = "@result";

export function call(at: number, name: string, ...args: Expr[]): Call {
  return { kind: "call", at, name, args };
}

export function ident(at: number, name: string): Ident {
  return { kind: "ident", at, name };
}

export function literal(at: number, value: LiteralValue): Literal {
  return { kind: "literal", at, literal: value };
}

/** `a.b.c`, with a dot before where there is one; undefined where it is no plain name. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === "ident") return expr.name;
  if (expr.kind !== "select" || expr.isTest) return undefined;
  const operand = qualifiedName(expr.operand);
  return operand === undefined ? undefined : `${operand}.${expr.field}`;
}
