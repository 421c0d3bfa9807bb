/**
 * The side table of values that are looked up: which live objects of a resource have this value in this field. Triggers of the
 * migration keep it; a value that stays costs no row, so that a pod's status updates pay nothing for its node being known.
 * See decisions/0006.
 */
import type { SqlValue } from "./database.ts";
import type { ListQuery, Selector } from "./storage.ts";

/** By resource; a trailing "*" stands for any rest. The triggers say the same: what changes here needs a migration. */
export const LOOKUP_FIELDS: Readonly<Record<string, readonly string[]>> = {
  pods: ["spec.nodeName"],
  nodes: ["spec.podCIDR"],
  services: ["spec.clusterIP", "spec.nodePort.*"],
};

export function isLookedUp(resource: string, field: string): boolean {
  const patterns = Object.hasOwn(LOOKUP_FIELDS, resource) ? (LOOKUP_FIELDS[resource] ?? []) : [];
  return patterns.some((pattern) =>
    pattern.endsWith("*") ? field.startsWith(pattern.slice(0, -1)) : field === pattern,
  );
}

export interface Lookup {
  /** Resource, field and value. */
  args: SqlValue[];
  /** What is left of the selector, to be checked on each row. */
  rest: Selector;
}

/** By which value a list can be looked up. Empty values are not kept. */
export function lookupOf({ resource, selector }: ListQuery): Lookup | undefined {
  const found = selector?.fields.find(
    ({ field, operator, value }) => operator === "=" && value !== "" && isLookedUp(resource, field),
  );
  if (!selector || !found) return undefined;
  const rest = { labels: selector.labels, fields: selector.fields.filter((requirement) => requirement !== found) };
  return { args: [resource, found.field, found.value], rest };
}
