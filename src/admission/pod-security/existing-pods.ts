/** What of the pods that run in a namespace would violate a new level: they stay, but whoever sets it is told. */
import type { Pod } from "../../kinds/core/pods/types.ts";
import { reasonsOf, violationsOf } from "./evaluate.ts";
import { levelVersionText, type LevelVersion } from "./policy.ts";

/** At most `limit` pods of a namespace, and how many there are. */
export type ListPods = (query: {
  namespace: string;
  limit: number;
}) => Promise<{ pods: readonly Pod[]; total: number }>;

const PODS_MAX = 3_000;

interface Asked {
  namespace: string;
  enforce: LevelVersion;
  listPods: ListPods;
  exemptions: { runtimeClasses: readonly string[] };
}

/** One line for each set of reasons, in order of the pods they name. */
export async function warningsOfPods({ namespace, enforce, listPods, exemptions }: Asked): Promise<string[]> {
  const { pods, total } = await listPods({ namespace, limit: PODS_MAX });
  const found = new Map<string, { name: string; count: number }>();
  for (const { metadata, spec } of pods) {
    if (spec.runtimeClassName && exemptions.runtimeClasses.includes(spec.runtimeClassName)) continue;
    const violations = violationsOf(enforce, { metadata, spec });
    if (violations.length === 0) continue;
    const reasons = reasonsOf(violations);
    const name = metadata.name ?? "";
    const before = found.get(reasons) ?? { name, count: 0 };
    found.set(reasons, { name: name < before.name ? name : before.name, count: before.count + 1 });
  }
  const warnings: string[] = [];
  if (pods.length < total) {
    warnings.push(
      `new PodSecurity enforce level only checked against the first ${pods.length} of ${total} existing pods`,
    );
  }
  if (found.size === 0) return warnings;
  warnings.push(
    `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${levelVersionText(enforce)}"`,
  );
  return [
    ...warnings,
    ...[...found].map(([reasons, { name, count }]) => `${name}${others(count)}: ${reasons}`).toSorted(),
  ];
}

function others(count: number): string {
  if (count === 1) return "";
  return count === 2 ? " (and 1 other pod)" : ` (and ${count - 1} other pods)`;
}
