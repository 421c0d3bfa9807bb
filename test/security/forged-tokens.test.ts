/**
 * Tokens that nobody has issued: without a signature, with that of somebody else, with an algorithm of the forger's choice (RFC 8725), and
 * with a good signature over something else. All are refused with one word, at the door and in a review.
 */
import { exportJWK, exportSPKI, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { make } from "../harness/grants.ts";
import { agentsWithoutSockets, joined } from "../harness/machines.ts";

const UNAUTHORIZED = { code: 401, reason: "Unauthorized", message: "Unauthorized" };
const ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts";

let api: TestCluster;
/** Another cluster with the same address, issuer and names. */
let foreign: TestCluster;
/** A good one of the default account. */
let token: string;
let nodeCredential: string;
let issuer: string;
let kid: string;
let privateKey: CryptoKey;
let publicKey: CryptoKey;

async function tokenOf(of: TestCluster, spec: object = {}): Promise<string> {
  return (await make<{ status: { token: string } }>(of, `${ACCOUNTS}/default/token`, { spec })).status.token;
}

beforeAll(async () => {
  api = await createTestCluster({ agents: agentsWithoutSockets() });
  foreign = await createTestCluster({ agents: agentsWithoutSockets() });
  for (const of of [api, foreign]) await make(of, ACCOUNTS, { metadata: { name: "default" } });
  token = await tokenOf(api);
  nodeCredential = (await joined(api, "n1")).credential;
  ({ issuer } = api.cluster.config);
  const [key] = api.cluster.keys.tokenKeys;
  if (!key) throw new Error("the cluster has no key");
  kid = key.keyId;
  ({ privateKey, publicKey } = key);
});
afterAll(async () => {
  expect([...api.errors, ...foreign.errors]).toEqual([]);
  await api.stop();
  await foreign.stop();
});

const encode = (value: unknown): string => base64Url(new TextEncoder().encode(JSON.stringify(value)));
const base64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("=", "")
    .replaceAll("+", "-")
    .replaceAll("/", "_");
const decode = (part: string): Record<string, unknown> =>
  JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/"))) as Record<string, unknown>;
const parts = (of = token): [string, string, string] => of.split(".") as [string, string, string];
const claims = (): Record<string, unknown> => decode(parts()[1]);
const header = (): Record<string, unknown> => decode(parts()[0]);
const withHeader = (more: object): string => [encode({ ...header(), ...more }), ...parts().slice(1)].join(".");
const withClaims = (more: object): string => [parts()[0], encode({ ...claims(), ...more }), parts()[2]].join(".");
const unsigned = (alg: unknown): string => `${encode({ ...header(), alg })}.${parts()[1]}.`;

async function signed(
  key: CryptoKey | Uint8Array,
  { head = {}, body = {} }: { head?: object; body?: object } = {},
): Promise<string> {
  return await new SignJWT({ ...claims(), ...body }).setProtectedHeader({ alg: "ES256", kid, ...head }).sign(key);
}

async function strangersKey(): Promise<CryptoKeyPair> {
  const made = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  if (!("privateKey" in made)) throw new Error("no pair of keys was made");
  return made;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const past = (seconds: number): number => Math.floor(Date.now() / 1000) - seconds;

const FORGED: Record<string, () => string | Promise<string>> = {
  "no algorithm": () => unsigned("none"),
  "no algorithm, in capitals": () => unsigned("NONE"),
  "no algorithm, in both": () => unsigned("nOnE"),
  "an empty algorithm": () => unsigned(""),
  "null for an algorithm": () => unsigned(null),
  "several algorithms": () => unsigned(["none", "ES256"]),
  "no algorithm, but a signature": () => withHeader({ alg: "none" }),
  "no signature": () => `${parts()[0]}.${parts()[1]}.`,
  "two parts": () => `${parts()[0]}.${parts()[1]}`,
  "five parts": () => `${token}..`,
  "a signature of zeros": () => `${parts()[0]}.${parts()[1]}.${base64Url(new Uint8Array(64))}`,
  "an empty signature of its length": () => `${parts()[0]}.${parts()[1]}.${"A".repeat(86)}`,
  "another's signature": async () => `${parts()[0]}.${parts()[1]}.${parts(await tokenOf(foreign))[2]}`,
  "the public key as a secret": async () => signed(utf8(await exportSPKI(publicKey)), { head: { alg: "HS256" } }),
  "the public key's JWK as a secret": async () =>
    signed(utf8(JSON.stringify(await exportJWK(publicKey))), { head: { alg: "HS256" } }),
  "the id of the key as a secret": () => signed(utf8(kid.padEnd(32, "0")), { head: { alg: "HS256" } }),
  "the key of a stranger": async () => signed((await strangersKey()).privateKey),
  "the key of a stranger, brought along": async () => {
    const pair = await strangersKey();
    return signed(pair.privateKey, { head: { jwk: await exportJWK(pair.publicKey) } });
  },
  "a key to be fetched": async () =>
    signed((await strangersKey()).privateKey, {
      head: { jku: "https://evil.test/jwks", x5u: "https://evil.test/x5u" },
    }),
  "a certificate brought along": async () => signed((await strangersKey()).privateKey, { head: { x5c: ["AAAA"] } }),
  "an extension that must be understood": () => withHeader({ crit: ["evil"], evil: true }),
  ...Object.fromEntries(
    ["", "__proto__", "constructor", "toString", "../../dev/null", "' OR 1=1 --", "\u0000", "*"].map((id) => [
      `the key ${JSON.stringify(id)}`,
      async () => signed((await strangersKey()).privateKey, { head: { kid: id } }),
    ]),
  ),
  "no key named": async () => signed((await strangersKey()).privateKey, { head: { kid: undefined } }),
  "an id that is none": () => withHeader({ kid: [kid] }),
  "other claims": () => withClaims({ sub: "system:serviceaccount:kube-system:generic-garbage-collector" }),
  "another audience": () => withClaims({ aud: ["elsewhere", issuer] }),
  "a later end": () => withClaims({ exp: 4_102_444_800 }),
  "the kind of a node's": () => withHeader({ typ: "gantry-node+jwt" }),
  "a foreign cluster's": () => tokenOf(foreign),
  "a foreign cluster's under our key's name": async () => {
    const [head, body, signature] = parts(await tokenOf(foreign));
    return [encode({ ...decode(head), kid }), body, signature].join(".");
  },
  "a foreign node's": async () => (await joined(foreign, "n1")).credential,
  // From here on the signature is good.
  "of another issuer": () => signed(privateKey, { body: { iss: "https://elsewhere.test" } }),
  "of an issuer below": () => signed(privateKey, { body: { iss: `${issuer}/` } }),
  "of no issuer": () => signed(privateKey, { body: { iss: undefined } }),
  "for another audience": () => signed(privateKey, { body: { aud: ["elsewhere"] } }),
  "for nobody": () => signed(privateKey, { body: { aud: [] } }),
  "that has ended": () => signed(privateKey, { body: { exp: past(10) } }),
  "that has not begun": () => signed(privateKey, { body: { nbf: past(-3_600) } }),
  "that ends in words": () => signed(privateKey, { body: { exp: "tomorrow" } }),
  "of no account": () => signed(privateKey, { body: { "kubernetes.io": undefined } }),
  "of another account of the name": () =>
    signed(privateKey, {
      body: { "kubernetes.io": { namespace: "default", serviceaccount: { name: "default", uid: "x" } } },
    }),
  "of an account without a uid": () =>
    signed(privateKey, { body: { "kubernetes.io": { namespace: "default", serviceaccount: { name: "default" } } } }),
  "as a Secret's": () =>
    signed(privateKey, {
      body: {
        iss: "kubernetes/serviceaccount",
        "kubernetes.io/serviceaccount/namespace": "default",
        "kubernetes.io/serviceaccount/secret.name": "none",
        "kubernetes.io/serviceaccount/service-account.name": "default",
      },
    }),
  "of an account's token as a node's": () => signed(privateKey, { head: { typ: "gantry-node+jwt" } }),
  "of a node as an account's": () => {
    const [head, body, signature] = parts(nodeCredential);
    return [encode({ ...decode(head), typ: "JWT" }), body, signature].join(".");
  },
  "of a node for an account's audience": () =>
    signed(privateKey, {
      head: { typ: "gantry-node+jwt" },
      body: { iss: `${issuer}/nodes`, sub: "system:node:n1", cnf: { jkt: "x" } },
    }),
  "of a node with another's key": () =>
    signed(privateKey, {
      head: { typ: "gantry-node+jwt" },
      body: { iss: `${issuer}/nodes`, aud: "gantry.dev/node", sub: "system:node:n1", cnf: { jkt: "x" } },
    }),
};

const me = async (bearer: string) =>
  await api.call("/apis/authentication.k8s.io/v1/selfsubjectreviews", {
    method: "POST",
    body: {},
    token: bearer,
  });

describe("a token", () => {
  it("that was issued is good", async () => {
    expect([(await me(token)).status, (await me(nodeCredential)).status]).toEqual([201, 201]);
    expect((await me(await signed(privateKey))).status, "one made as these are").toBe(201);
  });

  it.each(Object.entries(FORGED))("with %s is none", async (_name, forge) => {
    const forged = await forge();
    assertFailure(await me(forged), UNAUTHORIZED);
    const review = await api.call<{ status: { authenticated?: boolean; user?: { username?: string } } }>(
      "/apis/authentication.k8s.io/v1/tokenreviews",
      { method: "POST", body: { spec: { token: forged } } },
    );
    expect(review.body.status.authenticated ?? false).toBe(false);
    expect(review.body.status.user?.username).toBeUndefined();
  });

  it("is no better for being shown where a browser shows it", async () => {
    const prefix = "base64url.bearer.authorization.k8s.io.";
    const shown = (bearer: string) =>
      api.call("/apis", {
        token: null,
        headers: { "sec-websocket-protocol": `v5.channel.k8s.io, ${prefix}${base64Url(utf8(bearer))}` },
      });
    expect((await shown(token)).status).toBe(200);
    assertFailure(await shown(unsigned("none")), UNAUTHORIZED);
    assertFailure(await shown(await tokenOf(foreign)), UNAUTHORIZED);
  });
});
