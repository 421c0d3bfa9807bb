/** Empties a namespace that is being deleted, pods first, and then lets it go. */
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import type { NamespaceView } from "../../controller-runtime/views/other-views.ts";
import { timeMs, type View } from "../../controller-runtime/views/view.ts";
import { KUBERNETES_FINALIZER, namespaces, type Namespace } from "../../kinds/core/namespaces/types.ts";
import { pods } from "../../kinds/core/pods/types.ts";
import type { ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { isStatusError, StatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import { lookAgainMs, planConditions, unexpectedItems, type Remaining } from "./plan.ts";

export interface NamespaceControllerDeps extends ControllerDeps<"namespaces" | "all"> {
  /** Everything that can be listed and deleted, each stored resource once. */
  resources: readonly ResourceRef[];
}

/** Objects deleted, or looked at, in one request. */
const PAGE = 500;
/** Resources emptied at once. */
const LANES = 4;

export function createNamespaceController(deps: NamespaceControllerDeps): Controller {
  const { client, stores, platform } = deps;
  const namespaced = deps.resources.filter((ref) => ref.namespaced);
  const others = namespaced.filter((ref) => ref.resource !== pods.resource || ref.group !== pods.group);

  async function reconcile(name: string): Promise<ReconcileResult> {
    const namespace = stores.namespaces.get(name);
    if (namespace?.metadata.deletionTimestamp === undefined) return { done: true };
    if (!namespace.specFinalizers.includes(KUBERNETES_FINALIZER)) return { done: true };
    // Pods first (KEP-5080): nothing they need is taken away from under them.
    const podsLeft = await empty(pods, namespace);
    const remaining = isDone(podsLeft) ? await emptyAll(namespace) : [podsLeft];
    const conditions = await writeConditions(namespace, remaining);
    if (remaining.every(isDone)) {
      await finalize(name);
      return { done: true };
    }
    return { againAfterMs: lookAgainMs(conditions, platform.clock.now()) };
  }

  /** Asks the API and not the store: the store may not yet know what was made just before the namespace began to end. */
  async function empty(ref: ResourceRef, { metadata }: NamespaceView): Promise<Remaining> {
    const namespace = metadata.name;
    const none: Remaining = { ref, count: 0, finalizers: new Map() };
    try {
      const before = await client.list(ref, { namespace, limit: 1 });
      if (before.items.length === 0) return none;
      await deleteAll(ref, namespace);
      return await countLeft(ref, metadata);
    } catch (error) {
      // Not served any more: there is nothing of it.
      if (isStatusError(error, "NotFound")) return none;
      if (!isRefusal(error)) throw error;
      return { ...none, failure: error.message };
    }
  }

  async function deleteAll(ref: ResourceRef, namespace: string): Promise<void> {
    let token: string | undefined;
    do {
      const page = { namespace, limit: PAGE, ...(token === undefined ? {} : { continue: token }) };
      token = (await client.deleteCollection(ref, { ...page, propagationPolicy: "Background" })).continue;
    } while (token !== undefined);
  }

  async function countLeft(ref: ResourceRef, { name: namespace, deletionTimestamp }: View["metadata"]) {
    const finalizers = new Map<string, number>();
    let count = 0;
    let graceSeconds = 0;
    let token: string | undefined;
    do {
      const page = { namespace, limit: PAGE, ...(token === undefined ? {} : { continue: token }) };
      const { items, metadata } = await client.list<KubeObject>(ref, page);
      for (const item of items) {
        for (const name of item.metadata.finalizers ?? []) finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
        graceSeconds = Math.max(graceSeconds, item.metadata.deletionGracePeriodSeconds ?? 0);
      }
      count += items.length;
      token = metadata.continue;
    } while (token);
    const graceEndMs = timeMs(deletionTimestamp, 0) + graceSeconds * 1000;
    const isExpected = count === 0 || finalizers.size > 0 || platform.clock.now() < graceEndMs;
    const remaining: Remaining = { ref, count, finalizers };
    return isExpected ? remaining : { ...remaining, failure: unexpectedItems(namespace, ref) };
  }

  async function emptyAll(namespace: NamespaceView): Promise<Remaining[]> {
    const remaining: Remaining[] = [];
    const waiting = others.values();
    const lane = async (): Promise<void> => {
      for (const ref of waiting) remaining.push(await empty(ref, namespace));
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return remaining;
  }

  async function writeConditions(namespace: NamespaceView, remaining: readonly Remaining[]) {
    const { conditions, changed } = planConditions(namespace.conditions, { remaining }, platform.clock.now());
    if (!changed) return conditions;
    const at = { name: namespace.metadata.name };
    try {
      stores.namespaces.observe(
        await client.patch<Namespace>(namespaces, at, "merge", { status: { conditions } }, "status"),
      );
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
    }
    return conditions;
  }

  async function finalize(name: string): Promise<void> {
    try {
      const live = await client.get<Namespace>(namespaces, { name });
      if (live.metadata.deletionTimestamp === undefined) return;
      const finalizers = (live.spec?.finalizers ?? []).filter((finalizer) => finalizer !== KUBERNETES_FINALIZER);
      await client.update<Namespace>(namespaces, { ...live, spec: { ...live.spec, finalizers } }, "finalize");
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
    }
  }

  /** What goes from a namespace that ends brings its end nearer. */
  const gone = ({ metadata }: View, change: { after: View | undefined }): string[] =>
    change.after === undefined && stores.namespaces.get(metadata.namespace)?.metadata.deletionTimestamp !== undefined
      ? [metadata.namespace]
      : [];

  return {
    name: "namespace-controller",
    concurrency: 4,
    watches: [
      watching(stores.namespaces, ({ metadata }) => [metadata.name]),
      ...[...stores.all.values()].filter(({ ref }) => ref.namespaced).map((informer) => watching(informer, gone)),
    ],
    reconcile,
  };
}

function isDone({ count, failure }: Remaining): boolean {
  return count === 0 && failure === undefined;
}

/** The API said no. That it could not be asked says nothing of the content: then the whole is tried again. */
function isRefusal(error: unknown): error is StatusError {
  return error instanceof StatusError && error.code < 500 && error.code !== 429;
}
