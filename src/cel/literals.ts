/** Literal arguments that can only fail: cel-go's AST validators of durations, timestamps and regular expressions (cel/validator.go). */
import { RegexpError, parseRegexp } from "../regexp/parse.ts";
import type { Expr } from "./ast.ts";
import type { Issue } from "./issues.ts";
import { parseDuration, parseTimestamp } from "./time.ts";
import { walk } from "./walk.ts";

const VALIDATED: Readonly<Record<string, (text: string) => boolean>> = {
  duration: (text) => parseDuration(text) !== undefined,
  timestamp: (text) => parseTimestamp(text) !== undefined,
  matches: isRegexp,
};

export function literalIssues(root: Expr): Issue[] {
  const issues: Issue[] = [];
  walk(root, (expr) => {
    if (expr.kind !== "call" || !Object.hasOwn(VALIDATED, expr.name)) return;
    const [arg] = expr.args;
    if (arg?.kind !== "literal" || arg.literal.type !== "string") return;
    if (VALIDATED[expr.name]?.(arg.literal.value)) return;
    issues.push({ at: arg.at, message: `invalid ${expr.name} argument` });
  });
  return issues;
}

function isRegexp(pattern: string): boolean {
  try {
    parseRegexp(pattern);
    return true;
  } catch (error) {
    if (error instanceof RegexpError) return false;
    throw error;
  }
}
