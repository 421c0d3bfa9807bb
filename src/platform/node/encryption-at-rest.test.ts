/** What whoever gets hold of the database's files can read in them. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestCluster, type TestCluster } from "../../../test/harness/cluster.ts";
import type { Database } from "../../storage/database.ts";
import { openDatabase } from "./libsql-database.ts";

const MARK = "xyzzy-plugh-0451";
let folder: string;
let database: Database;
let cluster: TestCluster;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gantry-at-rest-"));
  database = await openDatabase({ path: join(folder, "cluster.db"), writesInThread: true });
  cluster = await createTestCluster({ database });
});
afterEach(async () => {
  await cluster.stop();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

/** Names of the files that hold the text, as it is or in one of base64's three alignments. */
async function filesWith(text: string): Promise<string[]> {
  const shapes = [
    text,
    ...["", " ", "  "].map((pad) =>
      Buffer.from(pad + text)
        .toString("base64")
        .slice(4, -4),
    ),
  ];
  const found: string[] = [];
  for (const file of await readdir(folder)) {
    const bytes = await readFile(join(folder, file));
    if (shapes.some((shape) => bytes.includes(shape))) found.push(file);
  }
  return found;
}

test("no file of the database holds a Secret in clear, while it lives, after changes and after a rotation", async () => {
  const path = "/api/v1/namespaces/default/secrets";
  const body = { metadata: { name: "a", annotations: { note: MARK } }, stringData: { password: `1 ${MARK} 2` } };
  const created = await cluster.call(path, { method: "POST", body });
  expect(created.status).toBe(201);
  // Large enough for pages of its own.
  await cluster.call(path, {
    method: "POST",
    body: { ...body, metadata: { name: "b" }, stringData: { large: MARK.repeat(5_000) } },
  });
  const merge = { "content-type": "application/merge-patch+json" };
  await cluster.call(`${path}/a`, {
    method: "PATCH",
    headers: merge,
    body: { stringData: { password: `${MARK}${MARK}` } },
  });
  await cluster.call("/gantry/v1/keys/rotate", { method: "POST" });
  await cluster.call(`${path}/a`, { method: "DELETE" });
  expect((await cluster.call(`${path}/b`)).status).toBe(200);
  expect((await readdir(folder)).some((file) => file.endsWith("-wal"))).toBe(true);
  expect(await filesWith(MARK)).toEqual([]);
});

test("of another kind the same text is found, so that the search can fail", async () => {
  const body = { metadata: { name: "a" }, data: { text: MARK } };
  await cluster.call("/api/v1/namespaces/default/configmaps", { method: "POST", body });
  expect(await filesWith(MARK)).not.toEqual([]);
});
