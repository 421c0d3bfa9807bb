/** Prepared writes for tests, as the registry would make them. Runs in every runtime. */
import type { CompanionWrite, PreparedWrite, WriteCondition } from "../../src/storage/storage.ts";
import { storedValue } from "../../src/storage/stored-value.ts";

export interface WriteInput {
  op: "create" | "update" | "delete";
  resource?: string;
  namespace?: string;
  name: string;
  uid?: string;
  expected?: number;
  labels?: Record<string, string>;
  fields?: Record<string, string>;
  /** Goes into the object's spec. */
  content?: unknown;
  expiresMs?: number;
  conditions?: WriteCondition[];
  companions?: CompanionWrite[];
  writeId?: string;
}

export function preparedWrite(input: WriteInput): PreparedWrite {
  const { op, name, resource = "pods", namespace = "default", labels = {}, fields = {} } = input;
  const uid = input.uid ?? `uid-${name}`;
  const object = { metadata: { name, namespace, uid, labels }, spec: { content: input.content ?? null } };
  const shared = {
    resource,
    namespace,
    name,
    uid,
    labels,
    fields,
    form: "v1/1",
    writeId: input.writeId ?? crypto.randomUUID(),
    value: storedValue(object),
    ...(input.expiresMs === undefined ? {} : { expiresMs: input.expiresMs }),
    ...(input.conditions === undefined ? {} : { conditions: input.conditions }),
    ...(input.companions === undefined ? {} : { companions: input.companions }),
  };
  return op === "create" ? { ...shared, op } : { ...shared, op, expected: input.expected ?? 0 };
}
