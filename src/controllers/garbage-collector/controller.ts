/**
 * Deletes what nobody owns any more, over every kind there is. Keys are "group-resource|namespace/name". An owner counts as gone only when
 * the API itself says so.
 */
import type { Informer } from "../../controller-runtime/informer.ts";
import { watching, type Controller, type Watch } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { atOf, keyOf, type View } from "../../controller-runtime/views/view.ts";
import { apiVersionOf, groupResource, parseApiVersion, type ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject, OwnerReference } from "../../machinery/meta.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import { FOREGROUND, ORPHAN, planDependent, type OwnerState } from "./plan.ts";

export interface GarbageCollectorDeps extends ControllerDeps<"all"> {
  /** To find an owner's resource by its kind. */
  resources: readonly (ResourceRef & { kind: string })[];
}

export function createGarbageCollector(deps: GarbageCollectorDeps): Controller {
  const { client, stores } = deps;
  const informers = [...stores.all.values()];
  const byKind = new Map(deps.resources.map((ref) => [`${apiVersionOf(ref)}/${ref.kind}`, ref]));
  /** Another version of a group has the same objects. */
  const byGroupKind = new Map(deps.resources.map((ref) => [`${ref.group}/${ref.kind}`, ref]));

  async function reconcile(key: string): Promise<ReconcileResult> {
    const bar = key.indexOf("|");
    const informer = stores.all.get(key.slice(0, bar));
    const view = informer?.get(key.slice(bar + 1));
    if (informer === undefined || view === undefined) return { done: true };
    if (view.metadata.deletionTimestamp !== undefined) {
      if (view.metadata.finalizers.includes(ORPHAN)) await orphanDependents(informer, view);
      else if (view.metadata.finalizers.includes(FOREGROUND)) await endDependents(informer, view);
      return { done: true };
    }
    await judge(informer, view);
    return { done: true };
  }

  async function judge(informer: Informer, view: View): Promise<void> {
    const owners = [];
    for (const reference of view.metadata.ownerReferences) {
      owners.push({ reference, state: await stateOf(reference, view.metadata.namespace) });
    }
    const verdict = planDependent({
      owners,
      finalizers: view.metadata.finalizers,
      isDeleted: false,
      hasDependents: dependentsOf(view).length > 0,
    });
    if (verdict.do === "release") return releaseOwners(informer, view, verdict.uids);
    if (verdict.do !== "delete") return;
    // In a circle each would wait for the other: this one lets its owners go first.
    const inCircle =
      verdict.propagationPolicy === "Foreground" && dependentsOf(view).some(({ view: one }) => isEnding(one));
    const current = inCircle ? await unblock(informer, view) : view;
    await remove(informer, current, verdict.propagationPolicy);
  }

  async function stateOf(reference: OwnerReference, namespace: string): Promise<OwnerState> {
    const ref = resourceOf(reference);
    // Of a kind that is not served nothing is known; so nothing is deleted for it.
    if (ref === undefined || (ref.namespaced && namespace === "")) return "present";
    const at = { name: reference.name, ...(ref.namespaced ? { namespace } : {}) };
    const known = stores.all.get(groupResource(ref.group, ref.resource))?.get(keyOf(at));
    const live = known?.metadata.uid === reference.uid ? known.metadata : await readOwner(ref, at);
    if (live === undefined || live.uid !== reference.uid) return "absent";
    return live.deletionTimestamp !== undefined && (live.finalizers ?? []).includes(FOREGROUND) ? "ending" : "present";
  }

  async function readOwner(ref: ResourceRef, at: { namespace?: string; name: string }) {
    try {
      return (await client.get<KubeObject>(ref, at)).metadata;
    } catch (error) {
      if (isStatusError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  function resourceOf({ apiVersion, kind }: OwnerReference): (ResourceRef & { kind: string }) | undefined {
    return byKind.get(`${apiVersion}/${kind}`) ?? byGroupKind.get(`${parseApiVersion(apiVersion).group}/${kind}`);
  }

  function dependentsOf({ metadata }: View): { informer: Informer; view: View }[] {
    return informers.flatMap((informer) => informer.by("owner", metadata.uid).map((view) => ({ informer, view })));
  }

  /** The dependents stay, without this owner. */
  async function orphanDependents(informer: Informer, owner: View): Promise<void> {
    for (const dependent of dependentsOf(owner)) {
      await releaseOwners(dependent.informer, dependent.view, [owner.metadata.uid]);
    }
    await removeFinalizer(informer, owner, ORPHAN);
  }

  /** The owner goes last: after those dependents that ask for it. */
  async function endDependents(informer: Informer, owner: View): Promise<void> {
    const blocking = dependentsOf(owner).filter(({ view }) =>
      view.metadata.ownerReferences.some(
        (reference) => reference.uid === owner.metadata.uid && reference.blockOwnerDeletion === true,
      ),
    );
    for (const { informer: of, view } of dependentsOf(owner)) {
      if (view.metadata.deletionTimestamp === undefined) await judge(of, view);
    }
    if (blocking.length === 0) await removeFinalizer(informer, owner, FOREGROUND);
  }

  async function releaseOwners({ ref }: Informer, view: View, uids: readonly string[]): Promise<void> {
    const { ownerReferences, resourceVersion } = view.metadata;
    const kept = ownerReferences.filter(({ uid }) => !uids.includes(uid));
    const body = { metadata: { resourceVersion, ownerReferences: kept.length === 0 ? null : kept } };
    await orGone(client.patch(ref, atOf(keyOf(view.metadata)), "merge", body));
  }

  async function removeFinalizer({ ref }: Informer, view: View, name: string): Promise<void> {
    const { finalizers, resourceVersion } = view.metadata;
    const kept = finalizers.filter((finalizer) => finalizer !== name);
    const body = { metadata: { resourceVersion, finalizers: kept.length === 0 ? null : kept } };
    await orGone(client.patch(ref, atOf(keyOf(view.metadata)), "merge", body));
  }

  /** Its owners need not wait for it any more. */
  async function unblock({ ref }: Informer, view: View): Promise<View> {
    const { ownerReferences, resourceVersion } = view.metadata;
    const body = {
      metadata: {
        resourceVersion,
        ownerReferences: ownerReferences.map((reference) => ({ ...reference, blockOwnerDeletion: false })),
      },
    };
    const written = await client.patch<KubeObject>(ref, atOf(keyOf(view.metadata)), "merge", body);
    return { metadata: { ...view.metadata, resourceVersion: written.metadata.resourceVersion ?? resourceVersion } };
  }

  /** With the revision as precondition: an object that was given a new owner meanwhile must not go. */
  async function remove(
    informer: Informer,
    view: View,
    propagationPolicy: "Background" | "Foreground" | "Orphan",
  ): Promise<void> {
    const { uid, resourceVersion } = view.metadata;
    await orGone(
      client.delete(informer.ref, atOf(keyOf(view.metadata)), {
        propagationPolicy,
        preconditions: { uid, resourceVersion },
      }),
    );
  }

  /** An object by itself, its owners when it goes (they may wait for it), its dependents when it goes or begins to. */
  function keysOf(informer: Informer): Watch {
    const { group, resource } = informer.ref;
    const prefix = `${groupResource(group, resource)}|`;
    return watching(informer, (view, { after }) => {
      const keys: string[] = [];
      const { ownerReferences, deletionTimestamp, namespace } = view.metadata;
      if (after !== undefined && (ownerReferences.length > 0 || deletionTimestamp !== undefined)) {
        keys.push(prefix + keyOf(view.metadata));
      }
      if (after === undefined) {
        for (const { informer: of, view: dependent } of dependentsOf(view)) {
          keys.push(`${groupResource(of.ref.group, of.ref.resource)}|${keyOf(dependent.metadata)}`);
        }
      }
      for (const reference of ownerReferences) {
        const owner = resourceOf(reference);
        if (owner === undefined) continue;
        const storeName = groupResource(owner.group, owner.resource);
        const at = keyOf({ name: reference.name, ...(owner.namespaced ? { namespace } : {}) });
        const known = stores.all.get(storeName)?.get(at);
        // An owner that stays has no interest in what becomes of its dependents.
        if (known && isEnding(known)) keys.push(`${storeName}|${at}`);
      }
      return keys;
    });
  }

  return {
    name: "generic-garbage-collector",
    concurrency: 8,
    watches: informers.map(keysOf),
    reconcile,
  };
}

/** It waits for its dependents. */
function isEnding({ metadata }: View): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.finalizers.includes(FOREGROUND);
}

async function orGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!isStatusError(error, "NotFound")) throw error;
  }
}
