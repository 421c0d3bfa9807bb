/**
 * The one seam to expressions (CEL, https://cel.dev): an environment says what they may use, and compiles them. Nothing else of this
 * folder is for others.
 */
import type { Expr } from "./ast.ts";
import { check } from "./checker.ts";
import { declareFunctions, declareTypes, type Functions } from "./declarations.ts";
import { issuesText, type Issue } from "./issues.ts";
import { literalIssues } from "./literals.ts";
import { parse } from "./parser.ts";
import { DYN, type CelType } from "./types.ts";

export interface CompiledExpression {
  source: string;
  expr: Expr;
  /** All parts of it, itself too, each once. */
  nodes: readonly Expr[];
  type: CelType;
}

export type Compilation =
  | { compiled: CompiledExpression }
  /** As cel-go writes it: `ERROR: <input>:1:5: undefined field 'x'` and the place below it, a fault after another. */
  | { fault: string };

export interface CelEnvironment {
  /** Never throws, whatever the text. */
  compile(source: string): Compilation;
  /** The same with other variables as well, or instead. */
  with(variables: Readonly<Record<string, CelType>>, structs?: StructTypes): CelEnvironment;
  /**
   * The same, but all that is compiled in it and in what is made of it may be so large together: a character counts one, a part of
   * the tree eight (macros make parts of little text). 1,000 are compiled and costed in half a millisecond at worst.
   */
  withBudget(sizeMax: number): CelEnvironment;
  /** The same with the macro `cel.bind(name, value, expression)`. */
  withBindings(): CelEnvironment;
}

/** The type that `Name{…}` makes. */
export type StructTypes = (name: string) => CelType | undefined;

/** With the functions of an API server and no variables. Costs about a millisecond once; keep it. */
export function createCelEnvironment(): CelEnvironment {
  return environment({
    functions: declareFunctions(),
    types: declareTypes(),
    variables: new Map(),
    structs: () => undefined,
  });
}

interface Declarations {
  functions: Functions;
  types: ReadonlyMap<string, CelType>;
  variables: ReadonlyMap<string, CelType>;
  structs: StructTypes;
  hasBindings?: boolean;
  budget?: { readonly max: number; used: number };
}

function environment(declared: Declarations): CelEnvironment {
  const { functions, types, variables, structs } = declared;
  return {
    with: (more, moreStructs = structs) =>
      environment({
        ...declared,
        variables: new Map([...variables, ...Object.entries(more)]),
        structs: moreStructs,
      }),
    withBudget: (max) => environment({ ...declared, budget: { max, used: 0 } }),
    withBindings: () => environment({ ...declared, hasBindings: true }),
    compile(source) {
      const { budget } = declared;
      if (budget) {
        budget.used += source.length;
        if (budget.used > budget.max) return { fault: issuesText(source, [overBudget(budget)]) };
      }
      const parsed = parse(source, { hasBindings: declared.hasBindings === true });
      if ("issues" in parsed) return { fault: issuesText(source, parsed.issues) };
      const { expr } = parsed;
      const { issues, nodes } = check(expr, {
        functions,
        variable: (name) => variables.get(name) ?? types.get(name),
        struct: structs,
      });
      if (budget) budget.used += nodes.length * PART_SIZE;
      const all = issues.length > 0 ? issues : literalIssues(nodes);
      if (all.length > 0) return { fault: issuesText(source, all) };
      return { compiled: { source, expr, nodes, type: expr.type ?? DYN } };
    },
  };
}

export type { CelType } from "./types.ts";
export { typeName } from "./types.ts";

const PART_SIZE = 8;

function overBudget({ used, max }: { used: number; max: number }): Issue {
  return { at: undefined, message: `size of all expressions of the object exceeds limit: size: ${used}, limit ${max}` };
}

/** The one of this process, made when it is first asked for. */
export const celEnvironment: () => CelEnvironment = once(createCelEnvironment);

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
