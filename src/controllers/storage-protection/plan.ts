/** What is to happen with the finalizer of an object that may be in use, and which pods use a claim. */
import type { ClaimView } from "../../controller-runtime/views/storage-views.ts";
import type { PodView } from "../../controller-runtime/views/pod-view.ts";
import { controllerOfView, type View } from "../../controller-runtime/views/view.ts";

/**
 * "add": it lacks it and is not about to go (pkg/controller/util/protectionutil). "remove": only where nothing uses it. Undefined:
 * nothing is to be done.
 */
export function planFinalizer({ metadata }: View, finalizer: string): "add" | "remove" | undefined {
  const has = metadata.finalizers.includes(finalizer);
  if (metadata.deletionTimestamp === undefined) return has ? undefined : "add";
  return has ? "remove" : undefined;
}

/**
 * A pod that is bound uses its claims, finished or not, until it is gone: no kubelet starts one whose claim is about to go. A claim
 * that was made for a pod alone is free as soon as the kubelet is done with the pod
 * (pkg/controller/volume/pvcprotection/pvc_protection_controller.go).
 */
export function usesClaim(pod: PodView, claim: ClaimView): boolean {
  if (pod.nodeName === "" || pod.metadata.namespace !== claim.metadata.namespace) return false;
  return pod.claims.some(({ name, ephemeral }) => {
    if (name !== claim.metadata.name) return false;
    return !ephemeral || (!pod.shutDown && controllerOfView(claim)?.uid === pod.metadata.uid);
  });
}
