/** The claims of a pod. */
import { controllerOfView } from "../../controller-runtime/views/view.ts";
import type { ClaimView } from "../../controller-runtime/views/storage-views.ts";
import type { PodShape, Tables } from "../framework.ts";

type Claiming = Pick<PodShape, "namespace" | "claims">;

/** "namespace/name" of each. */
export function claimKeys({ namespace, claims }: Claiming): string[] {
  return claims.map(({ name }) => `${namespace}/${name}`);
}

/** The same of those that are not made for the pod alone. */
export function namedClaimKeys({ namespace, claims }: Claiming): string[] {
  return claimKeys({ namespace, claims: claims.filter(({ ephemeral }) => !ephemeral) });
}

/** Why the pod has to wait, where a claim is not there, or of no use. */
export function claimFault(pod: Claiming & { uid: string }, tables: Tables): string | undefined {
  for (const { name, ephemeral } of pod.claims) {
    const claim = tables.claims.get(`${pod.namespace}/${name}`);
    const fault = claim ? faultOf(claim) : missing(name, ephemeral);
    if (fault !== undefined) return fault;
    if (claim && ephemeral && controllerOfView(claim)?.uid !== pod.uid) {
      return `PVC ${pod.namespace}/${name} was not created for the pod (pod is not owner)`;
    }
  }
  return undefined;
}

export function missing(name: string, ephemeral: boolean): string {
  return ephemeral
    ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
    : `persistentvolumeclaim "${name}" not found`;
}

function faultOf({ metadata, phase, volumeName }: ClaimView): string | undefined {
  const { name, deletionTimestamp } = metadata;
  if (phase === "Lost") return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${volumeName}"`;
  return deletionTimestamp === undefined ? undefined : `persistentvolumeclaim "${name}" is being deleted`;
}
