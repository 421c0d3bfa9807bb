import { describe, expect, it } from "vitest";
import type { LogEntry, StorageReader, StoredObject } from "../storage/storage.ts";
import { createCachedReader } from "./cached-reader.ts";

function stored(name: string, revision: number, size = 10): StoredObject {
  return {
    resource: "things",
    namespace: "n",
    name,
    uid: name,
    revision,
    form: "v1/1",
    labels: {},
    fields: {},
    value: "x".repeat(size),
  };
}

/** A store that counts what it is asked. */
async function cache(bytesMax?: number) {
  const rows = new Map([
    ["a", stored("a", 1)],
    ["b", stored("b", 2)],
  ]);
  const state = { revision: 2, gets: 0, lists: 0, during: () => {} };
  const listeners: ((entries: readonly LogEntry[]) => void)[] = [];
  const storage: StorageReader = {
    async get({ name }) {
      state.gets++;
      const answer = { object: rows.get(name), revision: state.revision };
      state.during();
      return answer;
    },
    async list({ resource, limit = Number.POSITIVE_INFINITY }) {
      state.lists++;
      const objects = resource === "things" ? [...rows.values()] : [];
      return { objects: objects.slice(0, limit), revision: state.revision, more: objects.length > limit };
    },
    getMany: async (keys) => keys.flatMap(({ name }) => rows.get(name) ?? []),
    revision: async () => state.revision,
  };
  const reader = await createCachedReader({
    storage,
    onCommit: (listener) => {
      listeners.push(listener);
      return () => {};
    },
    ...(bytesMax === undefined ? {} : { bytesMax }),
  });
  const write = (name: string, size?: number): void => {
    state.revision++;
    const row = stored(name, state.revision, size);
    rows.set(name, row);
    for (const listener of listeners) listener([{ ...row, type: "MODIFIED" }]);
  };
  return { reader, state, write, silently: () => state.revision++ };
}

const key = (name: string) => ({ resource: "things", namespace: "n", name });

describe("the cached reader", () => {
  it("asks once until something is written", async () => {
    const { reader, state, write } = await cache();
    await reader.get(key("a"));
    expect(await reader.get(key("a"))).toMatchObject({ object: { revision: 1 }, revision: 2 });
    expect(state.gets).toBe(1);
    write("a");
    expect(await reader.get(key("a"))).toMatchObject({ object: { revision: 3 }, revision: 3 });
    write("b");
    expect(await reader.get(key("a"))).toMatchObject({ object: { revision: 3 }, revision: 4 });
    expect(state.gets).toBe(2);
  });

  it("keeps whole lists, with the newest revision, until one of their objects changes", async () => {
    const { reader, state, write } = await cache();
    const list = () => reader.list({ resource: "things", namespace: "n" });
    const other = () => reader.list({ resource: "others" });
    const first = await list();
    await other();
    expect((await list()).objects).toBe(first.objects);
    write("c");
    expect((await list()).objects.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect((await other()).revision).toBe(3);
    expect(state.lists).toBe(3);
  });

  it("answers with what it keeps for any limit that leaves it whole, and for a first page of the same limit", async () => {
    const { reader, state, write } = await cache();
    const list = async (limit?: number) => {
      const page = await reader.list({ resource: "things", ...(limit === undefined ? {} : { limit }) });
      return [page.objects.length, page.more, state.lists];
    };
    expect(await list(500)).toEqual([2, false, 1]);
    expect(await list(2)).toEqual([2, false, 1]);
    expect(await list()).toEqual([2, false, 1]);
    expect(await list(1)).toEqual([1, true, 2]);
    expect(await list(1)).toEqual([1, true, 2]);
    expect(await list()).toEqual([2, false, 3]);
    write("a");
    expect(await list(2)).toEqual([2, false, 4]);
  });

  it("asks for every other list", async () => {
    const { reader, state } = await cache();
    const after = { namespace: "n", name: "a" };
    for (const more of [{ after, limit: 1 }, { revision: 2 }, { selector: { labels: [], fields: [] } }]) {
      await reader.list({ resource: "things", ...more });
      await reader.list({ resource: "things", ...more });
    }
    expect(state.lists).toBe(6);
  });

  it("does not keep a read that overlaps a write", async () => {
    const { reader, state, write } = await cache();
    state.during = () => {
      state.during = () => {};
      write("a");
    };
    expect((await reader.get(key("a"))).object?.revision).toBe(1);
    expect((await reader.get(key("a"))).object?.revision).toBe(3);
  });

  it("does not show less than a client has seen, announced or not", async () => {
    const { reader, state, write, silently } = await cache();
    await reader.get(key("a"));
    silently();
    await reader.revision();
    await reader.get(key("a"));
    expect(state.gets).toBe(2);
    write("b");
    await reader.get(key("a"));
    expect(state.gets).toBe(2);
  });

  it("holds no more than it may", async () => {
    const { reader, state, write } = await cache(25);
    for (const name of ["a", "b", "c"]) write(name);
    for (const name of ["a", "b", "c"]) await reader.get(key(name));
    expect(state.gets).toBe(3);
    await reader.get(key("c"));
    await reader.get(key("b"));
    expect(state.gets).toBe(3);
    await reader.get(key("a"));
    expect(state.gets).toBe(4);
  });
});
