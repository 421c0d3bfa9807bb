/**
 * Fills Secrets of type kubernetes.io/service-account-token, and deletes those whose service account is gone, or is another one of the
 * same name. After pkg/controller/serviceaccount/tokens_controller.go of Kubernetes.
 */
import type { Controller } from "../../controller-runtime/manager.ts";
import { watching } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { BY_ACCOUNT } from "../../controller-runtime/stores.ts";
import {
  ACCOUNT_NAME_ANNOTATION,
  ACCOUNT_UID_ANNOTATION,
  SERVICE_ACCOUNT_TOKEN,
  secrets,
  type Secret,
} from "../../kinds/core/secrets/types.ts";
import { serviceAccounts, type ServiceAccount } from "../../kinds/core/serviceaccounts/types.ts";
import { textToBase64 } from "../../machinery/base64.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";

const DONE: ReconcileResult = { done: true };

export interface ServiceAccountTokenDeps extends ControllerDeps<"secrets" | "serviceAccounts"> {
  /** Makes the token that the Secret of this name is to hold. */
  sign: (held: { namespace: string; serviceAccount: { name: string; uid: string }; secret: string }) => Promise<string>;
  /** PEM. */
  clusterCa: string;
}

export function createServiceAccountTokenController(deps: ServiceAccountTokenDeps): Controller {
  const { client, stores, sign, clusterCa } = deps;

  /** `key`: "namespace/name" of the Secret. */
  async function reconcile(key: string): Promise<ReconcileResult> {
    const view = stores.secrets.get(key);
    if (!view?.account || view.metadata.deletionTimestamp !== undefined) return DONE;
    const { namespace, name, uid } = view.metadata;
    const known = stores.serviceAccounts.get(`${namespace}/${view.account.name}`);
    if (view.account.filled && known?.metadata.uid === view.account.uid) return DONE;
    try {
      // The stores may be behind: what is deleted for good is asked for first.
      const account = await find<ServiceAccount>({ ref: serviceAccounts, namespace, name: view.account.name });
      const isAnother = view.account.uid !== "" && account?.metadata.uid !== view.account.uid;
      if (!account || isAnother) {
        await client.delete(secrets, { namespace, name }, { preconditions: { uid } });
        return DONE;
      }
      const secret = await find<Secret>({ ref: secrets, namespace, name });
      if (secret?.metadata.uid !== uid || secret.type !== SERVICE_ACCOUNT_TOKEN) return DONE;
      const filled = await fill(secret, account);
      if (filled) stores.secrets.observe(await client.update(secrets, filled));
    } catch (error) {
      if (!isStatusError(error, "NotFound") && !isStatusError(error, "Conflict")) throw error;
    }
    return DONE;
  }

  async function find<T>(at: { ref: typeof secrets; namespace: string; name: string }): Promise<T | undefined> {
    try {
      return (await client.get(at.ref, at)) as T;
    } catch (error) {
      if (isStatusError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  /** Undefined: nothing is missing. */
  async function fill(secret: Secret, account: ServiceAccount): Promise<Secret | undefined> {
    const { name = "", namespace = "", annotations = {} } = secret.metadata;
    const { name: accountName = "", uid = "" } = account.metadata;
    if (annotations[ACCOUNT_NAME_ANNOTATION] !== accountName) return undefined;
    const { data = {} } = secret;
    const serviceAccount = { name: accountName, uid };
    const token = data["token"] || textToBase64(await sign({ namespace, serviceAccount, secret: name }));
    const wanted = { ...data, token, "ca.crt": textToBase64(clusterCa), namespace: textToBase64(namespace) };
    const complete = Object.entries(wanted).every(([key, value]) => data[key] === value);
    if (complete && annotations[ACCOUNT_UID_ANNOTATION] === uid) return undefined;
    const metadata = { ...secret.metadata, annotations: { ...annotations, [ACCOUNT_UID_ANNOTATION]: uid } };
    return { ...secret, metadata, data: wanted };
  }

  return {
    name: "tokens-controller",
    concurrency: 4,
    watches: [
      watching(stores.secrets, ({ metadata, account }) => (account ? [`${metadata.namespace}/${metadata.name}`] : [])),
      watching(stores.serviceAccounts, ({ metadata }) =>
        stores.secrets
          .by(BY_ACCOUNT, `${metadata.namespace}/${metadata.name}`)
          .map((secret) => `${secret.metadata.namespace}/${secret.metadata.name}`),
      ),
    ],
    reconcile,
  };
}
