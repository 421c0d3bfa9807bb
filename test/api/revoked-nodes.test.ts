/** A node is revoked by deleting it: its credential, good for an hour by itself, ends within five seconds. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createNodeCredentials } from "../../src/authn/node-credential.ts";
import { NODE_KEY_ANNOTATION } from "../../src/relay/protocol.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { testRuntime } from "../harness/test-runtime.ts";

let api: TestCluster;
let skewMs = 0;

beforeAll(async () => {
  const { clock } = testRuntime.createPlatform();
  api = await createTestCluster({ platform: { clock: { now: () => clock.now() + skewMs } } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

async function credentialOf(nodeName: string, keyThumbprint: string): Promise<string> {
  const { keys, platform, config } = api.cluster;
  const credentials = createNodeCredentials({ keys, clock: platform.clock, issuer: config.issuer });
  return (await credentials.issue({ nodeName, keyThumbprint })).credential;
}

async function makeNode(name: string, key: string): Promise<void> {
  const body = { metadata: { name, annotations: { [NODE_KEY_ANNOTATION]: key } } };
  expect((await api.call("/api/v1/nodes", { method: "POST", body })).status).toBe(201);
}

test("deleted, it is refused; another machine under its name does not revive its credential", async () => {
  await makeNode("n1", "first");
  const token = await credentialOf("n1", "first");
  expect((await api.call("/api/v1/services", { token })).status).toBe(200);
  expect((await api.call("/api/v1/nodes/n1", { method: "DELETE" })).status).toBe(200);
  skewMs += 5_000;
  assertFailure(await api.call("/api/v1/services", { token }), { code: 401, reason: "Unauthorized" });
  await makeNode("n1", "second");
  assertFailure(await api.call("/api/v1/services", { token }), { code: 401, reason: "Unauthorized" });
  const heir = await credentialOf("n1", "second");
  expect((await api.call("/api/v1/services", { token: heir })).status).toBe(200);
});

test("a credential for a node that never was is refused", async () => {
  const token = await credentialOf("ghost", "first");
  assertFailure(await api.call("/api/v1/services", { token }), { code: 401, reason: "Unauthorized" });
});
