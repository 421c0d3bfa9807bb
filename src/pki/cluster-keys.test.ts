import { X509Certificate } from "node:crypto";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createNodePlatform } from "../platform/node/platform.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../cluster.ts";
import { memorySettings } from "../../test/harness/memory-settings.ts";
import type { Settings } from "../storage/storage.ts";
import { loadClusterKeys } from "./load-cluster-keys.ts";
import { issueServerIdentity } from "./server-identity.ts";

const { clock, random } = createNodePlatform();
const masterKey = new Uint8Array(32).fill(7);

const load = (settings: Settings, key = masterKey) => loadClusterKeys({ settings, masterKey: key, clock, random });

test("two first starts agree on the same authority and token key", async () => {
  const settings = memorySettings();
  const [a, b] = await Promise.all([load(settings), load(settings)]);
  expect(a.clusterCa).toBe(b.clusterCa);
  expect(a.tokenKeys.map((k) => k.keyId)).toEqual(b.tokenKeys.map((k) => k.keyId));
  const later = await load(settings);
  expect(later.clusterCa).toBe(a.clusterCa);
});

test("a token signed before a restart verifies after it", async () => {
  const settings = memorySettings();
  const before = (await load(settings)).tokenKeys[0];
  const after = (await load(settings)).tokenKeys[0];
  if (!before || !after) throw new Error("no token key");
  const data = new TextEncoder().encode("payload");
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const signature = await crypto.subtle.sign(algorithm, before.privateKey, data);
  expect(await crypto.subtle.verify(algorithm, after.publicKey, signature, data)).toBe(true);
});

test("what is stored shows no key, opens under no other master key and not when changed", async () => {
  const settings = memorySettings();
  await load(settings);
  const [[name, sealed]] = [...settings.values] as [[string, string]];
  expect(sealed).not.toContain('"d"');
  expect(sealed).not.toContain("CERTIFICATE");
  await expect(load(settings, new Uint8Array(32).fill(8))).rejects.toThrow("another master key");
  const parts = JSON.parse(sealed) as { data: string };
  const swapped = parts.data.startsWith("A") ? "B" : "A";
  settings.values.set(name, JSON.stringify({ ...parts, data: swapped + parts.data.slice(1) }));
  await expect(load(settings)).rejects.toThrow("has been changed");
});

test("the authority is a CA for ten years and OpenSSL verifies what it issued", async () => {
  const keys = await load(memorySettings());
  const identity = await issueServerIdentity({
    keys,
    clock,
    cluster: DEFAULT_CLUSTER_CONFIG,
    hosts: ["10.1.2.3", "api.test"],
  });
  const ca = new X509Certificate(keys.clusterCa);
  const leaf = new X509Certificate(identity.certificatePem);
  expect(ca.ca).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.verify(ca.publicKey)).toBe(true);
  expect(leaf.checkIssued(ca)).toBe(true);
  expect(ca.validToDate.getTime() - clock.now()).toBeGreaterThan(3_649 * 24 * 3_600_000);
  for (const host of ["localhost", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "api.test"])
    expect(leaf.checkHost(host)).toBe(host);
  for (const ip of ["127.0.0.1", "::1", "10.96.0.1", "10.1.2.3"]) expect(leaf.checkIP(ip)).toBeDefined();
  expect(leaf.checkHost("example.com")).toBeUndefined();
});

test("a TLS client that trusts the cluster's CA reaches a server with the issued identity", async () => {
  const keys = await load(memorySettings());
  const identity = await issueServerIdentity({ keys, clock, cluster: DEFAULT_CLUSTER_CONFIG });
  const server = createServer({ key: identity.keyPem, cert: identity.certificatePem }, (_, response) =>
    response.end("ok"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const status = await new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port, ca: keys.clusterCa, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(200);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
