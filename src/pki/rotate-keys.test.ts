import { expect, test } from "vitest";
import { memorySettings } from "../../test/harness/memory-settings.ts";
import { silentLog } from "../../test/harness/silent-log.ts";
import { createNodePlatform } from "../platform/node/platform.ts";
import type { ReencryptedSlice } from "../storage/reencryption.ts";
import { KEYS_SETTING } from "../storage/value-cipher.ts";
import { loadClusterKeys } from "./load-cluster-keys.ts";
import { rotateKeys } from "./rotate-keys.ts";
import { createSealer } from "./sealing.ts";
import { openStored } from "./stored-keys.ts";

const { random } = createNodePlatform();
const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
const NOTHING: ReencryptedSlice = { rewritten: 0, unreadable: 0, next: undefined };
const place = { resource: "secrets", namespace: "default", name: "a", uid: "1" };

function setUp() {
  const settings = memorySettings();
  const clock = { nowMs: Date.UTC(2026, 10, 24), now: () => clock.nowMs };
  const load = (masterKey = new Uint8Array(32)) => loadClusterKeys({ settings, masterKey, clock, random });
  const rotate = (
    keys: Awaited<ReturnType<typeof load>>,
    reencrypt: () => Promise<ReencryptedSlice> = async () => NOTHING,
    held: readonly string[] = [],
  ) =>
    rotateKeys(
      { keys, reencrypt, heldTokenKeys: async () => held, clock, log: silentLog },
      { deadlineMs: clock.nowMs + 1_000 },
    );
  const ids = (keys: Awaited<ReturnType<typeof load>>) => keys.tokenKeys.map(({ keyId }) => keyId);
  return { settings, clock, load, rotate, ids };
}

test("a token key is published for an hour before it signs, and verifies for a year after it was replaced", async () => {
  const { clock, load, rotate, ids } = setUp();
  const keys = await load();
  const [first = ""] = ids(keys);
  const { tokenKeySignsFromMs } = await rotate(keys);
  expect(tokenKeySignsFromMs).toBe(clock.nowMs + HOUR_MS);
  expect(ids(keys)).toHaveLength(2);
  expect(ids(keys)[0]).toBe(first);
  // Again within the hour: nothing is ahead of what is ahead.
  await rotate(keys);
  expect(ids(keys)).toHaveLength(2);
  clock.nowMs += HOUR_MS;
  const second = ids(keys)[0];
  expect(second).not.toBe(first);
  expect(ids(keys)).toContain(first);
  clock.nowMs += YEAR_MS;
  await rotate(keys);
  expect(ids(keys)).toContain(first);
  clock.nowMs += 2 * HOUR_MS;
  // A Secret still holds a token of it, which has no end.
  await rotate(keys, undefined, [first]);
  expect(ids(keys)).toContain(first);
  await rotate(keys);
  expect(ids(keys)).not.toContain(first);
  expect(ids(keys)).toContain(second);
});

test("another process finds a new token key by its id, and reads the keys once in two seconds at most", async () => {
  const { settings, clock, load, rotate, ids } = setUp();
  const here = await load();
  const there = await load();
  let reads = 0;
  settings.get = async (key) => {
    reads++;
    return settings.values.get(key);
  };
  for (let guess = 0; guess < 50; guess++) expect(await there.tokenKey(`guess-${guess}`)).toBeUndefined();
  expect(reads).toBe(1);
  await rotate(here);
  const added = ids(here).find((keyId) => !ids(there).includes(keyId)) ?? "";
  expect(await there.tokenKey(added)).toBeUndefined();
  clock.nowMs += 2_001;
  expect((await there.tokenKey(added))?.keyId).toBe(added);
});

test("a rotation that ends in the middle goes on with the same key, and old ciphertexts are read until it is done", async () => {
  const { load, rotate } = setUp();
  const keys = await load();
  const old = await keys.values.encrypt(place, "text");
  const dying = rotate(keys, () => Promise.reject(new Error("the process ends here")));
  await expect(dying).rejects.toThrow("ends here");
  const restarted = await load();
  const under = restarted.values.writingKey();
  expect(await restarted.values.decrypt(place, old)).toBe("text");
  const report = await rotate(restarted);
  expect(report).toMatchObject({ done: true, dataKey: under });
  await expect(restarted.values.decrypt(place, old)).rejects.toThrow("does not have");
});

test("time that is up is told, and keeps the old key", async () => {
  const { clock, load, rotate } = setUp();
  const keys = await load();
  const old = await keys.values.encrypt(place, "text");
  const slow = async () => {
    clock.nowMs += 600;
    return { ...NOTHING, rewritten: 1, next: 7 };
  };
  expect(await rotate(keys, slow)).toMatchObject({ done: false, rewritten: 2 });
  expect(await keys.values.decrypt(place, old)).toBe("text");
});

test("two rotations at once agree on one key", async () => {
  const { load, rotate } = setUp();
  const [a, b] = [await load(), await load()];
  await Promise.all([rotate(a), rotate(b)]);
  await a.values.reload();
  await b.values.reload();
  expect(a.values.writingKey()).toBe(b.values.writingKey());
});

test("a ciphertext opens at its own place alone, whole, and with this cluster's keys", async () => {
  const { load } = setUp();
  const { values } = await load();
  const sealed = await values.encrypt(place, "text");
  expect(await values.encrypt(place, "text")).not.toBe(sealed);
  expect(await values.decrypt(place, sealed)).toBe("text");
  for (const other of [{ name: "b" }, { namespace: "x" }, { uid: "2" }, { resource: "configmaps" }]) {
    await expect(values.decrypt({ ...place, ...other }, sealed), JSON.stringify(other)).rejects.toThrow();
  }
  for (const changed of [sealed.slice(0, -8), `${sealed.slice(0, 40)}AAAA${sealed.slice(44)}`, "enc:v2:x:y", "no"]) {
    await expect(values.decrypt(place, changed), changed).rejects.toThrow();
  }
  const { values: foreign } = await setUp().load();
  await expect(foreign.decrypt(place, sealed)).rejects.toThrow("does not have");
});

test("another master key is told as such", async () => {
  const { settings, load } = setUp();
  const { values } = await load();
  await expect(load(new Uint8Array(32).fill(1))).rejects.toThrow("sealed under another master key");
  // What the guard in SQL asks for.
  expect([...settings.values.values()].join("")).toContain(`"dataKey":"${values.writingKey()}"`);
});

test("a cluster from before values were encrypted gets a data key at its next start, and keeps its token key", async () => {
  const { settings, load, ids } = setUp();
  const tokenKeys = ids(await load());
  const sealer = await createSealer({ masterKey: new Uint8Array(32), random });
  const text = settings.values.get(KEYS_SETTING) ?? "";
  const { dataKeys: _data, encrypted: _encrypted, ...before } = (await openStored(sealer, text)).keys;
  settings.values.set(KEYS_SETTING, await sealer.seal(KEYS_SETTING, JSON.stringify(before)));
  const [a, b] = await Promise.all([load(), load()]);
  expect(ids(a)).toEqual(tokenKeys);
  expect(await b.values.decrypt(place, await a.values.encrypt(place, "text"))).toBe("text");
});
