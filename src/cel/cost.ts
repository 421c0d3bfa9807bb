/**
 * What an expression costs at most to evaluate, in cel-go's units (about 50 ns each): checker/cost.go. Sizes of values come from where
 * they are declared.
 */
import type { Call, Comprehension, Expr } from "./ast.ts";
import { callCost, plainCallCost, type CallNodes, type CostNode } from "./call-cost.ts";
import type { CompiledExpression } from "./environment.ts";
import { fixed, plus, times, UNBOUNDED, union, UNKNOWN, type Range } from "./estimate.ts";
import { lengthOf } from "./issues.ts";
import { DYN, type CelType } from "./types.ts";

/**
 * The size of what is declared at a path, `["self", "hosts", "@items"]`: elements of a list or map, bytes of a string. undefined: nothing
 * is known. The first step is a variable.
 */
export type SizeAt = (path: readonly string[]) => Range | undefined;

/** `max` is 2^64 where there is no bound. */
export function estimateCost({ expr }: CompiledExpression, sizeAt: SizeAt): Range {
  return new Coster(sizeAt).cost(expr);
}

interface EntrySizes {
  container: "list" | "map";
  key: Range;
  value: Range;
}

interface Local {
  path: readonly string[];
  size?: Range | undefined;
  entries?: EntrySizes | undefined;
}

const LIST_BASE = 10;
const MAP_BASE = 30;
const STRUCT_BASE = 40;

class Coster {
  private readonly sizeAt: SizeAt;
  private readonly locals = new Map<string, Local[]>();
  private readonly paths = new Map<Expr, readonly string[]>();
  private readonly sizes = new Map<Expr, Range>();
  private readonly entries = new Map<Expr, EntrySizes>();
  /** Of parts that macros use twice. */
  private readonly known = new Map<Expr, Range>();

  constructor(sizeAt: SizeAt) {
    this.sizeAt = (path) => (path.length === 0 ? undefined : sizeAt(path));
  }

  cost(expr: Expr): Range {
    if (expr.kind === "literal" || expr.kind === "ident") return this.costOf(expr);
    const known = this.known.get(expr);
    if (known) return known;
    const cost = this.costOf(expr);
    this.known.set(expr, cost);
    return cost;
  }

  private costOf(expr: Expr): Range {
    switch (expr.kind) {
      case "literal":
        return fixed(0);
      case "ident":
        this.paths.set(expr, this.local(expr.name)?.path ?? [expr.name]);
        return fixed(1);
      case "select": {
        const operand = this.cost(expr.operand);
        if (expr.isTest) return operand;
        this.paths.set(expr, [...this.path(expr.operand), expr.field]);
        const { kind } = this.type(expr.operand);
        return kind === "map" || kind === "object" ? plus(operand, fixed(1)) : operand;
      }
      case "call":
        return this.callCost(expr);
      case "list": {
        const costs = expr.elements.map((element) => this.cost(element));
        const value = this.unionOf(expr.elements);
        this.entries.set(expr, { container: "list", key: fixed(1), value });
        return plus(...costs, fixed(LIST_BASE));
      }
      case "map": {
        const costs = expr.entries.flatMap(({ key, value }) => [this.cost(key), this.cost(value)]);
        const key = this.unionOf(expr.entries.map((entry) => entry.key));
        const value = this.unionOf(expr.entries.map((entry) => entry.value));
        this.entries.set(expr, { container: "map", key, value });
        return plus(...costs, fixed(MAP_BASE));
      }
      case "struct":
        return plus(...expr.fields.map(({ value }) => this.cost(value)), fixed(STRUCT_BASE));
      default:
        return isBinding(expr) ? this.bindingCost(expr) : this.loopCost(expr);
    }
  }

  private unionOf(parts: readonly Expr[]): Range {
    let size: Range = parts.length === 0 ? fixed(0) : { min: UNBOUNDED, max: 0 };
    for (const part of parts) size = union(size, this.sizeOrUnknown(part));
    return size;
  }

  private type(expr: Expr): CelType {
    return expr.type ?? DYN;
  }

  private local(name: string): Local | undefined {
    return this.locals.get(name)?.at(-1);
  }

  private push(name: string, local: Local): void {
    const stack = this.locals.get(name);
    if (stack) stack.push(local);
    else this.locals.set(name, [local]);
  }

  private pop(name: string): void {
    this.locals.get(name)?.pop();
  }

  private path(expr: Expr): readonly string[] {
    const local = expr.kind === "ident" ? this.local(expr.name) : undefined;
    return local?.path ?? this.paths.get(expr) ?? [];
  }

  private callCost(expr: Call): Range {
    const { args, target, overloads = [] } = expr;
    if (expr.name === "dyn" && args[0]) {
      const cost = plus(fixed(1), this.cost(args[0]));
      this.copySizes(expr, args[0]);
      return cost;
    }
    const argCosts = args.map((arg) => this.cost(arg));
    const targetCost = target ? this.cost(target) : fixed(0);
    if (overloads.length === 0) return fixed(0);
    const nodes = {
      name: expr.name,
      sizeAt: this.sizeAt,
      target: target && this.node(target),
      args: args.map((arg) => this.node(arg)),
    };
    let cost: Range = { min: UNBOUNDED, max: 0 };
    let size: Range | undefined;
    for (const overload of overloads) {
      const one = this.overloadCost(expr, { ...nodes, overload }, argCosts);
      cost = union(cost, one.cost);
      if (one.size) size = size ? union(size, one.size) : one.size;
      if ((overload === "index_list" || overload === "index_map") && args[0]) {
        size = this.entrySizes(args[0])?.value;
        this.paths.set(expr, [...this.path(args[0]), overload === "index_list" ? "@items" : "@values"]);
      }
      size ??= this.size(expr);
    }
    if (size) this.sizes.set(expr, size);
    return plus(targetCost, cost);
  }

  private overloadCost(
    expr: Call,
    nodes: CallNodes,
    argCosts: readonly Range[],
  ): { cost: Range; size?: Range | undefined } {
    const known = callCost(nodes);
    if (known) return { cost: plus(known.cost, ...argCosts), size: known.size };
    const [first = fixed(0), second = fixed(0), third = fixed(0)] = argCosts;
    const { overload, args } = nodes;
    if (overload === "logical_and" || overload === "logical_or") {
      return { cost: { min: first.min, max: plus(first, second).max } };
    }
    if (overload === "conditional") {
      const size = union(args[1]?.size ?? UNKNOWN, args[2]?.size ?? UNKNOWN);
      this.setEntries(expr, this.commonEntries(expr.args[1], expr.args[2]));
      return { cost: plus(first, union(second, third)), size };
    }
    if (overload.startsWith("add_")) this.setEntries(expr, this.commonEntries(expr.args[0], expr.args[1]));
    const plain = plainCallCost(nodes);
    return { cost: plus(plain.cost, ...argCosts), size: plain.size };
  }

  private node(expr: Expr): CostNode {
    const path = this.path(expr);
    const isAccumulator = path[0]?.startsWith("@result") === true;
    return {
      path: isAccumulator || path.length === 0 ? undefined : path,
      type: this.type(expr),
      expr,
      size: this.size(expr),
    };
  }

  private loopCost(expr: Comprehension): Range {
    const { range, init, condition, step, result, accumulator } = expr;
    const before = plus(this.cost(range), this.cost(init));
    this.push(accumulator, { path: this.path(init), size: this.size(init), entries: this.entrySizes(init) });
    this.pushVariables(expr);
    const once = plus(this.cost(condition), this.cost(step));
    this.pop(expr.variable);
    if (expr.variable2 !== undefined) this.pop(expr.variable2);
    const after = this.cost(result);
    this.pop(accumulator);
    const count = this.sizeOrUnknown(range);
    if (init.kind === "literal") {
      const size = this.size(init);
      if (size) this.sizes.set(expr, size);
    } else if (init.kind === "list" || init.kind === "map") {
      this.sizes.set(expr, count);
      this.setEntries(expr, this.entrySizes(step));
    }
    return plus(before, after, times(count, once));
  }

  private pushVariables({ range, variable, variable2 }: Comprehension): void {
    const entries = this.entrySizes(range);
    const container = entries?.container ?? this.type(range).kind;
    const path = this.path(range);
    const isList = container === "list";
    if (variable2 === undefined) {
      this.push(variable, {
        path: [...path, isList ? "@items" : "@keys"],
        size: isList ? entries?.value : entries?.key,
      });
      return;
    }
    this.push(variable, { path: [...path, isList ? "@indices" : "@keys"], size: entries?.key });
    this.push(variable2, { path: [...path, isList ? "@items" : "@values"], size: entries?.value });
  }

  private bindingCost({ range, init, accumulator, result, ...rest }: Comprehension): Range {
    const before = plus(this.cost(range), this.cost(init));
    this.push(accumulator, { path: this.path(init), size: this.size(init), entries: this.entrySizes(init) });
    const cost = this.cost(result);
    this.pop(accumulator);
    this.copySizes({ range, init, accumulator, result, ...rest }, result);
    return plus(before, cost);
  }

  private size(expr: Expr): Range | undefined {
    const known = this.sizes.get(expr) ?? literalSize(expr);
    if (known) return known;
    const declared = this.sizeAt(this.path(expr));
    if (declared) {
      this.sizes.set(expr, declared);
      return declared;
    }
    if (isScalar(this.type(expr))) return fixed(1);
    return expr.kind === "ident" ? this.local(expr.name)?.size : undefined;
  }

  private sizeOrUnknown(expr: Expr): Range {
    return this.size(expr) ?? UNKNOWN;
  }

  private entrySizes(expr: Expr): EntrySizes | undefined {
    return this.entries.get(expr) ?? (expr.kind === "ident" ? this.local(expr.name)?.entries : undefined);
  }

  private setEntries(expr: Expr, entries: EntrySizes | undefined): void {
    if (entries) this.entries.set(expr, entries);
  }

  private commonEntries(a: Expr | undefined, b: Expr | undefined): EntrySizes | undefined {
    const left = a && this.entrySizes(a);
    const right = b && this.entrySizes(b);
    if (!left || !right) return undefined;
    return { container: left.container, key: union(left.key, right.key), value: union(left.value, right.value) };
  }

  private copySizes(to: Expr, from: Expr): void {
    const size = this.size(from);
    if (size) this.sizes.set(to, size);
    this.setEntries(to, this.entrySizes(from));
  }
}

/** `optMap` and the like: a name for a value. */
function isBinding({ range, condition }: Comprehension): boolean {
  const never = condition.kind === "literal" && condition.literal.value === false;
  return never && range.kind === "list" && range.elements.length === 0;
}

function literalSize(expr: Expr): Range | undefined {
  if (expr.kind === "list") return fixed(expr.elements.length);
  if (expr.kind === "map") return fixed(expr.entries.length);
  if (expr.kind !== "literal") return undefined;
  const { type, value } = expr.literal;
  if (type === "string") return fixed(lengthOf(value));
  return fixed(type === "bytes" ? value.length : 1);
}

function isScalar({ kind, params: [inner] }: CelType): boolean {
  if (kind === "optional") return inner !== undefined && isScalar(inner);
  return ["bool", "double", "duration", "int", "timestamp", "uint"].includes(kind);
}
