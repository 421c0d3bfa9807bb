/** Which objects belong to an owner: adopting those that match its selector and nobody manages, releasing those that match no more. */
import { controllerOfView, type View } from "../controller-runtime/views/view.ts";
import type { OwnerReference } from "../machinery/meta.ts";
import { matchesLabels, requirementsOf, type LabelSelector } from "../machinery/selectors.ts";

export interface Claims<T extends View> {
  owned: T[];
  adopt: T[];
  release: T[];
}

/** `candidates`: everything the owner manages and everything of its namespace that nobody manages. */
export function planClaims<T extends View>(input: {
  owner: View;
  selector: LabelSelector;
  candidates: readonly T[];
  /** May this one be adopted? */
  adoptable?: (candidate: T) => boolean;
}): Claims<T> {
  const { owner, selector, candidates, adoptable = () => true } = input;
  const requirements = requirementsOf(selector);
  const claims: Claims<T> = { owned: [], adopt: [], release: [] };
  for (const candidate of candidates) {
    const { metadata } = candidate;
    const manager = controllerOfView(candidate);
    const matches = matchesLabels(requirements, metadata.labels);
    if (manager) {
      if (manager.uid !== owner.metadata.uid) continue;
      if (matches) claims.owned.push(candidate);
      // An owner that is being deleted leaves its objects to the garbage collector.
      else if (owner.metadata.deletionTimestamp === undefined) claims.release.push(candidate);
      continue;
    }
    if (!matches || owner.metadata.deletionTimestamp !== undefined) continue;
    if (metadata.deletionTimestamp === undefined && adoptable(candidate)) claims.adopt.push(candidate);
  }
  return claims;
}

/** Bodies of merge patches; the revision makes sure that nobody else's owners are lost. */
export function adoption(view: View, owner: OwnerReference): unknown {
  const { ownerReferences, resourceVersion } = view.metadata;
  const others = ownerReferences.filter(({ uid }) => uid !== owner.uid);
  return { metadata: { resourceVersion, ownerReferences: [...others, owner] } };
}

export function release(view: View, ownerUid: string): unknown {
  const { ownerReferences, resourceVersion } = view.metadata;
  const others = ownerReferences.filter(({ uid }) => uid !== ownerUid);
  return { metadata: { resourceVersion, ownerReferences: others.length === 0 ? null : others } };
}

export function controllerReference(of: { apiVersion: string; kind: string }, { metadata }: View): OwnerReference {
  return { ...of, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}
