/** Empties a namespace that is being deleted, pods first, and then lets it go. */
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import type { NamespaceView } from "../../controller-runtime/views/other-views.ts";
import type { View } from "../../controller-runtime/views/view.ts";
import { KUBERNETES_FINALIZER, namespaces, type Namespace } from "../../kinds/core/namespaces/types.ts";
import { pods } from "../../kinds/core/pods/types.ts";
import { groupResource, type ResourceRef } from "../../machinery/gvk.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import { planConditions, type Remaining } from "./plan.ts";

export interface NamespaceControllerDeps extends ControllerDeps<"namespaces" | "all"> {
  /** Everything the API serves; those that cannot be listed and deleted are left out by the caller. */
  resources: readonly ResourceRef[];
}

/** What is on its way out reports itself by its deletion; this is for what does not. */
const LOOK_AGAIN_MS = 5_000;
const LOOK_AT_ONCE_MS = 200;

export function createNamespaceController(deps: NamespaceControllerDeps): Controller {
  const { client, stores, platform } = deps;
  const namespaced = deps.resources.filter((ref) => ref.namespaced);
  const others = namespaced.filter((ref) => ref.resource !== pods.resource || ref.group !== pods.group);

  async function reconcile(name: string): Promise<ReconcileResult> {
    const namespace = stores.namespaces.get(name);
    if (namespace === undefined || namespace.metadata.deletionTimestamp === undefined) return { done: true };
    if (!namespace.specFinalizers.includes(KUBERNETES_FINALIZER)) return { done: true };
    const podsLeft = await empty(pods, name);
    const remaining = podsLeft.count > 0 ? [podsLeft] : await emptyAll(name);
    await writeConditions(namespace, remaining);
    if (remaining.some(({ count }) => count > 0)) {
      const waits = remaining.every(({ count, finalizers }) => count === 0 || finalizers.size > 0);
      return { againAfterMs: waits ? LOOK_AGAIN_MS : LOOK_AT_ONCE_MS };
    }
    await finalize(name);
    return { done: true };
  }

  /** Asks the API and not the store: the store may not yet know what was made just before the namespace began to end. */
  async function empty(ref: ResourceRef, namespace: string): Promise<Remaining> {
    const resource = groupResource(ref.group, ref.resource);
    const none: Remaining = { resource, count: 0, finalizers: new Map() };
    const before = await client.list(ref, { namespace, limit: 1 });
    if (before.items.length === 0) return none;
    await client.deleteCollection(ref, { namespace, propagationPolicy: "Background" });
    const { items } = await client.list(ref, { namespace });
    const finalizers = new Map<string, number>();
    for (const { metadata } of items) {
      for (const name of metadata.finalizers ?? []) finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
    }
    return { resource, count: items.length, finalizers };
  }

  async function emptyAll(namespace: string): Promise<Remaining[]> {
    const remaining: Remaining[] = [];
    for (const ref of others) remaining.push(await empty(ref, namespace));
    return remaining;
  }

  async function writeConditions(namespace: NamespaceView, remaining: readonly Remaining[]): Promise<void> {
    const { conditions, changed } = planConditions(namespace.conditions, remaining, platform.clock.now());
    if (!changed) return;
    const at = { name: namespace.metadata.name };
    try {
      stores.namespaces.observe(
        await client.patch<Namespace>(namespaces, at, "merge", { status: { conditions } }, "status"),
      );
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
    }
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
