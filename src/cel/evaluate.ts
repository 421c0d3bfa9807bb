/**
 * Values of expressions, within a budget: cel-go's interpreter, with the costs of interpreter/runtimecost.go. What costs more than it may
 * stops there, so an evaluation takes bounded time whatever the expression and the values.
 */
import type { Call, Comprehension, Expr, Struct } from "./ast.ts";
import { callCost, plainCallCost, TRAVERSAL, type CostNode } from "./call-cost.ts";
import type { CompiledExpression } from "./environment.ts";
import { fixed } from "./estimate.ts";
import { callFunction } from "./functions.ts";
import { DYN } from "./types.ts";
import {
  dictionary,
  Fault,
  isDictionary,
  isSequence,
  Optional,
  sequence,
  sizeOfValue,
  TypeValue,
  Uint,
  type Value,
} from "./values.ts";

export interface Evaluation {
  /** A Fault where it failed. */
  value: Value;
  /** What it cost, in the units of `estimateCost`. */
  cost: number;
  /** It was stopped: it would have cost more than it may. */
  isOverBudget: boolean;
}

/** `variables` by the names of the environment. Never throws for what expressions do. */
export function evaluate(
  { expr }: CompiledExpression,
  variables: Readonly<Record<string, Value>>,
  { costMax }: { costMax: number },
): Evaluation {
  const run = new Run(variables, costMax);
  try {
    return { value: run.value(expr), cost: run.cost, isOverBudget: false };
  } catch (error) {
    if (!(error instanceof OverBudget)) throw error;
    return { value: new Fault("operation cancelled: actual cost limit exceeded"), cost: run.cost, isOverBudget: true };
  }
}

class OverBudget extends Error {}

/** Lists whose size only their making tells. */
const MAKES_LISTS = new Set(["lists.range", "slice", "flatten"]);
const LIST_COST = 10;
const MAP_COST = 30;
const STRUCT_COST = 40;

class Run {
  cost = 0;
  private readonly variables: Readonly<Record<string, Value>>;
  private readonly costMax: number;
  private readonly locals: [string, Value][] = [];

  constructor(variables: Readonly<Record<string, Value>>, costMax: number) {
    this.variables = variables;
    this.costMax = costMax;
  }

  value(expr: Expr): Value {
    switch (expr.kind) {
      case "literal":
        return expr.literal.type === "uint" ? new Uint(expr.literal.value) : expr.literal.value;
      case "ident":
        this.charge(1);
        return this.variable(expr.name);
      case "select":
        return this.select(expr);
      case "call":
        return this.call(expr);
      case "list":
        return this.list(expr);
      case "map":
        return this.map(expr);
      case "struct":
        return this.struct(expr);
      default:
        return this.loop(expr);
    }
  }

  private charge(cost: number): void {
    this.cost += cost;
    if (this.cost > this.costMax) throw new OverBudget();
  }

  private variable(name: string): Value {
    const bare = name.startsWith(".") ? name.slice(1) : name;
    for (let index = this.locals.length - 1; index >= 0; index -= 1) {
      const local = this.locals[index];
      if (local?.[0] === bare) return local[1];
    }
    if (Object.hasOwn(this.variables, bare)) return this.variables[bare] ?? null;
    return TYPE_NAMES.has(bare) ? new TypeValue(bare) : new Fault(`no such attribute(s): ${bare}`);
  }

  private select(expr: Extract<Expr, { kind: "select" }>): Value {
    const qualified = qualifiedVariable(expr, this.variables);
    if (qualified !== undefined) {
      this.charge(1);
      return qualified;
    }
    const operand = this.value(expr.operand);
    if (operand instanceof Fault) return operand;
    if (operand instanceof Optional) {
      const inner = operand.value === undefined ? undefined : member(operand.value, expr.field);
      if (expr.isTest) return inner !== undefined;
      return new Optional(inner);
    }
    if (expr.isTest) return member(operand, expr.field) !== undefined;
    this.charge(1);
    return member(operand, expr.field) ?? new Fault(`no such key: ${expr.field}`);
  }

  private list({ elements, optional }: Extract<Expr, { kind: "list" }>): Value {
    const items: Value[] = [];
    for (const [index, element] of elements.entries()) {
      const value = this.value(element);
      if (value instanceof Fault) return value;
      if (optional.has(index) && value instanceof Optional) {
        if (value.value !== undefined) items.push(value.value);
      } else items.push(value);
    }
    this.charge(LIST_COST);
    return sequence(items);
  }

  private map({ entries }: Extract<Expr, { kind: "map" }>): Value {
    const pairs: [Value, Value][] = [];
    for (const entry of entries) {
      const key = this.value(entry.key);
      if (key instanceof Fault) return key;
      const value = this.value(entry.value);
      if (value instanceof Fault) return value;
      if (entry.isOptional && value instanceof Optional) {
        if (value.value !== undefined) pairs.push([key, value.value]);
      } else pairs.push([key, value]);
    }
    this.charge(MAP_COST);
    return dictionary(pairs);
  }

  private struct({ fields }: Struct): Value {
    const pairs: [Value, Value][] = [];
    for (const { name, value: expr, isOptional } of fields) {
      const value = this.value(expr);
      if (value instanceof Fault) return value;
      if (isOptional && value instanceof Optional) {
        if (value.value !== undefined) pairs.push([name, value.value]);
      } else pairs.push([name, value]);
    }
    this.charge(STRUCT_COST);
    return dictionary(pairs);
  }

  private call(expr: Call): Value {
    const { name, args } = expr;
    if (name === "_&&_" || name === "_||_") return this.junction(args, name === "_||_");
    if (name === "_?_:_") return this.conditional(args);
    if (name === "@not_strictly_false") {
      const value = args[0] ? this.value(args[0]) : true;
      return value !== false;
    }
    const target = expr.target ? this.value(expr.target) : undefined;
    if (target instanceof Fault) return target;
    const lazy = target instanceof Optional ? this.optionalCall(name, target, args) : undefined;
    if (lazy !== undefined) return lazy;
    const values: Value[] = [];
    for (const arg of args) {
      const value = this.value(arg);
      if (value instanceof Fault) return value;
      values.push(value);
    }
    const result = callFunction({ name, target, args: values });
    this.charge(this.callCost(expr, target, values, result));
    return result;
  }

  /** What comes after a value that is there is not looked at. */
  private optionalCall(name: string, target: Optional, [arg]: readonly Expr[]): Value | undefined {
    if ((name !== "or" && name !== "orValue") || !arg) return undefined;
    this.charge(1);
    if (target.value === undefined) return this.value(arg);
    return name === "or" ? target : target.value;
  }

  /** One operand that decides is enough, whatever the other is. */
  private junction([first, second]: readonly Expr[], decisive: boolean): Value {
    if (!first || !second) return new Fault("no such overload");
    const left = this.value(first);
    if (left === decisive) return decisive;
    const right = this.value(second);
    if (right === decisive) return decisive;
    if (left instanceof Fault) return left;
    if (right instanceof Fault) return right;
    return typeof left === "boolean" && typeof right === "boolean" ? !decisive : new Fault("no such overload");
  }

  private conditional([condition, ifTrue, ifFalse]: readonly Expr[]): Value {
    if (!condition || !ifTrue || !ifFalse) return new Fault("no such overload");
    const value = this.value(condition);
    if (value instanceof Fault) return value;
    if (typeof value !== "boolean") return new Fault("no such overload");
    return this.value(value ? ifTrue : ifFalse);
  }

  private callCost(expr: Call, target: Value | undefined, args: readonly Value[], result: Value): number {
    const nodes = {
      name: expr.name,
      overload: expr.overloads?.[0] ?? "",
      target: target === undefined ? undefined : node(target),
      args: args.map(node),
      sizeAt: () => undefined,
    };
    if (expr.name === "join") return Math.ceil(sizeOfValue(result) * 2 * TRAVERSAL);
    if (MAKES_LISTS.has(expr.name)) return sizeOfValue(result) + 1 + LIST_COST;
    return Math.ceil((callCost(nodes) ?? plainCallCost(nodes)).cost.min);
  }

  private loop(expr: Comprehension): Value {
    const range = this.value(expr.range);
    if (range instanceof Fault) return range;
    const isBinding = expr.condition.kind === "literal" && expr.condition.literal.value === false;
    const { locals } = this;
    const depth = locals.length;
    const accumulator: [string, Value] = [expr.accumulator, this.value(expr.init)];
    locals.push(accumulator);
    if (!isBinding) {
      const fault = this.iterate(expr, range, accumulator);
      if (fault) {
        locals.length = depth;
        return fault;
      }
    }
    const result = this.value(expr.result);
    locals.length = depth;
    return result;
  }

  private iterate(expr: Comprehension, range: Value, accumulator: [string, Value]): Fault | undefined {
    const isList = isSequence(range);
    if (!isList && !isDictionary(range)) return new Fault("no such overload");
    const keys = isList ? [] : range.keys();
    const { locals } = this;
    for (let index = 0; index < range.size; index += 1) {
      const key = isList ? BigInt(index) : (keys[index] ?? null);
      const item = isList ? range.at(index) : key;
      const depth = locals.length;
      locals.push([expr.variable, expr.variable2 === undefined ? item : key]);
      if (expr.variable2 !== undefined)
        locals.push([
          expr.variable2,
          isList ? item : ((range as { get(key: Value): Value | undefined }).get(key) ?? null),
        ]);
      const goesOn = this.value(expr.condition);
      if (goesOn === false) {
        locals.length = depth;
        return undefined;
      }
      accumulator[1] = this.value(expr.step);
      locals.length = depth;
    }
    return undefined;
  }
}

const TYPE_NAMES = new Set([
  "bool",
  "int",
  "uint",
  "double",
  "string",
  "bytes",
  "list",
  "map",
  "null_type",
  "type",
  "optional_type",
  "google.protobuf.Duration",
  "google.protobuf.Timestamp",
]);

/** `authorizer.requestResource` is one variable. */
function qualifiedVariable(
  { operand, field, isTest }: Extract<Expr, { kind: "select" }>,
  variables: Readonly<Record<string, Value>>,
): Value | undefined {
  if (operand.kind !== "ident" || isTest) return undefined;
  const name = `${operand.name}.${field}`;
  if (TYPE_NAMES.has(name)) return new TypeValue(name);
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}

function member(value: Value, field: string): Value | undefined {
  return isDictionary(value) ? value.get(field) : undefined;
}

function node(value: Value): CostNode {
  return { path: undefined, type: DYN, size: fixed(sizeOfValue(value)) };
}
