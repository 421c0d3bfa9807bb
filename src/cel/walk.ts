import type { Expr } from "./ast.ts";

/** Every node once, also what macros use twice. */
export function walk(root: Expr, visit: (expr: Expr) => void): void {
  const seen = new Set<Expr>();
  const pending: Expr[] = [root];
  for (let expr = pending.pop(); expr; expr = pending.pop()) {
    if (seen.has(expr)) continue;
    seen.add(expr);
    visit(expr);
    pending.push(...partsOf(expr));
  }
}

function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "select":
      return [expr.operand];
    case "call":
      return expr.target ? [expr.target, ...expr.args] : expr.args;
    case "list":
      return expr.elements;
    case "map":
      return expr.entries.flatMap(({ key, value }) => [key, value]);
    case "struct":
      return expr.fields.map(({ value }) => value);
    case "comprehension":
      return [expr.range, expr.init, expr.condition, expr.step, expr.result];
    default:
      return [];
  }
}
