/** The order of the items of a merged list (k8s.io/design-proposals: preserve-order-in-strategic-merge-patch). */
import { goValue } from "../go-text.ts";
import { badRequest } from "../status-error.ts";
import { isObject, isRawNumber, member } from "./json-value.ts";

export const DIRECTIVE = "$patch";

/** What tells an item from the others: the item itself in a list of primitives, the value of its merge key in one of maps. */
export type IdentityOf = (item: unknown) => unknown;

export function identityBy(mergeKey: string | undefined): IdentityOf {
  if (mergeKey === undefined) return primitiveIdentity;
  return (item) => {
    const value = isObject(item) ? member(item, mergeKey) : undefined;
    if (value === undefined) {
      throw badRequest(`map: ${goValue(item)} does not contain declared merge key: ${mergeKey}`);
    }
    return primitiveIdentity(value);
  };
}

function primitiveIdentity(value: unknown): unknown {
  return isRawNumber(value) ? `number ${value.rawJSON}` : value;
}

/** "merge" has nothing to merge with where a value is new: it is taken like any other. */
export function hasDirective(item: unknown): boolean {
  if (!isObject(item)) return false;
  const directive = member(item, DIRECTIVE);
  return directive !== undefined && directive !== "merge";
}

/** Where each identity first occurs. */
export function positions(items: readonly unknown[], identityOf: IdentityOf): Map<unknown, number> {
  const found = new Map<unknown, number>();
  for (const [index, item] of items.entries()) {
    const identity = identityOf(item);
    if (!found.has(identity)) found.set(identity, index);
  }
  return found;
}

/**
 * Items that `wanted` names come in its order, the others in that of `live`. Between the two groups, an item of the other group
 * goes first only where both were there before and in that order: what is new goes before what the patch does not name.
 */
export function arranged(
  items: readonly unknown[],
  by: { wanted: readonly unknown[]; live: readonly unknown[]; identityOf: IdentityOf },
): unknown[] {
  const { identityOf } = by;
  const wanted = positions(by.wanted, identityOf);
  const live = positions(by.live, identityOf);
  const placed = items.map((item) => {
    const identity = identityOf(item);
    return { item, wanted: wanted.get(identity), live: live.get(identity) };
  });
  const named = placed.filter((at) => at.wanted !== undefined).toSorted((a, b) => (a.wanted ?? 0) - (b.wanted ?? 0));
  const others = placed
    .filter((at) => at.wanted === undefined)
    .toSorted((a, b) => (a.live ?? items.length) - (b.live ?? items.length));

  const result: unknown[] = [];
  let taken = 0;
  for (const other of others) {
    for (; taken < named.length; taken++) {
      const next = named[taken];
      if (!next) break;
      if (other.live !== undefined && next.live !== undefined && other.live < next.live) break;
      result.push(next.item);
    }
    result.push(other.item);
  }
  for (const rest of named.slice(taken)) result.push(rest.item);
  return result;
}

/**
 * The items of a patch must occur in its `$setElementOrder` list, in the same order; those with a directive need not.
 * @throws StatusError "BadRequest"
 */
export function checkOrder(patch: readonly unknown[], wanted: readonly unknown[], identityOf: IdentityOf): void {
  if (wanted.length === 0) return;
  let at = 0;
  for (const item of patch) {
    if (hasDirective(item)) continue;
    const identity = identityOf(item);
    while (at < wanted.length && identityOf(wanted[at]) !== identity) at++;
    if (at === wanted.length) {
      throw badRequest(
        `The order in patch list:\n${goValue(patch)}\n doesn't match $setElementOrder list:\n${goValue(wanted)}\n`,
      );
    }
    at++;
  }
}
