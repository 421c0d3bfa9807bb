import { expect, test } from "vitest";
import type { ResourceRef } from "../machinery/gvk.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { createNodePlatform } from "../platform/node/platform.ts";
import { createMemoryApi } from "../relay/testing/memory-api.ts";
import { createBootstrapToken, verifyBootstrapToken } from "./bootstrap-token.ts";

const { random } = createNodePlatform();
const secrets: ResourceRef = { group: "", version: "v1", resource: "secrets", namespaced: true };
const namespaces: ResourceRef = { group: "", version: "v1", resource: "namespaces", namespaced: false };
const now = Date.UTC(2026, 10, 24);
const clock = { now: () => now };

async function api() {
  const client = createMemoryApi().client("admin");
  await client.create(namespaces, { metadata: { name: "kube-system" } });
  return client;
}

/** As kubeadm writes it. */
function kubeadmSecret(over: Record<string, string | undefined>): KubeObject {
  const values = {
    "token-id": "abcdef",
    "token-secret": "0123456789abcdef",
    "usage-bootstrap-authentication": "true",
    expiration: "2026-11-25T00:00:00Z",
    ...over,
  };
  const data = Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, btoa(value)]]));
  return {
    metadata: { name: "bootstrap-token-abcdef", namespace: "kube-system" },
    type: "bootstrap.kubernetes.io/token",
    data: Object.fromEntries(data) as Record<string, string>,
  };
}

test("a token that kubeadm made serves several nodes until it expires", async () => {
  const client = await api();
  await client.create(secrets, kubeadmSecret({}));
  const token = "abcdef.0123456789abcdef";
  for (const key of ["key-1", "key-2"]) {
    const verified = await verifyBootstrapToken({ client, clock, token });
    expect(verified).toMatchObject({ id: "abcdef", singleUse: false });
    await verified.consume(key);
  }
});

const refusedSecrets: [string, KubeObject | undefined, string?][] = [
  ["unknown", undefined],
  ["wrong secret", kubeadmSecret({}), "abcdef.0123456789abcdeX".toLowerCase()],
  ["expired", kubeadmSecret({ expiration: "2026-11-23T23:59:59Z" })],
  ["expiration unreadable", kubeadmSecret({ expiration: "tomorrow" })],
  ["not for authentication", kubeadmSecret({ "usage-bootstrap-authentication": "false" })],
  ["usage missing", kubeadmSecret({ "usage-bootstrap-authentication": undefined })],
  ["another id", kubeadmSecret({ "token-id": "zzzzzz" })],
  ["no secret at all", kubeadmSecret({ "token-secret": undefined })],
  ["another type of Secret", { ...kubeadmSecret({}), type: "Opaque" }],
  [
    "being deleted",
    { ...kubeadmSecret({}), metadata: { ...kubeadmSecret({}).metadata, deletionTimestamp: "2026-11-24T00:00:00Z" } },
  ],
  ["malformed", kubeadmSecret({}), "abcdef.short"],
];
test.each(refusedSecrets)(
  "refused with the same words: %s",
  async (_why, secret, token = "abcdef.0123456789abcdef") => {
    const client = await api();
    if (secret) await client.create(secrets, secret);
    await expect(verifyBootstrapToken({ client, clock, token })).rejects.toThrow(
      "the join token is unknown, used or has expired",
    );
  },
);

test("a token made by us is used once: by one key, which may repeat a join whose answer was lost", async () => {
  const client = await api();
  const token = await createBootstrapToken({ client, clock, random }, { description: "für den Keller" });
  expect(token).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
  const first = await verifyBootstrapToken({ client, clock, token });
  const rival = await verifyBootstrapToken({ client, clock, token });
  await first.consume("key-1");
  await expect(rival.consume("key-2")).rejects.toThrow("used");
  const again = await verifyBootstrapToken({ client, clock, token });
  await again.consume("key-1");
  await expect(again.consume("key-2")).rejects.toThrow("used");
  const hourLater = { now: () => now + 3_600_000 };
  const late = await verifyBootstrapToken({ client, clock: hourLater, token });
  await expect(late.consume("key-1")).rejects.toThrow("used");
});

test("a token for several nodes can be asked for", async () => {
  const client = await api();
  const token = await createBootstrapToken({ client, clock, random }, { singleUse: false, lifetimeMs: 1000 });
  const verified = await verifyBootstrapToken({ client, clock, token });
  await verified.consume("key-1");
  await verified.consume("key-2");
  const later = { now: () => now + 2000 };
  await expect(verifyBootstrapToken({ client, clock: later, token })).rejects.toThrow("expired");
});
