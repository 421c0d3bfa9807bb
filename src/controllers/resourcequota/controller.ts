/**
 * Counts what there is in namespaces with quotas: when a quota is made or changed, and when something that counts goes or ends. What
 * comes is charged where it is written (hub/quota-book.ts); as every such write changes the quota, what is counted here is stored only
 * if nothing has come since.
 */
import { watching, type Controller, type Watch } from "../../controller-runtime/manager.ts";
import type { Key, ReconcileResult } from "../../controller-runtime/reconciler.ts";
import type { Change } from "../../controller-runtime/informer.ts";
import { isFinished, type PodView } from "../../controller-runtime/views/pod-view.ts";
import { keyOf, type View } from "../../controller-runtime/views/view.ts";
import { resourceQuotas, type ResourceQuota } from "../../kinds/core/resourcequotas/types.ts";
import { isCounted, isUsedBy } from "../../kinds/core/resourcequotas/usage.ts";
import { groupResource, type ResourceRef } from "../../machinery/gvk.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import { isOutside, kindsToCount, measure, planStatus, type Tally, type ToCount } from "./plan.ts";

export interface ResourceQuotaDeps extends ControllerDeps<"pods" | "resourceQuotas" | "all"> {
  /** Everything that is served. */
  resources: readonly ResourceRef[];
}

/** Objects that are read at once. */
const PAGE = 500;
/** Lost races before the others get their turn. */
const TRIES = 8;
const AGAIN_MS = 100;

export function createResourceQuotaController({ client, stores, platform, resources }: ResourceQuotaDeps): Controller {
  async function reconcile(key: Key): Promise<ReconcileResult> {
    const [namespace = "", name = ""] = key.split("/");
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const found = await client.list<ResourceQuota>(resourceQuotas, {
        namespace,
        fieldSelector: `metadata.name=${name}`,
      });
      const quota = found.items[0];
      if (!quota) return { done: true };
      const nowMs = platform.clock.now();
      const kinds = kindsToCount(quota, resources);
      const tally = await count(quota, kinds, nowMs);
      const status = planStatus(quota, { kinds, tally });
      if (!status || (await write({ ...quota, status }))) return laterOf(tally, nowMs);
    }
    return { againAfterMs: AGAIN_MS };
  }

  async function count(quota: ResourceQuota, kinds: readonly ToCount[], nowMs: number): Promise<Tally> {
    const { namespace = "" } = quota.metadata;
    const tally: Tally = { used: new Map() };
    for (const kind of kinds) {
      if (isOutside(quota, kind)) continue;
      if (!kind.measured) {
        const { items, metadata } = await client.list(kind.ref, { namespace, limit: 1 });
        const total = BigInt(items.length + (metadata.remainingItemCount ?? 0)) * 1_000_000_000n;
        for (const name of kind.names) tally.used.set(name, { nano: total, format: "DecimalSI" });
        continue;
      }
      for (let next: string | undefined = ""; next !== undefined;) {
        const page: Awaited<ReturnType<typeof client.list>> = await client.list(kind.ref, {
          namespace,
          limit: PAGE,
          ...(next === "" ? {} : { continue: next }),
        });
        measure(tally, { quota, kind, objects: page.items, nowMs });
        next = page.metadata.continue || undefined;
      }
    }
    return tally;
  }

  /** False where the quota has changed since it was read. */
  async function write(quota: ResourceQuota): Promise<boolean> {
    try {
      stores.resourceQuotas.observe(await client.update(resourceQuotas, quota, "status"));
      return true;
    } catch (error) {
      if (isStatusError(error, "Conflict")) return false;
      if (isStatusError(error, "NotFound")) return true;
      throw error;
    }
  }

  /** The quotas that something counts for. */
  function concerned(of: string, { metadata }: View): Key[] {
    return stores.resourceQuotas
      .by("namespace", metadata.namespace)
      .filter(({ limited }) => limited.some((name) => isUsedBy(of, name)))
      .map((quota) => keyOf(quota.metadata));
  }

  const counted = resources.filter(
    ({ namespaced, group, resource }) => namespaced && isCounted(groupResource(group, resource)),
  );
  return {
    name: "resourcequota-controller",
    concurrency: 2,
    watches: [
      watching(stores.resourceQuotas, ({ metadata, counted: done }, { before }) =>
        done && before ? [] : [keyOf(metadata)],
      ),
      watching(stores.pods, (pod, change) => (isPodFreed(change) ? concerned("pods", pod) : [])),
      ...counted.flatMap(({ group, resource }): Watch[] => {
        const of = groupResource(group, resource);
        const informer = of === "pods" ? undefined : stores.all.get(of);
        return informer ? [watching(informer, (view, change) => (isFreed(of, change) ? concerned(of, view) : []))] : [];
      }),
    ],
    reconcile,
  };
}

function laterOf({ againMs }: Tally, nowMs: number): ReconcileResult {
  return againMs === undefined ? { done: true } : { againAfterMs: Math.max(1, againMs - nowMs) };
}

/** Gone, at its end, or about to go: then it is to be seen when its time is over. */
function isPodFreed({ before, after }: Change<PodView>): boolean {
  if (!before) return false;
  if (!after || (isFinished(after) && !isFinished(before))) return true;
  return after.metadata.deletionTimestamp !== before.metadata.deletionTimestamp;
}

/** Gone; services and claims may come to use less while they are there. */
function isFreed(of: string, { before, after }: Change<View>): boolean {
  if (!before) return false;
  return !after || of === "services" || of === "persistentvolumeclaims";
}
