/**
 * How much one object may hold. Kubernetes bounds the bytes alone: three megabytes of a body, one and a half of what is stored. They can
 * be so many small things that to read them takes seconds, and the time of one request is bounded here (decisions/0011).
 */
import { StatusError } from "./status-error.ts";

/**
 * Members, items, objects and lists of one body, counted before it is parsed. The largest definitions of custom resources that
 * people have are a megabyte of some 35,000.
 */
export const VALUES_MAX = 40_000;

/**
 * Items of lists and entries of maps in one object. Each has defaults, an owner and a validation of its own, some hundredths of a
 * millisecond in all, so one of a type with many fields counts for several, and a node of a custom resource's schema, which has nothing
 * of that, less. The largest schemas that people have are 10,000 nodes.
 */
export const ITEMS_MAX = 10_000;

/** So that there are 15,000 at most. */
export const SCHEMA_NODE_WEIGHT = 2 / 3;

/** An alternative (`allOf`, `anyOf`, `oneOf`) is held against what is around it as well. */
export const SCHEMA_ALTERNATIVE_WEIGHT = 1.5;

/** Both are compiled, and what a rule compiles to is checked and costed. 2,100 patterns at most, or 1,100 rules. */
export const PATTERN_WEIGHT = 4;
export const RULE_WEIGHT = 8;

/** What has a syntax of its own, such as a quantity, is read more than once, and a resource's name is checked as well. */
export const SPECIAL_WEIGHT = 3;

const FIELDS_OF_ONE = 5;

/** For how many an item counts. A container has 25 fields, most of which have a default or a validation. */
export function weightOf(declaredFields: number): number {
  return Math.max(1, Math.ceil(declaredFields / FIELDS_OF_ONE));
}

export function tooManyValues(max = VALUES_MAX): StatusError {
  return tooLarge(`${max} fields and items`);
}

export function tooManyItems(max = ITEMS_MAX): StatusError {
  return tooLarge(`${max} list items and map entries`);
}

function tooLarge(limit: string): StatusError {
  return new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${limit}`);
}
