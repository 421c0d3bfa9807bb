/**
 * Patches as Kubernetes' own libraries apply them: the results in the fixture were made by strategicpatch and json-patch.v4
 * (src/encoding/facts/patches), the cases were drawn at random.
 */
import { expect, it } from "vitest";
import { createSchema } from "../../schema/schema.ts";
import { isStatusError } from "../status-error.ts";
import { applyPatch, type PatchRequest } from "./apply-patch.ts";
import fixture from "./go-patches.fixture.json" with { type: "json" };

interface Case {
  type: PatchRequest["type"];
  definition?: string;
  original: unknown;
  patch: unknown;
  result?: unknown;
  error?: string;
}

const CASES = fixture as Case[];
const schema = createSchema();

function apply({ type, definition, original, patch }: Case): { result: unknown } | { error: string } {
  const node = definition === undefined ? undefined : schema.node(definition);
  try {
    return { result: applyPatch({ type, original, patch, ...(node ? { schema: node } : {}) }) };
  } catch (error) {
    if (!isStatusError(error)) throw error;
    return { error: error.message };
  }
}

/** Kubernetes leaves nulls in what is new; its decoder drops them. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutNulls(member)]));
}

/** The server does not say why a JSON patch does not fit, nor that lists of lists cannot be merged. */
const UNSAID = "the server rejected our request due to an error in our request";

it.each(CASES.map((found, index) => ({ index, ...found })))("$type $index", (found) => {
  const ours = apply(found);
  if (found.error !== undefined) {
    const isUnsaid = found.type === "json" || found.error === "lists of lists are not supported";
    expect(ours).toEqual({ error: isUnsaid ? UNSAID : found.error });
  } else if (found.type === "strategic") {
    expect("result" in ours && withoutNulls(ours.result)).toEqual(withoutNulls(found.result));
  } else {
    expect(ours).toEqual({ result: found.result });
  }
});
