import { expect, it } from "vitest";
import type { LogEntry, StorageReader, StoredObject } from "../storage/storage.ts";
import { createCurrentReader } from "./current-reader.ts";
import { defineKind } from "./kind.ts";
import { createScheme } from "./scheme.ts";

const kind = defineKind({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
  schema: "io.k8s.api.core.v1.ConfigMap",
  generation: 2,
  strategy: { default: (object) => (object["immutable"] ??= false) },
});
const row = (name: string, form: string): StoredObject => ({
  resource: "configmaps",
  namespace: "default",
  name,
  uid: `uid-${name}`,
  revision: 7,
  form,
  labels: {},
  fields: {},
  value: JSON.stringify({ metadata: { name }, gone: true }),
});
const rows = [row("old", "v1/1"), row("current", "v1/2"), { ...row("foreign", "v1/1"), resource: "gadgets" }];
const storage: StorageReader = {
  get: async ({ name }) => ({ object: rows.find((one) => one.name === name), revision: 7 }),
  list: async () => ({ objects: rows, revision: 7, more: false }),
  getMany: async (keys) => rows.filter((one) => keys.some(({ name }) => name === one.name)),
  revision: async () => 7,
};
const entries = rows.map((stored): LogEntry => ({ ...stored, type: "ADDED" }));
const changes = { entries, revision: 7, more: false, floor: 0 };
const snapshot = async () => ({ revision: 7, objects: rows, lists: [rows], changes });

it("gives every row in its current form, whoever reads it how; what is current or unknown passes", async () => {
  const reader = createCurrentReader({ storage, snapshot, scheme: createScheme([kind]) });
  const { objects } = await reader.list({ resource: "configmaps" });
  const state = await reader.snapshot({ lists: [] });
  const one = await reader.get({ resource: "configmaps", namespace: "default", name: "old" });
  const upgraded = { form: "v1/2", value: '{"metadata":{"name":"old"},"immutable":false}' };
  expect(one.object).toMatchObject(upgraded);
  for (const found of [objects, state.objects, state.lists[0], state.changes?.entries]) {
    expect(found?.[0]).toMatchObject(upgraded);
    expect(found?.[1]?.value).toBe(rows[1]?.value);
    expect(found?.[2]?.value).toBe(rows[2]?.value);
  }
  expect(objects[1]).toBe(rows[1]);
  expect((await reader.get({ resource: "configmaps", namespace: "default", name: "none" })).object).toBeUndefined();
});
