/** Master keys rotate by two that open, of which one seals: processes with either order run beside each other. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadClusterKeys } from "../../src/pki/load-cluster-keys.ts";
import { SealError, type MasterKeys } from "../../src/pki/sealing.ts";
import { createSettings } from "../../src/storage/settings.ts";
import { migrate } from "../../src/storage/migrate.ts";
import type { Database } from "../../src/storage/database.ts";
import { testRuntime } from "../harness/test-runtime.ts";

const OLD = new Uint8Array(32).fill(1);
const NEW = new Uint8Array(32).fill(2);
let opened: { database: Database; close(): Promise<void> };

beforeAll(async () => {
  opened = await testRuntime.openDatabase();
  await migrate(opened.database);
});
afterAll(() => opened.close());

const load = (keys: MasterKeys) =>
  loadClusterKeys({ settings: createSettings(opened), ...keys, ...testRuntime.createPlatform() });

test("three deployments, each beside the one before; the keys themselves stay", async () => {
  const before = await load({ masterKey: OLD });
  const ids = before.tokenKeys.map(({ keyId }) => keyId);
  const seen = async (keys: MasterKeys) => (await load(keys)).tokenKeys.map(({ keyId }) => keyId);
  await expect(load({ masterKey: NEW })).rejects.toThrow(SealError);

  expect(await seen({ masterKey: OLD, otherMasterKey: NEW })).toEqual(ids);
  // The old one seals still.
  expect(await seen({ masterKey: OLD })).toEqual(ids);

  expect(await seen({ masterKey: NEW, otherMasterKey: OLD })).toEqual(ids);
  await expect(load({ masterKey: OLD })).rejects.toThrow(SealError);
  // An isolate of the deployment before seals it under the old one again, and the next that opens it under the new one.
  expect(await seen({ masterKey: OLD, otherMasterKey: NEW })).toEqual(ids);
  expect(await seen({ masterKey: NEW, otherMasterKey: OLD })).toEqual(ids);

  expect(await seen({ masterKey: NEW })).toEqual(ids);
  expect(before.clusterCa).toBe((await load({ masterKey: NEW })).clusterCa);
});

test("a key that is none is refused, as the other one too", async () => {
  await expect(load({ masterKey: NEW.slice(1) })).rejects.toThrow("32 bytes");
  await expect(load({ masterKey: NEW, otherMasterKey: new Uint8Array(3) })).rejects.toThrow("32 bytes");
});
