/**
 * Takes the finalizers of StorageObjectInUseProtection off when nothing uses the object any more, and gives them to objects that were
 * made without: claims that pods mount, volumes that are bound, attributes classes that claims or volumes name.
 */
import { watching, type Controller, type Watch } from "../../controller-runtime/manager.ts";
import type { Key, ReconcileResult } from "../../controller-runtime/reconciler.ts";
import type { Informer } from "../../controller-runtime/informer.ts";
import { BY_ATTRIBUTES_CLASS, BY_CLAIM, claimsOf } from "../../controller-runtime/stores.ts";
import { podView } from "../../controller-runtime/views/pod-view.ts";
import type { ClaimView } from "../../controller-runtime/views/storage-views.ts";
import { atOf, keyOf, type View } from "../../controller-runtime/views/view.ts";
import { pods, type Pod } from "../../kinds/core/pods/types.ts";
import { protectionFinalizerOf } from "../../kinds/storage/protection.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import { planFinalizer, usesClaim } from "./plan.ts";

/** Pods that are read at once. */
const PAGE = 500;

export function createClaimProtection(deps: ControllerDeps<"pods" | "persistentVolumeClaims">): Controller {
  const { client, stores } = deps;
  const { persistentVolumeClaims: claims } = stores;

  async function isUsed(claim: ClaimView): Promise<boolean> {
    if (stores.pods.by(BY_CLAIM, keyOf(claim.metadata)).some((pod) => usesClaim(pod, claim))) return true;
    // What was bound after the delete does not start; what was bound before it is known, if the watch has come that far.
    if (stores.pods.revision >= Number(claim.metadata.resourceVersion)) return false;
    const { namespace } = claim.metadata;
    for (let next: string | undefined = ""; next !== undefined;) {
      const page: Awaited<ReturnType<typeof client.list<Pod>>> = await client.list<Pod>(pods, {
        namespace,
        limit: PAGE,
        ...(next === "" ? {} : { continue: next }),
      });
      if (page.items.some((pod) => usesClaim(podView(pod), claim))) return true;
      next = page.metadata.continue || undefined;
    }
    return false;
  }

  const watches = [watching(stores.pods, (pod) => claimsOf(pod).filter((key) => isGoing(claims.get(key))))];
  return protection({ name: "pvc-protection-controller", client, informer: claims, isUsed, watches });
}

export function createVolumeProtection({ client, stores }: ControllerDeps<"persistentVolumes">): Controller {
  return protection({
    name: "pv-protection-controller",
    client,
    informer: stores.persistentVolumes,
    isUsed: ({ phase }) => phase === "Bound",
    watches: [],
  });
}

/** As in Kubernetes it goes by what it has seen: a claim made at the moment of the delete may be left with a class that is gone. */
export function createAttributesClassProtection(
  deps: ControllerDeps<"persistentVolumeClaims" | "persistentVolumes" | "volumeAttributesClasses">,
): Controller {
  const { persistentVolumeClaims, persistentVolumes, volumeAttributesClasses: classes } = deps.stores;
  const named = ({ attributesClasses }: { attributesClasses: readonly string[] }) =>
    attributesClasses.filter((name) => isGoing(classes.get(name)));
  return protection({
    name: "volumeattributesclass-protection-controller",
    client: deps.client,
    informer: classes,
    isUsed: ({ metadata: { name } }) =>
      [persistentVolumeClaims, persistentVolumes].some((informer) => informer.by(BY_ATTRIBUTES_CLASS, name).length > 0),
    watches: [watching(persistentVolumeClaims, named), watching(persistentVolumes, named)],
  });
}

function isGoing(view: View | undefined): boolean {
  return view?.metadata.deletionTimestamp !== undefined;
}

interface Protection<T extends View> extends Pick<ControllerDeps<never>, "client"> {
  name: string;
  informer: Informer<T>;
  isUsed: (view: T) => boolean | Promise<boolean>;
  /** Of what may have used an object. */
  watches: readonly Watch[];
}

function protection<T extends View>({ name, client, informer, isUsed, watches }: Protection<T>): Controller {
  const { ref } = informer;
  const finalizer = protectionFinalizerOf(ref) ?? "";

  async function reconcile(key: Key): Promise<ReconcileResult> {
    const view = informer.get(key);
    const wanted = view && planFinalizer(view, finalizer);
    if (!view || !wanted || (wanted === "remove" && (await isUsed(view)))) return { done: true };
    try {
      const live = await client.get(ref, atOf(key));
      const { finalizers = [], uid } = live.metadata;
      const isAsSeen = uid === view.metadata.uid && isGoing(view) === (live.metadata.deletionTimestamp !== undefined);
      // The watch tells what has become of it.
      if (!isAsSeen || finalizers.includes(finalizer) === (wanted === "add")) return { done: true };
      const next = wanted === "add" ? [...finalizers, finalizer] : finalizers.filter((one) => one !== finalizer);
      await client.update(ref, { ...live, metadata: { ...live.metadata, finalizers: next } });
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
    }
    return { done: true };
  }

  return {
    name,
    concurrency: 4,
    watches: [watching(informer, (view) => (planFinalizer(view, finalizer) ? [keyOf(view.metadata)] : [])), ...watches],
    reconcile,
  };
}
