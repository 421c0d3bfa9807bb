/** Calls that are loops or tests in disguise: cel-go's parser/macro.go, cel/library.go (optionals) and ext/comprehensions.go. */
import { ACCUMULATOR, call, ident, literal, type Call, type Comprehension, type Expr, type List } from "./ast.ts";
import type { Issue } from "./issues.ts";

export type Expansion = { expr: Expr } | { issue: Issue };

/** undefined: it is an ordinary call. */
export function expandMacro(made: Call, { hasBindings }: { hasBindings: boolean }): Expansion | undefined {
  const { name, target, args } = made;
  const isCel = target?.kind === "ident" && target.name === "cel";
  if (isCel && name === "bind" && args.length === 3 && hasBindings) return binding(made);
  if (!target) return name === "has" && args.length === 1 ? presence(made) : undefined;
  switch (`${name}/${args.length}`) {
    case "all/2":
    case "exists/2":
    case "exists_one/2":
    case "existsOne/2":
      return quantifier(made, target);
    case "map/2":
    case "map/3":
    case "filter/2":
      return listMacro(made, target);
    case "optMap/2":
    case "optFlatMap/2":
      return optionalMacro(made, target);
    case "all/3":
    case "exists/3":
    case "exists_one/3":
    case "existsOne/3":
      return quantifier(made, target, 2);
    case "transformList/3":
    case "transformList/4":
    case "transformMap/3":
    case "transformMap/4":
    case "transformMapEntry/3":
    case "transformMapEntry/4":
      return transform(made, target);
    default:
      return undefined;
  }
}

function fault(expr: Expr, message: string): Expansion {
  return { issue: { at: expr.at, message } };
}

function presence({ at, args: [arg] }: Call): Expansion | undefined {
  if (!arg) return undefined;
  if (arg.kind !== "select") return fault(arg, "invalid argument to has() macro");
  return { expr: { ...arg, at, isTest: true } };
}

const OVERWRITES = "iteration variable overwrites accumulator variable";

/** The names of variables, or what is wrong with them. */
function variables(args: readonly Expr[], message: string): string[] | Expansion {
  const names: string[] = [];
  for (const arg of args) {
    if (arg.kind !== "ident") return fault(arg, message);
    if (arg.name === ACCUMULATOR || arg.name === "__result__") return fault(arg, OVERWRITES);
    if (names.includes(arg.name)) return fault(arg, `duplicate variable name: ${arg.name}`);
    names.push(arg.name);
  }
  return names;
}

type Loop = Pick<Comprehension, "init" | "condition" | "step" | "result">;

function loop(at: number, range: Expr, [variable = "", variable2]: readonly string[], parts: Loop): Expansion {
  const names = { variable, ...(variable2 === undefined ? {} : { variable2 }), accumulator: ACCUMULATOR };
  return { expr: { kind: "comprehension", at, range, ...names, ...parts } };
}

function quantifier({ at, name, args }: Call, range: Expr, count = 1): Expansion {
  const names = variables(args.slice(0, count), "argument must be a simple name");
  if (!Array.isArray(names)) return names;
  const [predicate] = args.slice(count);
  if (!predicate) return fault(range, "argument must be a simple name");
  const accumulator = (): Expr => ident(at, ACCUMULATOR);
  const boolean = (value: boolean): Expr => literal(at, { type: "bool", value });
  const one = (): Expr => literal(at, { type: "int", value: 1n });
  if (name === "all") {
    return loop(at, range, names, {
      init: boolean(true),
      condition: call(at, "@not_strictly_false", accumulator()),
      step: call(at, "_&&_", accumulator(), predicate),
      result: accumulator(),
    });
  }
  if (name === "exists") {
    return loop(at, range, names, {
      init: boolean(false),
      condition: call(at, "@not_strictly_false", call(at, "!_", accumulator())),
      step: call(at, "_||_", accumulator(), predicate),
      result: accumulator(),
    });
  }
  return loop(at, range, names, {
    init: literal(at, { type: "int", value: 0n }),
    condition: boolean(true),
    step: call(at, "_?_:_", predicate, call(at, "_+_", accumulator(), one()), accumulator()),
    result: call(at, "_==_", accumulator(), one()),
  });
}

function list(at: number, ...elements: Expr[]): List {
  return { kind: "list", at, elements, optional: new Set() };
}

function listMacro({ at, name, args }: Call, range: Expr): Expansion {
  const names = variables(args.slice(0, 1), "argument is not an identifier");
  if (!Array.isArray(names)) return names;
  const [variable, second, third] = args;
  const item = name === "filter" ? variable : (third ?? second);
  const filter = name === "filter" || third ? second : undefined;
  return appending(at, range, names, { item: item ?? range, filter });
}

function appending(
  at: number,
  range: Expr,
  names: readonly string[],
  { item, filter }: { item: Expr; filter: Expr | undefined },
): Expansion {
  const accumulator = (): Expr => ident(at, ACCUMULATOR);
  const append = call(at, "_+_", accumulator(), list(at, item));
  return loop(at, range, names, {
    init: list(at),
    condition: literal(at, { type: "bool", value: true }),
    step: filter ? call(at, "_?_:_", filter, append, accumulator()) : append,
    result: accumulator(),
  });
}

/** `target.hasValue() ? optional.of(x, where x is target.value()) : optional.none()`. */
function optionalMacro({ at, name, args: [variable, body] }: Call, target: Expr): Expansion {
  if (!variable || !body) return fault(target, "invalid argument");
  if (variable.kind !== "ident") return fault(variable, `${name}() variable name must be a simple identifier`);
  const member = (method: string): Expr => ({ kind: "call", at, name: method, target, args: [] });
  const bound = named(at, variable.name, { value: member("value"), body });
  const present = name === "optMap" ? call(at, "optional.of", bound) : bound;
  return { expr: call(at, "_?_:_", member("hasValue"), present, call(at, "optional.none")) };
}

/** `cel.bind(name, value, body)`. */
function binding({ at, args: [variable, value, body] }: Call): Expansion {
  if (variable?.kind !== "ident" || !value || !body) {
    return { issue: { at: variable?.at ?? at, message: "cel.bind() variable names must be simple identifiers" } };
  }
  return { expr: named(at, variable.name, { value, body }) };
}

/** A loop that never runs: its accumulator is the name of a value. */
function named(at: number, name: string, { value, body }: { value: Expr; body: Expr }): Comprehension {
  return {
    kind: "comprehension",
    at,
    range: list(at),
    variable: "#unused",
    accumulator: name,
    init: value,
    condition: literal(at, { type: "bool", value: false }),
    step: ident(at, name),
    result: body,
  };
}

function transform({ at, name, args }: Call, range: Expr): Expansion {
  const names = variables(args.slice(0, 2), "argument must be a simple name");
  if (!Array.isArray(names)) return names;
  const rest = args.slice(2);
  const value = rest.at(-1) ?? range;
  const filter = rest.length === 2 ? rest[0] : undefined;
  if (name === "transformList") return appending(at, range, names, { item: value, filter });
  const accumulator = (): Expr => ident(at, ACCUMULATOR);
  const inserted =
    name === "transformMap"
      ? call(at, "cel.@mapInsert", accumulator(), ident(at, names[0] ?? ""), value)
      : call(at, "cel.@mapInsert", accumulator(), value);
  return loop(at, range, names, {
    init: { kind: "map", at, entries: [] },
    condition: literal(at, { type: "bool", value: true }),
    step: filter ? call(at, "_?_:_", filter, inserted, accumulator()) : inserted,
    result: accumulator(),
  });
}
