/** For tests of kinds: an object on the registry's way to the store, without the store. */
import { canonicalise } from "../../encoding/canonical.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import type { FieldError } from "../../machinery/status-error.ts";
import type { KindDefinition } from "../../registry/kind.ts";

export const NOW_MS = Date.parse("2026-01-01T00:00:00Z");

/** Of any shape: tests send what clients might. */
export type Loose = Record<string, unknown>;

/** As it would be stored on create. */
export function prepared<T extends KubeObject>(kind: KindDefinition<T>, object: Loose): T {
  const copy = defaulted(kind, object);
  kind.strategy.prepareForCreate?.(copy, { nowMs: NOW_MS, subresource: "" });
  return canonicalise(copy, kind.schema);
}

export function defaulted<T extends KubeObject>(kind: KindDefinition<T>, object: Loose): T {
  const complete = { metadata: { name: "x", namespace: "default" }, ...structuredClone(object) };
  const copy = canonicalise(complete, kind.schema) as unknown as T;
  kind.strategy.default?.(copy);
  return copy;
}

/** "path: message" for each fault of a create. */
export function faultsOf<T extends KubeObject>(kind: KindDefinition<T>, object: Loose): string[] {
  const { strategy } = kind;
  const created = prepared(kind, object);
  return texts([...(strategy.validate?.(created) ?? []), ...(strategy.validateCreate?.(created) ?? [])]);
}

/** Faults of the change alone; both objects are prepared first. */
export function updateFaults<T extends KubeObject>(
  kind: KindDefinition<T>,
  { now, old, subresource = "" }: { now: Loose; old: Loose; subresource?: string },
): string[] {
  const before = prepared(kind, old);
  const status = before["status"];
  const after = defaulted(kind, { ...(status === undefined ? {} : { status }), ...now });
  const context = { nowMs: NOW_MS, subresource };
  kind.strategy.prepareForUpdate?.(after, before, context);
  return texts(kind.strategy.validateUpdate?.(canonicalise(after, kind.schema), before, context) ?? []);
}

function texts(errors: readonly FieldError[]): string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`);
}

/** Cells by column name. */
export function cellsOf<T extends KubeObject>(kind: KindDefinition<T>, object: Loose): Record<string, unknown> {
  const complete = defaulted(kind, object);
  return Object.fromEntries(kind.columns.map((column) => [column.name, column.value(complete, NOW_MS)]));
}
