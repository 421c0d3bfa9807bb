/** The `default` ServiceAccount of every namespace, made again when it is deleted. Test frameworks and pods wait for it. */
import type { Controller } from "../../controller-runtime/manager.ts";
import { watching } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { serviceAccounts, type ServiceAccount } from "../../kinds/core/serviceaccounts/types.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";

const NAME = "default";

export function createServiceAccountController(deps: ControllerDeps<"namespaces" | "serviceAccounts">): Controller {
  const { client, stores } = deps;

  async function reconcile(namespace: string): Promise<ReconcileResult> {
    const owner = stores.namespaces.get(namespace);
    if (owner === undefined || owner.metadata.deletionTimestamp !== undefined) return { done: true };
    if (stores.serviceAccounts.get(`${namespace}/${NAME}`)) return { done: true };
    const account: ServiceAccount = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: NAME, namespace } };
    try {
      stores.serviceAccounts.observe(await client.create(serviceAccounts, account));
    } catch (error) {
      if (!isStatusError(error, "AlreadyExists") && !isStatusError(error, "NotFound")) throw error;
    }
    return { done: true };
  }

  return {
    name: "service-account-controller",
    concurrency: 4,
    watches: [
      watching(stores.namespaces, ({ metadata }) => [metadata.name]),
      watching(stores.serviceAccounts, ({ metadata }) => (metadata.name === NAME ? [metadata.namespace] : [])),
    ],
    reconcile,
  };
}
