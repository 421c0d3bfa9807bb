/**
 * Makes tokens invalid that were put into Secrets for every account in Kubernetes before 1.24 and that nobody has used for a year, and
 * deletes them after another. Those that somebody has asked for stay. Here none are made by themselves: they come with imported objects.
 */
import type { Client } from "../../client/client.ts";
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { configMaps, type ConfigMap } from "../../kinds/core/configmaps/types.ts";
import { podReferences } from "../../kinds/core/pods/pod-references.ts";
import { pods, type Pod } from "../../kinds/core/pods/types.ts";
import { DAY_MS, INVALID_SINCE_LABEL, TRACKED_SINCE, TRACKING_NAME } from "../../kinds/core/secrets/token-tracking.ts";
import { secrets, type Secret } from "../../kinds/core/secrets/types.ts";
import { serviceAccounts, type ServiceAccount } from "../../kinds/core/serviceaccounts/types.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import { planToken, UNUSED_MS, type TokenSecret } from "./plan.ts";

const DONE: ReconcileResult = { done: true };
/** Timers reach no further than 24 days. */
const WAIT_MAX_MS = 20 * DAY_MS;
const PAGE = 500;

export interface LegacyTokenCleanerDeps extends ControllerDeps<"secrets"> {
  /** May read everything: this controller's own account may only write. */
  reader: Client;
}

export function createLegacyTokenCleaner({ client, reader, stores, platform }: LegacyTokenCleanerDeps): Controller {
  /** `key`: "namespace/name" of the Secret. */
  async function reconcile(key: string): Promise<ReconcileResult> {
    const view = stores.secrets.get(key);
    if (!view?.account || view.metadata.deletionTimestamp !== undefined) return DONE;
    const nowMs = platform.clock.now();
    // The young ones are nearly all: nothing is read for them.
    const oldMs = Date.parse(view.metadata.creationTimestamp ?? "") + UNUSED_MS;
    if (nowMs <= oldMs) return later(oldMs + 1, nowMs);
    try {
      const { namespace, name, uid } = view.metadata;
      const secret = await reader.get<Secret>(secrets, { namespace, name });
      if (secret.metadata.uid !== uid || !(await isGenerated(secret, view.account))) return DONE;
      return await clean(secret, nowMs);
    } catch (error) {
      // Gone, or changed: the next event says which.
      if (!isStatusError(error, "NotFound") && !isStatusError(error, "Conflict")) throw error;
      return DONE;
    }
  }

  async function clean(secret: Secret, nowMs: number): Promise<ReconcileResult> {
    const { namespace = "", name = "", uid = "", resourceVersion = "" } = secret.metadata;
    const tracking = await client.get<ConfigMap>(configMaps, { namespace: "kube-system", name: TRACKING_NAME });
    const plan = planToken(tokenOf(secret), { trackedSince: tracking.data?.[TRACKED_SINCE], nowMs });
    if (plan.step === "wait") return later(plan.untilMs, nowMs);
    // Nobody tells when the last pod goes that mounts it.
    if (await isMounted(namespace, name)) return { againAfterMs: DAY_MS };
    if (plan.step === "delete") {
      await client.delete(secrets, { namespace, name }, { preconditions: { resourceVersion } });
      return DONE;
    }
    const metadata = { uid, labels: { [INVALID_SINCE_LABEL]: plan.day } };
    await client.patch(secrets, { namespace, name }, "merge", { metadata });
    return DONE;
  }

  /** Does its account refer to it? That is all that tells it from one that somebody has asked for. */
  async function isGenerated(secret: Secret, account: { name: string; uid: string }): Promise<boolean> {
    const { namespace = "", name } = secret.metadata;
    const found = await reader.get<ServiceAccount>(serviceAccounts, { namespace, name: account.name });
    if (account.uid !== "" && account.uid !== found.metadata.uid) return false;
    return (found.secrets ?? []).some((one) => one.name === name);
  }

  async function isMounted(namespace: string, name: string): Promise<boolean> {
    for (let next: string | undefined = ""; next !== undefined;) {
      const page: Awaited<ReturnType<typeof reader.list<Pod>>> = await reader.list<Pod>(pods, {
        namespace,
        limit: PAGE,
        ...(next === "" ? {} : { continue: next }),
      });
      if (page.items.some((pod) => podReferences(pod).secrets.has(name))) return true;
      next = page.metadata.continue || undefined;
    }
    return false;
  }

  return {
    name: "legacy-service-account-token-cleaner",
    concurrency: 1,
    watches: [
      watching(stores.secrets, ({ metadata, account }) => (account ? [`${metadata.namespace}/${metadata.name}`] : [])),
    ],
    reconcile,
  };
}

function tokenOf({ metadata }: Secret): TokenSecret {
  return { createdMs: Date.parse(metadata.creationTimestamp ?? ""), labels: metadata.labels ?? {} };
}

function later(dueMs: number, nowMs: number): ReconcileResult {
  return Number.isFinite(dueMs) ? { againAfterMs: Math.min(dueMs - nowMs, WAIT_MAX_MS) } : DONE;
}
