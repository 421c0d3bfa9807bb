/** Deletes what nobody owns any more, over every kind there is. Keys are "group-resource|namespace/name". */
import { referenceTo } from "../../controller-runtime/events.ts";
import type { Informer } from "../../controller-runtime/informer.ts";
import { watching, type Controller, type Watch } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { atOf, keyOf, type View } from "../../controller-runtime/views/view.ts";
import { apiVersionOf, groupResource } from "../../machinery/gvk.ts";
import type { KubeObject, OwnerReference } from "../../machinery/meta.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import { createOwners, type CollectedResource } from "./owners.ts";
import { FOREGROUND, ORPHAN, invalidNamespaceMessage, planDependent, type OwnerState } from "./plan.ts";

export interface GarbageCollectorDeps extends ControllerDeps<"all"> {
  /** Everything that can be listed, watched and deleted: to find an owner's resource by its kind. */
  resources: readonly CollectedResource[];
}

export function createGarbageCollector(deps: GarbageCollectorDeps): Controller {
  const { client, stores, recorder } = deps;
  const informers = [...stores.all.values()];
  const owners = createOwners({ client, informers: stores.all, resources: deps.resources });
  const kindOf = new Map(deps.resources.map((ref) => [groupResource(ref.group, ref.resource), ref.kind]));

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
    const { ownerReferences, namespace, finalizers } = view.metadata;
    const states: { reference: OwnerReference; state: OwnerState }[] = [];
    for (const reference of ownerReferences) {
      const state = await owners.stateOf(reference, namespace);
      states.push({ reference, state });
      if (state !== "present") reportElsewhere(informer, view, reference);
    }
    const hasDependents = dependentsOf(view).length > 0;
    const verdict = planDependent({ owners: states, finalizers, isDeleted: false, hasDependents });
    if (verdict.do === "release") return releaseOwners(informer, view, verdict.uids);
    if (verdict.do !== "delete") return;
    // In a circle each would wait for the other: this one lets its owners go first.
    const inCircle =
      verdict.propagationPolicy === "Foreground" && dependentsOf(view).some(({ view: one }) => isEnding(one));
    const current = inCircle ? await unblock(informer, view) : view;
    await remove(informer, current, verdict.propagationPolicy);
  }

  /** Owners live in the namespace of what they own, or in none. */
  function reportElsewhere({ ref }: Informer, view: View, reference: OwnerReference): void {
    const { namespace } = view.metadata;
    if (!owners.isElsewhere(reference, namespace)) return;
    const kind = kindOf.get(groupResource(ref.group, ref.resource)) ?? "";
    recorder.record({
      about: referenceTo({ apiVersion: apiVersionOf(ref), kind }, view),
      type: "Warning",
      reason: "OwnerRefInvalidNamespace",
      message: invalidNamespaceMessage(reference, namespace),
    });
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
        const owner = owners.resourceOf(reference);
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
