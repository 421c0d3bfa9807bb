/** Literal arguments that can only fail: cel-go's AST validators of durations, timestamps and regular expressions (cel/validator.go). */
import { RegexpError, parseRegexp } from "../regexp/parse.ts";
import type { Expr } from "./ast.ts";
import type { Issue } from "./issues.ts";
import { parseDuration, parseTimestamp } from "./time.ts";

const VALIDATED: Readonly<Record<string, (text: string) => boolean>> = {
  duration: (text) => parseDuration(text) !== undefined,
  timestamp: (text) => parseTimestamp(text) !== undefined,
  matches: isRegexp,
};

export function literalIssues(nodes: readonly Expr[]): Issue[] {
  const issues: Issue[] = [];
  for (const node of nodes) {
    if (node.kind !== "call" || !Object.hasOwn(VALIDATED, node.name)) continue;
    const [arg] = node.args;
    if (arg?.kind !== "literal" || arg.literal.type !== "string") continue;
    if (VALIDATED[node.name]?.(arg.literal.value)) continue;
    issues.push({ at: arg.at, message: `invalid ${node.name} argument` });
  }
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
