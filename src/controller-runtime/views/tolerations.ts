/** Which taints a pod puts up with (k8s.io/api/core/v1, Toleration.ToleratesTaint). */
import type { Taint, Toleration } from "../../kinds/core/pods/types.ts";

export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some((toleration) => toleratesTaint(toleration, taint));
}

export function toleratesTaint(
  { key = "", operator = "Equal", value = "", effect }: Toleration,
  taint: Taint,
): boolean {
  if (effect !== undefined && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  switch (operator) {
    case "Exists":
      return true;
    case "Equal":
      return key !== "" && value === (taint.value ?? "");
    case "Lt":
    case "Gt":
      return compares(operator, { taint: taint.value ?? "", toleration: value });
    default:
      return false;
  }
}

/** KEP-5471: whole numbers; anything else tolerates nothing. */
function compares(operator: "Lt" | "Gt", values: { taint: string; toleration: string }): boolean {
  const whole = /^-?\d+$/;
  if (!whole.test(values.taint) || !whole.test(values.toleration)) return false;
  const [taint, toleration] = [BigInt(values.taint), BigInt(values.toleration)];
  return operator === "Lt" ? taint < toleration : taint > toleration;
}
