import { beforeAll, expect, test } from "vitest";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { loadClusterKeys } from "../pki/load-cluster-keys.ts";
import type { ClusterKeys } from "../pki/cluster-keys.ts";
import { createNodePlatform } from "../platform/node/platform.ts";
import { signProof, thumbprint, type NodePublicKey } from "./key-proof.ts";
import { createNodeCredentials, nodeIdentityOf } from "./node-credential.ts";
import { memorySettings } from "../../test/harness/memory-settings.ts";

const { random } = createNodePlatform();
const start = Date.UTC(2026, 10, 24);
const HOUR_MS = 3_600_000;
let now = start;
const clock = { now: () => now };
let keys: ClusterKeys;

const newKeys = () =>
  loadClusterKeys({
    settings: memorySettings(),
    masterKey: new Uint8Array(32),
    clock,
    random,
  });

async function machine() {
  const pair = await generateKeyPair("ES256", { extractable: true });
  const { kty, crv, x, y } = await exportJWK(pair.publicKey);
  const publicKey = { kty, crv, x, y } as NodePublicKey;
  return { privateKey: pair.privateKey, publicKey, keyThumbprint: await thumbprint(publicKey) };
}

beforeAll(async () => {
  keys = await newKeys();
});

const credentials = () => createNodeCredentials({ keys, clock, issuer: "https://api.test" });

test("a credential authenticates its node until it expires", async () => {
  now = start;
  const { keyThumbprint } = await machine();
  const { credential, expiresMs } = await credentials().issue({ nodeName: "n1", keyThumbprint });
  const user = await credentials().authenticate({ token: credential });
  expect(user).toMatchObject({ name: "system:node:n1", groups: ["system:nodes"] });
  expect(nodeIdentityOf(user)).toEqual({ nodeName: "n1", keyThumbprint });
  now = expiresMs + 1000;
  await expect(credentials().authenticate({ token: credential })).rejects.toThrow("has expired");
});

test("there is no opinion on what is no node credential", async () => {
  now = start;
  const serviceAccount = await new SignJWT({ sub: "system:serviceaccount:a:b" })
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: keys.tokenKeys[0]?.keyId ?? "" })
    .sign(keys.tokenKeys[0]?.privateKey ?? new Uint8Array());
  for (const token of [undefined, "", "abc", "a.b.c", serviceAccount])
    expect(await credentials().authenticate({ token })).toBeUndefined();
});

test("a credential of another cluster is refused", async () => {
  now = start;
  const { keyThumbprint } = await machine();
  const other = createNodeCredentials({ keys: await newKeys(), clock, issuer: "https://api.test" });
  const { credential } = await other.issue({ nodeName: "n1", keyThumbprint });
  await expect(credentials().authenticate({ token: credential })).rejects.toThrow("another cluster");
});

test("a service account's user is no node, whatever it is called", () => {
  expect(nodeIdentityOf({ name: "system:node:n1", groups: ["system:nodes"] })).toBeUndefined();
  expect(nodeIdentityOf(undefined)).toBeUndefined();
});

test("renewal needs the node's key, a fresh proof and this very credential", async () => {
  now = start;
  const own = await machine();
  const thief = await machine();
  const identity = { nodeName: "n1", keyThumbprint: own.keyThumbprint };
  const { credential } = await credentials().issue(identity);
  now = start + 2 * HOUR_MS;
  const proof = (privateKey: CryptoKey, over: { purpose?: "join" | "renew"; token?: string; nowMs?: number } = {}) =>
    signProof({ privateKey, purpose: "renew", token: credential, nowMs: now, ...over });
  const { publicKey } = own;

  const good = await proof(own.privateKey);
  expect(await credentials().verifyRenewal({ credential, publicKey, proof: good })).toEqual(identity);

  const bad: [string, Parameters<ReturnType<typeof credentials>["verifyRenewal"]>[0]][] = [
    ["another key", { credential, publicKey: thief.publicKey, proof: await proof(thief.privateKey) }],
    ["not made with this node's key", { credential, publicKey, proof: await proof(thief.privateKey) }],
    ["for something else", { credential, publicKey, proof: await proof(own.privateKey, { purpose: "join" }) }],
    ["for something else", { credential, publicKey, proof: await proof(own.privateKey, { token: "x" }) }],
    ["too old", { credential, publicKey, proof: await proof(own.privateKey, { nowMs: now - HOUR_MS }) }],
  ];
  for (const [why, request] of bad) await expect(credentials().verifyRenewal(request)).rejects.toThrow(why);

  now = start + 60 * 24 * HOUR_MS;
  const late = await proof(own.privateKey);
  await expect(credentials().verifyRenewal({ credential, publicKey, proof: late })).rejects.toThrow("has expired");
});

test("a public key off the curve is refused", async () => {
  const { publicKey } = await machine();
  await expect(thumbprint({ ...publicKey, x: publicKey.y })).rejects.toThrow("P-256");
});
