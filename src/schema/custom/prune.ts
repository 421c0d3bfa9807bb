/** Undeclared members: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning. */
import { itemsOf, propertyOf, valuesOf, type JsonSchema } from "./json-schema.ts";

/** Every object has these, and nothing declares them. */
const META_FIELDS = new Set(["apiVersion", "kind", "metadata"]);

/** A copy without what the schema does not declare. What nothing was taken from is shared with the value. */
export function pruned(value: unknown, schema: JsonSchema | undefined, { isResource = false } = {}): unknown {
  if (Array.isArray(value))
    return sameOr(
      value,
      value.map((item) => pruned(item, schema && itemsFor(schema))),
    );
  if (typeof value !== "object" || value === null) return value;
  const isObject = isResource || schema?.["x-kubernetes-embedded-resource"] === true;
  const keeps = schema?.["x-kubernetes-preserve-unknown-fields"] === true;
  const kept = Object.entries(value).flatMap(([name, member]): [string, unknown][] => {
    if (isObject && META_FIELDS.has(name)) return [[name, member]];
    const property = schema && propertyOf(schema, name);
    if (property) return [[name, pruned(member, property)]];
    if (schema?.additionalProperties !== undefined) {
      const values = valuesOf(schema);
      return [[name, values || !keeps ? pruned(member, values) : member]];
    }
    return keeps ? [[name, member]] : [];
  });
  const isSame =
    kept.length === Object.keys(value).length && kept.every(([name, member]) => value[name as never] === member);
  return isSame ? value : Object.fromEntries(kept);
}

/** Inside of what is kept whatever it is, items are kept too. */
function itemsFor(schema: JsonSchema): JsonSchema | undefined {
  const items = itemsOf(schema);
  return items ?? (schema["x-kubernetes-preserve-unknown-fields"] ? schema : undefined);
}

function sameOr(before: readonly unknown[], after: readonly unknown[]): readonly unknown[] {
  return after.every((item, index) => item === before[index]) ? before : after;
}
