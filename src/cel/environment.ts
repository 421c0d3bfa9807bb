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
    withBindings: () => environment({ ...declared, hasBindings: true }),
    compile(source) {
      const parsed = parse(source, { hasBindings: declared.hasBindings === true });
      if ("issues" in parsed) return { fault: issuesText(source, parsed.issues) };
      const { expr } = parsed;
      const issues: Issue[] = check(expr, {
        functions,
        variable: (name) => variables.get(name) ?? types.get(name),
        struct: structs,
      });
      const all = issues.length > 0 ? issues : literalIssues(expr);
      if (all.length > 0) return { fault: issuesText(source, all) };
      return { compiled: { source, expr, type: expr.type ?? DYN } };
    },
  };
}

export type { CelType } from "./types.ts";
export { typeName } from "./types.ts";

/** The one of this process, made when it is first asked for. */
export const celEnvironment: () => CelEnvironment = once(createCelEnvironment);

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
