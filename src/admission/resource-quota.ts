/**
 * ResourceQuota: nothing comes into a namespace beyond what its quotas allow (k8s.io/apiserver/pkg/admission/plugin/resourcequota). What
 * is said here is which quotas a write is charged to; the hub charges them in the batch that stores it (hub/quota-book.ts). A namespace
 * that is not known to have quotas is taken to have none, and the write itself sees to it that this is true: so it costs no read.
 */
import { isTerminating, matchesScope, scopesOf, type ScopeRequirement } from "../kinds/core/resourcequotas/scopes.ts";
import { increase, isCounted, isUsedBy, unnamedOf, usageOf } from "../kinds/core/resourcequotas/usage.ts";
import type { ResourceQuota } from "../kinds/core/resourcequotas/types.ts";
import type { Pod, ResourceList } from "../kinds/core/pods/types.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { chargeQuota } from "../machinery/quota-amounts.ts";
import { StatusError } from "../machinery/status-error.ts";
import type { Clock } from "../platform/platform.ts";
import type { QuotaCharge } from "../storage/storage.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import type { NamespaceRulesReader } from "./namespace-rules.ts";
import { refused } from "./refusal.ts";

/** What may only be used where a quota covers it (`limitedResources` of a ResourceQuotaConfiguration). */
export interface LimitedResource {
  apiGroup?: string;
  resource: string;
  /** Parts of names of resources: whoever uses such a one needs a quota for it. */
  matchContains?: readonly string[];
  matchScopes?: readonly ScopeRequirement[];
}

export interface ResourceQuotaDeps {
  rules: Pick<NamespaceRulesReader, "of" | "quotasOf">;
  clock: Clock;
  limitedResources?: readonly LimitedResource[];
}

/** Namespaces that are known to have quotas. */
const REMEMBERED_MAX = 10_000;

export function createResourceQuota(deps: ResourceQuotaDeps): AdmissionPlugin {
  const { rules, clock, limitedResources = [] } = deps;
  const withQuotas = new Set<string>();

  return {
    name: "ResourceQuota",
    async validate(attributes) {
      delete attributes.quotas;
      const asked = askedOf(attributes, clock.now());
      if (!asked) return;
      const limited = limitedResources.filter((one) => groupResourceOf(one) === asked.groupResource);
      const quotas = await quotasFor(attributes, limited.length > 0);
      const matching = quotas.filter((quota) => matches(quota, asked));
      for (const quota of matching) assertCountable(attributes, quota, asked);
      const charges = matching.flatMap((quota): QuotaCharge[] => chargeOf(quota, asked));
      const isMore = charges.length > 0 || Object.keys(asked.more).length > 0;
      if (isMore) assertCovered(attributes, { asked, limited, quotas, matching });
      if (attributes.dryRun) return assertWithin(attributes, matching, charges);
      attributes.quotas = { uids: quotas.map(({ metadata }) => metadata.uid ?? ""), charges };
    },
  };

  async function quotasFor(attributes: AdmissionAttributes, needed: boolean): Promise<readonly ResourceQuota[]> {
    const { namespace, operation, resource, group, stale, dryRun } = attributes;
    if (!stale && operation === "CREATE" && group === "" && resource === "pods")
      return (await rules.of(attributes)).quotas;
    if (!stale && !dryRun && !needed && !withQuotas.has(namespace)) return [];
    const quotas = await rules.quotasOf(namespace);
    withQuotas.delete(namespace);
    if (quotas.length > 0) withQuotas.add(namespace);
    const [oldest] = withQuotas;
    if (withQuotas.size > REMEMBERED_MAX && oldest !== undefined) withQuotas.delete(oldest);
    return quotas;
  }
}

interface Asked {
  groupResource: string;
  object: KubeObject;
  old: KubeObject | undefined;
  /** All that the object uses. */
  usage: ResourceList;
  /** What that is more than before. */
  more: ResourceList;
}

/** Undefined where nothing can be more than before. */
function askedOf(attributes: AdmissionAttributes, nowMs: number): Asked | undefined {
  const { operation, group, resource, subresource, namespace, object } = attributes;
  const groupResource = groupResourceOf({ apiGroup: group, resource });
  if (namespace === "" || !object || !isCounted(groupResource)) return undefined;
  if (operation === "CREATE") {
    if (subresource !== "") return undefined;
    const usage = usageOf(groupResource, object, nowMs);
    return { groupResource, object, old: undefined, usage, more: usage };
  }
  const old = operation === "UPDATE" ? attributes.oldObject : undefined;
  if (!old || !mayUseMore(groupResource, { subresource, object, old })) return undefined;
  const usage = usageOf(groupResource, object, nowMs);
  const more = increase(usageOf(groupResource, old, nowMs), usage);
  const moves = groupResource === "pods" && isTerminating(object as Pod) !== isTerminating(old as Pod);
  return Object.keys(more).length === 0 && !moves ? undefined : { groupResource, object, old, usage, more };
}

/** Updates that can use more of anything. A pod that gets or loses its deadline moves from one scope to another. */
function mayUseMore(
  groupResource: string,
  { subresource, object, old }: { subresource: string; object: KubeObject; old: KubeObject },
): boolean {
  if (groupResource === "services" || groupResource === "persistentvolumeclaims") return true;
  if (groupResource !== "pods") return false;
  return subresource === "resize" || (subresource === "" && isTerminating(object as Pod) !== isTerminating(old as Pod));
}

function groupResourceOf({ apiGroup = "", resource }: { apiGroup?: string; resource: string }): string {
  return apiGroup === "" ? resource : `${resource}.${apiGroup}`;
}

/** A quota counts from the moment it is made, and is held to once it has been counted what there is. */
function matches(quota: ResourceQuota, { groupResource, object }: Asked): boolean {
  const names = [...Object.keys(quota.spec.hard ?? {}), ...Object.keys(quota.status?.hard ?? {})];
  if (!names.some((name) => isUsedBy(groupResource, name))) return false;
  return scopesOf(quota).every((scope) => matchesScope(groupResource, object, scope));
}

/** Resources of the quota that it is held to and that such objects use. */
function limitsOf(quota: ResourceQuota, { groupResource }: Asked): string[] {
  return Object.keys(quota.status?.hard ?? {})
    .filter((name) => isUsedBy(groupResource, name))
    .toSorted();
}

/** @throws StatusError "Forbidden" */
function assertCountable(attributes: AdmissionAttributes, quota: ResourceQuota, asked: Asked): void {
  const { name } = quota.metadata;
  const names = limitsOf(quota, asked);
  const unnamed = asked.groupResource === "pods" ? unnamedOf(asked.object as Pod, names) : undefined;
  if (unnamed !== undefined) throw refused(attributes, `failed quota: ${name}: must specify ${unnamed}`);
  if (names.every((resource) => quota.status?.used?.[resource] !== undefined)) return;
  throw refused(attributes, `status unknown for quota: ${name}, resources: ${names.join(",")}`);
}

function chargeOf(quota: ResourceQuota, asked: Asked): QuotaCharge[] {
  const { name = "", uid = "" } = quota.metadata;
  // What was not in the quota's scopes before is charged in full.
  const before = asked.old && matches(quota, { ...asked, object: asked.old });
  const usage = Object.fromEntries(
    Object.entries(before ? asked.more : asked.usage).filter(([resource]) => isUsedBy(asked.groupResource, resource)),
  );
  return Object.keys(usage).length === 0 ? [] : [{ name, uid, usage }];
}

/** @throws StatusError "Forbidden" or "InternalError", which is what the plugin upstream makes of scopes */
function assertCovered(
  attributes: AdmissionAttributes,
  parts: {
    asked: Asked;
    limited: readonly LimitedResource[];
    quotas: readonly ResourceQuota[];
    matching: readonly ResourceQuota[];
  },
): void {
  const { asked, limited, quotas, matching } = parts;
  const covered = new Set(matching.flatMap((quota) => limitsOf(quota, asked)));
  const uncovered = Object.keys(asked.usage).filter(
    (name) =>
      asked.usage[name] !== "0" &&
      !covered.has(name) &&
      limited.some(({ matchContains = [] }) => matchContains.some((part) => name.includes(part))),
  );
  if (uncovered.length > 0) {
    throw refused(attributes, `insufficient quota to consume: ${uncovered.toSorted().join(",")}`);
  }
  const inScope = (scope: ScopeRequirement) => matchesScope(asked.groupResource, asked.object, scope);
  const offered = new Set(
    quotas
      .flatMap(scopesOf)
      .filter(inScope)
      .map(({ scopeName }) => scopeName),
  );
  const missing = limited
    .flatMap(({ matchScopes = [] }) => matchScopes)
    .filter((scope) => inScope(scope) && !offered.has(scope.scopeName));
  if (missing.length === 0) return;
  const shown = missing.map(
    ({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(" ")}]}`,
  );
  throw new StatusError("InternalError", `insufficient quota to match these scopes: [${shown.join(" ")}]`);
}

/** What the hub would have said. @throws StatusError "Forbidden" */
function assertWithin(
  attributes: AdmissionAttributes,
  matching: readonly ResourceQuota[],
  charges: readonly QuotaCharge[],
): void {
  for (const { name, usage } of charges) {
    const quota = matching.find(({ metadata }) => metadata.name === name);
    const answer = chargeQuota(quota?.status ?? {}, usage);
    if ("exceeded" in answer) throw refused(attributes, `exceeded quota: ${name}, ${answer.exceeded}`);
  }
}
