/** Secrets are encrypted where they are stored, and nobody who asks the API can tell. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { textToBase64 } from "../../src/machinery/base64.ts";
import type { RotationReport } from "../../src/pki/rotate-keys.ts";
import type { Database, SqlValue } from "../../src/storage/database.ts";
import {
  assertFailure,
  createTestCluster,
  take,
  watchEvents,
  type Answer,
  type TestCluster,
  type TestClusterOptions,
} from "../harness/cluster.ts";
import { testRuntime } from "../harness/test-runtime.ts";

const PLAIN = "correct horse battery staple";
const SECRETS = "/api/v1/namespaces/default/secrets";
const ROTATE = "/gantry/v1/keys/rotate";

let opened: { database: Database; close(): Promise<void> };
let cluster: TestCluster;
const others: TestCluster[] = [];

/** The same cluster in another process. */
async function another(options: TestClusterOptions = {}): Promise<TestCluster> {
  const other = await createTestCluster({ database: opened.database, cachesReads: false, ...options });
  others.push(other);
  return other;
}
const sql = async (text: string, ...args: SqlValue[]) =>
  (await opened.database.batch([{ sql: text, args }], "write"))[0]?.rows ?? [];
const storedOf = async (resource: string): Promise<string[]> =>
  (await sql("SELECT value FROM log WHERE resource = ? ORDER BY revision", resource)).map(([value]) => String(value));
const secret = (name: string, text = PLAIN, labels: Record<string, string> = {}) => ({
  metadata: { name, labels },
  data: { password: textToBase64(text) },
});
const create = (name: string, text?: string, labels?: Record<string, string>): Promise<Answer> =>
  cluster.call(SECRETS, { method: "POST", body: secret(name, text, labels) });
const passwordOf = ({ body }: Answer): string | undefined => (body as { data?: { password?: string } }).data?.password;
const rotate = async (at = cluster): Promise<RotationReport> =>
  (await at.call<RotationReport>(ROTATE, { method: "POST" })).body;

describe.skipIf(testRuntime.missing !== undefined)("values at rest", () => {
  beforeEach(async () => {
    opened = await testRuntime.openDatabase();
    cluster = await createTestCluster({ database: opened.database });
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.stop();
    await cluster.stop();
    await opened.close();
  });

  test("a Secret is stored as ciphertext; other kinds and its labels are clear", async () => {
    const created = await create("a", PLAIN, { team: "red" });
    expect(created.status).toBe(201);
    await cluster.call("/api/v1/namespaces/default/configmaps", {
      method: "POST",
      body: { metadata: { name: "a" }, data: { text: PLAIN } },
    });
    const [stored = ""] = await storedOf("secrets");
    expect(stored).toMatch(/^enc:v1:[0-9a-f]{16}:[A-Za-z0-9+/]+=*$/);
    expect((await storedOf("configmaps")).join("")).toContain(PLAIN);
    expect((await sql("SELECT labels FROM log WHERE resource = 'secrets'"))[0]?.[0]).toBe('{"team":"red"}');
  });

  test("reads, lists, selectors, watches, patches and deletes work as if nothing were encrypted", async () => {
    const { body } = await create("a", PLAIN, { team: "red" });
    await create("b", "other", { team: "blue" });
    expect(passwordOf(await cluster.call(`${SECRETS}/a`))).toBe(textToBase64(PLAIN));
    const red = await cluster.call<KubeObject & { items: KubeObject[] }>(`${SECRETS}?labelSelector=team%3Dred`);
    expect(red.body.items).toHaveLength(1);
    expect(red.text).toContain(textToBase64(PLAIN));
    const from = body.metadata.resourceVersion;
    const watch = watchEvents(await cluster.fetch(`${SECRETS}?watch=1&resourceVersion=${from}`));
    const merge = { "content-type": "application/merge-patch+json" };
    const patch = (data: object) =>
      cluster.call(`${SECRETS}/a`, {
        method: "PATCH",
        headers: merge,
        body: { metadata: { labels: { team: "green" } }, data },
      });
    const patched = await patch({ password: textToBase64("new") });
    // Compared in clear: each encryption is another text.
    expect((await patch({ password: textToBase64("new") })).body.metadata.resourceVersion).toBe(
      patched.body.metadata.resourceVersion,
    );
    await cluster.call(`${SECRETS}/a`, { method: "DELETE" });
    const events = await take(watch, 3);
    await watch.return(undefined);
    expect(events.map(({ type, object }) => [type, (object as { data?: object }).data])).toEqual([
      ["ADDED", { password: textToBase64("other") }],
      ["MODIFIED", { password: textToBase64("new") }],
      ["DELETED", { password: textToBase64("new") }],
    ]);
    const before = await cluster.call<KubeObject & { items: KubeObject[] }>(
      `${SECRETS}?resourceVersion=${from}&resourceVersionMatch=Exact`,
    );
    expect(before.body.items.map(({ metadata }) => metadata.name)).toEqual(["a"]);
    expect(before.text).toContain(textToBase64(PLAIN));
  });

  test("a restarted process hands on what it finds in the log, with the state before where labels changed", async () => {
    const { body } = await create("a", PLAIN, { team: "red" });
    const merge = { "content-type": "application/merge-patch+json" };
    await cluster.call(`${SECRETS}/a`, {
      method: "PATCH",
      headers: merge,
      body: { metadata: { labels: { team: "blue" } } },
    });
    const other = await another();
    const query = `watch=1&labelSelector=team%3Dred&resourceVersion=${body.metadata.resourceVersion}`;
    const watch = watchEvents(await other.fetch(`${SECRETS}?${query}`));
    const [event] = await take(watch, 1);
    await watch.return(undefined);
    expect(event?.type).toBe("DELETED");
    expect((event?.object as { data?: object } | undefined)?.data).toEqual({ password: textToBase64(PLAIN) });
  });

  test("what was stored in clear is readable, and is encrypted by its next write or by a rotation", async () => {
    const clear = await another({ config: { encryptedResources: [] } });
    for (const name of ["a", "b"]) await clear.call(SECRETS, { method: "POST", body: secret(name) });
    expect((await storedOf("secrets")).every((value) => value.startsWith("{"))).toBe(true);
    const found = await cluster.call(`${SECRETS}/a`);
    expect(passwordOf(found)).toBe(textToBase64(PLAIN));
    const changed = { ...found.body, data: { password: textToBase64("new") } };
    expect((await cluster.call(`${SECRETS}/a`, { method: "PUT", body: changed })).status).toBe(200);
    expect((await storedOf("secrets")).filter((value) => value.startsWith("enc:"))).toHaveLength(1);
    expect(await rotate()).toMatchObject({ done: true, rewritten: 3, unreadable: 0 });
    expect((await storedOf("secrets")).filter((value) => value.startsWith("enc:"))).toHaveLength(3);
    // And back, where a cluster no longer wants it.
    expect(await rotate(clear)).toMatchObject({ done: true, rewritten: 3 });
    expect((await storedOf("secrets")).filter((value) => value.startsWith("enc:"))).toHaveLength(0);
  });

  test("a rotation changes every stored row, no revision, and sends no event", async () => {
    await create("a");
    await create("b");
    await cluster.call(`${SECRETS}/b`, { method: "DELETE" });
    const list = await cluster.call(SECRETS);
    const watch = watchEvents(
      await cluster.fetch(`${SECRETS}?watch=1&resourceVersion=${list.body.metadata.resourceVersion}`),
    );
    const before = await storedOf("secrets");
    const { dataKey, ...report } = await rotate();
    expect(report).toMatchObject({ done: true, rewritten: 3, unreadable: 0 });
    const after = await storedOf("secrets");
    expect(after.every((value) => value.startsWith(`enc:v1:${dataKey}:`))).toBe(true);
    expect(before.some((value) => value.startsWith(`enc:v1:${dataKey}:`))).toBe(false);
    expect((await cluster.call(SECRETS)).text).toBe(list.text);
    await create("c");
    const [event] = await take(watch, 1);
    await watch.return(undefined);
    expect([event?.type, event?.object.metadata.name]).toEqual(["ADDED", "c"]);
    expect(await rotate()).toMatchObject({ done: true, rewritten: 4 });
  });

  test("another process meets a rotation in its next read and in its next write", async () => {
    await create("a");
    const stale = await another();
    const { dataKey } = await rotate();
    expect(passwordOf(await stale.call(`${SECRETS}/a`))).toBe(textToBase64(PLAIN));
    const unread = await another();
    const next = await rotate();
    expect(next.dataKey).not.toBe(dataKey);
    expect((await unread.call(SECRETS, { method: "POST", body: secret("b") })).status).toBe(201);
    expect((await storedOf("secrets")).every((value) => value.startsWith(`enc:v1:${next.dataKey}:`))).toBe(true);
    expect(unread.errors).toEqual([]);
  });

  test("a tampered value is an internal error without a word of it, and harms no other object", async () => {
    await create("good");
    const { body } = await create("bad");
    await create("moved");
    // One character in the middle; and a ciphertext in another object's place.
    await sql(
      "UPDATE log SET value = substr(value, 1, 60) || CASE substr(value, 61, 1) WHEN 'A' THEN 'B' ELSE 'A' END || substr(value, 62) WHERE name = 'bad'",
    );
    await sql("UPDATE log SET value = (SELECT value FROM log WHERE name = 'good') WHERE name = 'moved'");
    const other = await another();
    for (const path of [`${SECRETS}/bad`, `${SECRETS}/moved`, SECRETS]) {
      const failed = await other.call(path);
      const message = "Internal error occurred: a stored object cannot be decrypted";
      assertFailure(failed, { code: 500, reason: "InternalError", message });
      expect(failed.text).not.toContain("enc:");
    }
    expect(passwordOf(await other.call(`${SECRETS}/good`))).toBe(textToBase64(PLAIN));
    const since = Number(body.metadata.resourceVersion) - 1;
    const watch = watchEvents(await other.fetch(`${SECRETS}?watch=1&resourceVersion=${since}`));
    const [event] = await take(watch, 2);
    expect([event?.type, (event?.object as { code?: number } | undefined)?.code]).toEqual(["ERROR", 500]);
    expect(await rotate(other)).toMatchObject({ done: true, rewritten: 1, unreadable: 2 });
    expect(
      (await other.call("/api/v1/namespaces/default/configmaps", { method: "POST", body: { metadata: { name: "x" } } }))
        .status,
    ).toBe(201);
  });

  test("only the administrator rotates keys", async () => {
    assertFailure(await cluster.call(ROTATE, { method: "POST", token: null }), { code: 403, reason: "Forbidden" });
    assertFailure(await cluster.call(ROTATE), { code: 405, reason: "MethodNotAllowed" });
  });
});
