/**
 * Types of an expression, and whether it fits its environment: cel-go's checker/checker.go, with its messages. Literals have to be
 * homogeneous, as Kubernetes' environment asks for.
 */
import {
  qualifiedName,
  type Call,
  type Comprehension,
  type Expr,
  type List,
  type MapLiteral,
  type Select,
  type Struct,
} from "./ast.ts";
import type { Functions, Overload } from "./declarations.ts";
import type { Issue } from "./issues.ts";
import {
  BOOL,
  BYTES,
  DOUBLE,
  DYN,
  ERROR,
  INT,
  isAny,
  isSameType,
  listOf,
  mapOf,
  mayAccept,
  moreGeneral,
  NULL,
  optionalOf,
  renamed,
  signature,
  STRING,
  TypeBindings,
  typeName,
  UINT,
  type CelType,
} from "./types.ts";

export interface CheckEnvironment {
  functions: Functions;
  /** Variables and names of types. */
  variable(name: string): CelType | undefined;
  /** The type that `Name{…}` makes. */
  struct(name: string): CelType | undefined;
}

const LITERALS = { bool: BOOL, int: INT, uint: UINT, double: DOUBLE, string: STRING, bytes: BYTES, null: NULL };

/** Writes types into the nodes, each of which is in `nodes` once. */
export function check(expr: Expr, environment: CheckEnvironment): { issues: Issue[]; nodes: readonly Expr[] } {
  const checker = new Checker(environment);
  checker.check(expr);
  checker.finish();
  return { issues: checker.issues, nodes: checker.nodes };
}

class Checker {
  readonly issues: Issue[] = [];
  private readonly environment: CheckEnvironment;
  private readonly bindings = new TypeBindings();
  private readonly scopes: Map<string, CelType>[] = [];
  readonly nodes: Expr[] = [];

  constructor(environment: CheckEnvironment) {
    this.environment = environment;
  }

  /** Parts that macros use twice are the same node and are checked once. */
  check(expr: Expr): CelType {
    if (expr.type) return expr.type;
    expr.type = this.typed(expr);
    this.nodes.push(expr);
    return expr.type;
  }

  /** Whatever stayed open is dynamic. */
  finish(): void {
    const resolve = this.bindings.finalResolver();
    for (const expr of this.nodes) expr.type = resolve(expr.type ?? DYN);
  }

  private typed(expr: Expr): CelType {
    switch (expr.kind) {
      case "literal":
        return LITERALS[expr.literal.type];
      case "ident":
        return this.lookup(expr.name) ?? this.undeclared(expr, expr.name);
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
        return this.comprehension(expr);
    }
  }

  private fault({ at }: { at: number }, message: string): CelType {
    this.issues.push({ at, message });
    return ERROR;
  }

  private undeclared(expr: Expr, name: string): CelType {
    return this.fault(expr, `undeclared reference to '${name}' (in container '')`);
  }

  private mismatch(expr: Expr, wanted: CelType, found: CelType): CelType {
    return this.fault(expr, `expected type '${typeName(wanted)}' but found '${typeName(found)}'`);
  }

  private lookup(name: string): CelType | undefined {
    const bare = name.startsWith(".") ? name.slice(1) : name;
    for (let index = this.scopes.length - 1; index >= 0; index -= 1) {
      const found = this.scopes[index]?.get(bare);
      if (found) return found;
    }
    return this.environment.variable(bare);
  }

  private select(expr: Select): CelType {
    if (!expr.isTest) {
      const name = qualifiedName(expr);
      const type = name === undefined ? undefined : this.lookup(name);
      if (type) return type;
    }
    const type = this.field(expr, expr.operand, expr.field);
    return expr.isTest ? BOOL : this.bindings.resolve(type);
  }

  private field(expr: Expr, operand: Expr, name: string, isOptional = false): CelType {
    const type = this.bindings.resolve(this.check(operand));
    const inner = type.kind === "optional" ? (type.params[0] ?? DYN) : type;
    const found = this.fieldOf(expr, inner, name);
    return type.kind === "optional" || isOptional ? optionalOf(found) : found;
  }

  private fieldOf(expr: Expr, type: CelType, name: string): CelType {
    if (type.kind === "map") return type.params[1] ?? DYN;
    if (type.kind === "object") return type.fields?.(name) ?? this.fault(expr, `undefined field '${name}'`);
    if (type.kind === "param") this.bindings.accepts([DYN], [type]);
    else if (!isAny(type)) this.fault(expr, `type '${typeName(type)}' does not support field selection`);
    return DYN;
  }

  private call(expr: Call): CelType {
    const { name, target, args } = expr;
    if (name === "_?._") {
      const [operand, field] = args;
      if (operand && field?.kind === "literal" && field.literal.type === "string") {
        expr.overloads = ["select_optional_field"];
        return this.bindings.resolve(this.field(expr, operand, field.literal.value, true));
      }
    }
    for (const arg of args) this.check(arg);
    if (!target) return this.overloaded(expr, name.startsWith(".") ? name.slice(1) : name, undefined);
    const prefix = qualifiedName(target);
    const qualified = prefix === undefined ? "" : `${prefix}.${name}`;
    if (this.environment.functions.has(qualified)) {
      // The target is but the beginning of the function's name.
      delete expr.target;
      expr.name = qualified;
      return this.overloaded(expr, qualified, undefined);
    }
    this.check(target);
    return this.overloaded(expr, name, target);
  }

  private overloaded(expr: Call, name: string, target: Expr | undefined): CelType {
    const overloads = this.environment.functions.get(name);
    if (!overloads) return this.undeclared(expr, expr.name);
    expr.name = name;
    const operands = target ? [target, ...expr.args] : expr.args;
    if (name === "_&&_" || name === "_||_") return this.junction(expr);
    const given = operands.map((operand) => this.check(operand));
    let result: CelType | undefined;
    const fitting: string[] = [];
    for (const overload of overloads) {
      if (overload.isMember !== (target !== undefined) || !mayAccept(overload.args, given)) continue;
      const made = this.instantiated(overload);
      if (!this.bindings.accepts(made.args, given)) continue;
      fitting.push(overload.id);
      const type = this.bindings.resolve(made.result);
      if (!result) result = type;
      else if (result.kind !== "dyn" && !isSameType(result, type)) result = DYN;
    }
    expr.overloads = fitting;
    if (result) return result;
    const shown = signature(
      given.map((type) => this.bindings.resolve(type, true)),
      target !== undefined,
    );
    return this.fault(expr, `found no matching overload for '${name}' applied to '${shown}'`);
  }

  private junction(expr: Call): CelType {
    expr.overloads = [expr.name === "_&&_" ? "logical_and" : "logical_or"];
    let type = BOOL;
    for (const arg of expr.args) {
      const given = this.check(arg);
      if (!this.bindings.accepts([given], [BOOL])) type = this.mismatch(arg, BOOL, given);
    }
    return type;
  }

  private instantiated({ params, args, result }: Overload): { args: readonly CelType[]; result: CelType } {
    if (params.length === 0) return { args, result };
    const fresh = new Map(params.map((param) => [param, this.bindings.fresh()]));
    return { args: args.map((arg) => renamed(arg, fresh)), result: renamed(result, fresh) };
  }

  private list({ elements, optional }: List): CelType {
    let type: CelType | undefined;
    elements.forEach((element, index) => {
      type = this.joined(element, type, this.unwrapped(element, this.check(element), optional.has(index)));
    });
    return listOf(type ?? this.bindings.fresh());
  }

  private map({ entries }: MapLiteral): CelType {
    let keys: CelType | undefined;
    let values: CelType | undefined;
    for (const { key, value, isOptional } of entries) {
      keys = this.joined(key, keys, this.check(key));
      values = this.joined(value, values, this.unwrapped(value, this.check(value), isOptional));
    }
    return mapOf(keys ?? this.bindings.fresh(), values ?? this.bindings.fresh());
  }

  private unwrapped(expr: Expr, type: CelType, isOptional: boolean): CelType {
    if (!isOptional) return type;
    if (type.kind === "optional") return type.params[0] ?? DYN;
    if (type.kind !== "dyn") this.mismatch(expr, optionalOf(type), type);
    return type;
  }

  private joined(expr: Expr, before: CelType | undefined, type: CelType): CelType {
    if (!before) return type;
    if (this.bindings.accepts([before], [type])) return moreGeneral(before, type);
    return this.mismatch(expr, before, type);
  }

  private struct(expr: Struct): CelType {
    const type = this.environment.struct(expr.name);
    if (!type) return this.undeclared(expr, expr.name);
    for (const { at, name, value, isOptional } of expr.fields) {
      const given = this.unwrapped(value, this.check(value), isOptional);
      const wanted = type.fields?.(name) ?? this.fault({ at }, `undefined field '${name}'`);
      if (this.bindings.accepts([wanted], [given])) continue;
      this.fault(
        { at },
        `expected type of field '${name}' is '${typeName(wanted)}' but provided type is '${typeName(given)}'`,
      );
    }
    return type;
  }

  private comprehension(expr: Comprehension): CelType {
    const range = this.bindings.resolve(this.check(expr.range));
    const accumulated = this.check(expr.init);
    const [first, second] = this.variables(expr, range);
    this.scopes.push(new Map([[expr.accumulator, accumulated]]));
    const variables = new Map([[expr.variable, first]]);
    if (expr.variable2 !== undefined) variables.set(expr.variable2, second);
    this.scopes.push(variables);
    this.expect(expr.condition, BOOL);
    this.expect(expr.step, accumulated);
    this.scopes.pop();
    const result = this.check(expr.result);
    this.scopes.pop();
    return this.bindings.resolve(result);
  }

  private expect(expr: Expr, wanted: CelType): void {
    const given = this.check(expr);
    if (!this.bindings.accepts([wanted], [given])) this.mismatch(expr, wanted, given);
  }

  private variables({ range: expr, variable2 }: Comprehension, range: CelType): [CelType, CelType] {
    const [key = DYN, value = DYN] = range.params;
    if (range.kind === "list") return variable2 === undefined ? [key, DYN] : [INT, key];
    if (range.kind === "map") return [key, value];
    if (range.kind === "param" || isAny(range)) {
      this.bindings.accepts([DYN], [range]);
      return [DYN, DYN];
    }
    const message = `expression of type '${typeName(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`;
    this.fault(expr, message);
    return [ERROR, ERROR];
  }
}
