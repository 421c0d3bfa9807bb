/** Removes CertificateSigningRequests that nobody needs any more: each when it is due, where Kubernetes looks at all of them every hour. */
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { certificateSigningRequests } from "../../kinds/certificates/certificatesigningrequests/types.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import { planCleaning } from "./plan.ts";

const DONE: ReconcileResult = { done: true };

export function createCertificateCleaner(deps: ControllerDeps<"certificateSigningRequests">): Controller {
  const { client, stores, platform } = deps;

  async function reconcile(name: string): Promise<ReconcileResult> {
    const view = stores.certificateSigningRequests.get(name);
    if (!view || view.metadata.deletionTimestamp !== undefined) return DONE;
    const dueMs = planCleaning(view);
    const inMs = dueMs - platform.clock.now();
    if (inMs > 0) return Number.isFinite(dueMs) ? { againAfterMs: inMs } : DONE;
    const { uid, resourceVersion } = view.metadata;
    try {
      await client.delete(certificateSigningRequests, { name }, { preconditions: { uid, resourceVersion } });
    } catch (error) {
      // Gone, or changed: the next event says which.
      if (!isStatusError(error, "NotFound") && !isStatusError(error, "Conflict")) throw error;
    }
    return DONE;
  }

  return {
    name: "csrcleaner",
    concurrency: 1,
    watches: [watching(stores.certificateSigningRequests, ({ metadata }) => [metadata.name])],
    reconcile,
  };
}
