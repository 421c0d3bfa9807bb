import { expect, it } from "vitest";
import type { ObjectKey, StorageReader, StoredObject } from "../storage/storage.ts";
import { createPrimedReader } from "./primed-reader.ts";

const row = (name: string, revision: number): StoredObject => ({
  resource: "pods",
  namespace: "n",
  name,
  uid: name,
  revision,
  form: "v1/1",
  labels: {},
  fields: {},
  value: "{}",
});

const at = (name: string): ObjectKey => ({ resource: "pods", namespace: "n", name });

it("knows each object once: who asks again is told how it is now", async () => {
  const asked: string[] = [];
  const get = async ({ name }: ObjectKey) => (asked.push(name), { object: row(name, 9), revision: 9 });
  const storage: StorageReader = {
    get,
    getMany: async (keys) => keys.map(({ name }) => row(name, 9)),
    list: async () => ({ objects: [row("a", 9)], revision: 9, more: false }),
    revision: async () => 9,
  };
  const reader = createPrimedReader(storage, [row("a", 7)]);
  expect((await reader.get({ ...at("a"), namespace: "m" })).object?.revision).toBe(9);
  expect((await reader.getMany([at("a")]))[0]?.revision).toBe(9);
  expect((await reader.list({ resource: "pods" })).objects[0]?.revision).toBe(9);
  expect((await reader.get(at("a"))).object?.revision).toBe(7);
  expect((await reader.get(at("a"))).object?.revision).toBe(9);
  expect((await reader.get(at("b"))).object?.revision).toBe(9);
  expect(asked).toEqual(["a", "a", "b"]);
});
