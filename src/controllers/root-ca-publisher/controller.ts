/** The ConfigMap `kube-root-ca.crt` of every namespace: the authority that pods trust for https://kubernetes.default.svc. */
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { ROOT_CA_NAME } from "../../controller-runtime/views/other-views.ts";
import { configMaps, type ConfigMap } from "../../kinds/core/configmaps/types.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";

export interface RootCaPublisherDeps extends ControllerDeps<"namespaces" | "configMaps"> {
  /** PEM */
  clusterCa: string;
}

export function createRootCaPublisher(deps: RootCaPublisherDeps): Controller {
  const { client, stores, clusterCa } = deps;
  const data = { "ca.crt": clusterCa };

  async function reconcile(namespace: string): Promise<ReconcileResult> {
    const owner = stores.namespaces.get(namespace);
    if (owner === undefined || owner.metadata.deletionTimestamp !== undefined) return { done: true };
    const known = stores.configMaps.get(`${namespace}/${ROOT_CA_NAME}`);
    try {
      if (known === undefined) await create(namespace);
      else if (JSON.stringify(known.data) !== JSON.stringify(data)) await restore(namespace);
    } catch (error) {
      // Made by another, or gone with its namespace: the next event says which.
      if (!isStatusError(error, "AlreadyExists") && !isStatusError(error, "NotFound")) throw error;
    }
    return { done: true };
  }

  async function create(namespace: string): Promise<void> {
    const object: ConfigMap = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        name: ROOT_CA_NAME,
        namespace,
        annotations: {
          "kubernetes.io/description":
            "The certificate authority of this cluster, for clients inside it that call the API server by its service name.",
        },
      },
      data,
    };
    stores.configMaps.observe(await client.create(configMaps, object));
  }

  async function restore(namespace: string): Promise<void> {
    const live = await client.get<ConfigMap>(configMaps, { namespace, name: ROOT_CA_NAME });
    const { binaryData: _binary, ...rest } = live;
    stores.configMaps.observe(await client.update<ConfigMap>(configMaps, { ...rest, data }));
  }

  return {
    name: "root-ca-cert-publisher",
    concurrency: 4,
    watches: [
      watching(stores.namespaces, ({ metadata }) => [metadata.name]),
      watching(stores.configMaps, ({ metadata }) => (metadata.name === ROOT_CA_NAME ? [metadata.namespace] : [])),
    ],
    reconcile,
  };
}
