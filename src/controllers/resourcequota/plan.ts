/** What a quota's status is to be, by what there is: pure. After CalculateUsage of k8s.io/apiserver/pkg/quota/v1. */
import { addAll, quantitiesOf, type Quantities } from "../../kinds/core/pods/pod-resources.ts";
import type { Pod, ResourceList } from "../../kinds/core/pods/types.ts";
import { matchesScope, scopesOf } from "../../kinds/core/resourcequotas/scopes.ts";
import type { ResourceQuota } from "../../kinds/core/resourcequotas/types.ts";
import { isRunning, isUsedBy, listOf, overdueMs, usageOf } from "../../kinds/core/resourcequotas/usage.ts";
import { groupResource, type ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject } from "../../machinery/meta.ts";

/** Kinds whose objects differ in what they use; of others it is enough to know how many there are. */
const MEASURED: ReadonlySet<string> = new Set([
  "pods",
  "services",
  "persistentvolumeclaims",
  "resourceclaims.resource.k8s.io",
]);

export interface ToCount {
  ref: ResourceRef;
  groupResource: string;
  /** Each object is looked at; otherwise they are only counted. */
  measured: boolean;
  /** Resources of the quota that they use. */
  names: string[];
}

/** Which kinds have to be looked at for a quota. */
export function kindsToCount({ spec }: ResourceQuota, resources: readonly ResourceRef[]): ToCount[] {
  const limited = Object.keys(spec.hard ?? {});
  return resources
    .filter(({ namespaced }) => namespaced)
    .flatMap((ref) => {
      const of = groupResource(ref.group, ref.resource);
      const names = limited.filter((name) => isUsedBy(of, name));
      return names.length === 0 ? [] : [{ ref, groupResource: of, measured: MEASURED.has(of), names }];
    });
}

/** Kinds that know no scopes are not in a quota that has any. */
export function isOutside(quota: ResourceQuota, { measured }: ToCount): boolean {
  return !measured && scopesOf(quota).length > 0;
}

export interface Tally {
  used: Quantities;
  /** Unix ms at which a pod that is being deleted counts no more. */
  againMs?: number;
}

/** Adds what these objects use of the quota. */
export function measure(
  tally: Tally,
  {
    quota,
    kind,
    objects,
    nowMs,
  }: { quota: ResourceQuota; kind: ToCount; objects: readonly KubeObject[]; nowMs: number },
): void {
  const scopes = scopesOf(quota);
  for (const object of objects) {
    if (!scopes.every((scope) => matchesScope(kind.groupResource, object, scope))) continue;
    const usage = Object.entries(usageOf(kind.groupResource, object, nowMs));
    addAll(tally.used, quantitiesOf(Object.fromEntries(usage.filter(([name]) => kind.names.includes(name)))));
    if (kind.groupResource !== "pods" || !isRunning(object as Pod, nowMs)) continue;
    const endMs = overdueMs(object.metadata);
    if (endMs !== undefined) tally.againMs = Math.min(endMs + 1, tally.againMs ?? Number.POSITIVE_INFINITY);
  }
}

/** Undefined where the quota says so already. What nothing can use has no usage. */
export function planStatus(
  { spec, status }: ResourceQuota,
  { kinds, tally }: { kinds: readonly ToCount[]; tally: Tally },
): { hard: ResourceList; used: ResourceList } | undefined {
  const hard = spec.hard ?? {};
  const zeros = kinds.flatMap(({ names }) => names).map((name): [string, string] => [name, "0"]);
  const used = { ...Object.fromEntries(zeros), ...listOf(tally.used) };
  if (status?.hard && status.used && isSame(status.hard, hard) && isSame(status.used, used)) return undefined;
  return { hard, used };
}

function isSame(a: ResourceList, b: ResourceList): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
