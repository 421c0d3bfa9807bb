/** Sets of tolerations (pkg/util/tolerations). */
import type { Toleration } from "../kinds/core/pods/types.ts";
import { equalJson } from "../machinery/patch/json-value.ts";

/** All of both in their order, without those that another one covers; of equal ones the first. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second];
  return all.filter(
    (one, at) =>
      !all.some((other, otherAt) => {
        if (at === otherAt || !covers(other, one)) return false;
        return equalJson(one, other) ? otherAt < at : !covers(one, other) || otherAt < at;
      }),
  );
}

/** Whether whatever the second tolerates the first does, too. */
export function covers(wide: Toleration, narrow: Toleration): boolean {
  if (equalJson(wide, narrow)) return true;
  const { key = "", operator = "", effect = "", value = "", tolerationSeconds } = wide;
  if ((narrow.key ?? "") !== key && !(key === "" && operator === "Exists")) return false;
  if (effect !== "" && (narrow.effect ?? "") !== effect) return false;
  if (effect === "NoExecute" && tolerationSeconds !== undefined) {
    if (narrow.tolerationSeconds === undefined || narrow.tolerationSeconds > tolerationSeconds) return false;
  }
  if (operator === "Exists") return true;
  return (operator === "" || operator === "Equal") && narrow.operator === "Equal" && (narrow.value ?? "") === value;
}

/** Is each of them covered by one of the list? */
export function areCovered(tolerations: readonly Toleration[], by: readonly Toleration[]): boolean {
  return tolerations.every((one) => by.some((wide) => covers(wide, one)));
}
