/** Tokens of OpenID Connect issuers outside, as kube-apiserver's `--authentication-config`. */
import { exportSPKI, importJWK, SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createOidcAuthenticator } from "../../src/authn/oidc/authenticator.ts";
import { readConfiguration } from "../../src/authn/oidc/configuration.ts";
import type { IssuerRules } from "../../src/authn/oidc/validation.ts";
import type { Log } from "../../src/platform/platform.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { configurationOf, createTestIssuer, type TestIssuer } from "../harness/issuer.ts";

const OWN = "https://gantry.test:6443";
const RULES: IssuerRules = {
  issuersMax: 64,
  disallowedIssuers: [OWN],
  reservedPrefixes: ["system:"],
  publicAddressesOnly: true,
  takesCertificateAuthority: true,
};
const UNAUTHORIZED = { code: 401, reason: "Unauthorized", message: "Unauthorized" };
const HOUR_SECONDS = 3_600;
const HOUR_MS = HOUR_SECONDS * 1_000;
const SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";

let api: TestCluster;
let issuer: TestIssuer;
let other: TestIssuer;
let aheadMs = 0;
const now = () => Date.now() + aheadMs;
const seconds = (after: number) => Math.floor(now() / 1000) + after;
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

beforeAll(async () => {
  issuer = await createTestIssuer({ url: "https://issuer.example.com/a", now });
  other = await createTestIssuer({ url: "https://other.example.com", now, alg: "ES256" });
  const { jwt } = configurationOf(issuer, {
    claimMappings: {
      uid: { claim: "id" },
      extra: [{ key: "example.com/team", valueExpression: "claims.?team.orValue('')" }],
    },
    claimValidationRules: [{ expression: "!has(claims.banned)", message: "banned" }],
    userValidationRules: [{ expression: "user.username != 'ext:nobody'", message: "nobody" }],
  });
  const configuration = configurationOf(other, {
    issuer: { audiences: ["one", "two"], audienceMatchPolicy: "MatchAny" },
    claimMappings: { username: { expression: "claims.sub" }, groups: { expression: "claims.?roles.orValue([])" } },
  });
  const read = readConfiguration({ ...configuration, jwt: [...jwt, ...configuration.jwt] }, RULES);
  if ("errors" in read) throw new Error(JSON.stringify(read.errors));
  const platform = { clock: { now } };
  const oidc = createOidcAuthenticator({
    ...read,
    rules: RULES,
    clock: platform.clock,
    log: silent,
    fetchDocument: (asked) => (asked.url.startsWith(issuer.url) ? issuer : other).documents(asked),
  });
  api = await createTestCluster({ platform, authenticators: [oidc] });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});
beforeEach(() => {
  // Nothing that was asked before stands in the way.
  aheadMs += 11_000;
});

interface Review {
  status: { userInfo: { username: string; uid?: string; groups: string[]; extra?: Record<string, string[]> } };
}
const whoAmI = async (token: string) => await api.call<Review>(SELF, { method: "POST", body: {}, token });
async function userOf(token: string) {
  const { status, body, text } = await whoAmI(token);
  if (status !== 201) throw new Error(text);
  return body.status.userInfo;
}

describe("a token of an issuer", () => {
  it("is who its claims say, behind the prefixes", async () => {
    const token = await issuer.token({ groups: ["dev", "ops"], id: "7", team: "blue", jti: "t-1" });
    expect(await userOf(token)).toEqual({
      username: "ext:jane",
      uid: "7",
      groups: ["ext:dev", "ext:ops", "system:authenticated"],
      extra: { "example.com/team": ["blue"], "authentication.kubernetes.io/credential-id": ["JTI=t-1"] },
    });
    expect(await userOf(await other.token({ aud: ["x", "two"], roles: "admin" }))).toEqual({
      username: "jane",
      groups: ["admin", "system:authenticated"],
    });
  });

  it("may what RBAC says", async () => {
    const token = await issuer.token({ id: "7", groups: "dev" });
    const maps = "/api/v1/namespaces/default/configmaps";
    assertFailure(await api.call(maps, { token }), {
      code: 403,
      reason: "Forbidden",
      message: /User "ext:jane" cannot list resource "configmaps"/,
    });
    await api.call("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", {
      method: "POST",
      body: {
        metadata: { name: "dev" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
        subjects: [{ kind: "Group", apiGroup: "rbac.authorization.k8s.io", name: "ext:dev" }],
      },
    });
    expect((await api.call(maps, { token })).status).toBe(200);
  });

  it("is known to TokenReview, for the API alone", async () => {
    const token = await issuer.token({ id: "7" });
    const review = async (audiences: string[]) =>
      (await api.call<{ status: unknown }>(REVIEWS, { method: "POST", body: { spec: { token, audiences } } })).body
        .status;
    const known = { authenticated: true, user: { username: "ext:jane" } };
    expect(await review([])).toMatchObject(known);
    expect(await review([OWN])).toMatchObject({ ...known, audiences: [OWN] });
    expect(await review(["gantry"])).toEqual({ user: {}, error: "invalid bearer token" });
  });
});

/** Good but for what is said here. */
const signed = (more: object) => () => issuer.token({ id: "7", ...more });
const good = () => issuer.token({ id: "7" });

describe("a token is refused", () => {
  it.each<[what: string, make: () => Promise<string>]>([
    ["for another audience", signed({ aud: "other" })],
    ["for no audience", signed({ aud: undefined })],
    ["that has expired", signed({ exp: seconds(-1) })],
    ["that never expires", signed({ exp: undefined })],
    ["that is not good for an hour yet", signed({ nbf: seconds(HOUR_SECONDS) })],
    ["of another issuer", signed({ iss: "https://elsewhere.example.com" })],
    ["of an issuer that is called nearly so", signed({ iss: "https://issuer.example.com/a/" })],
    ["that another issuer signed", () => other.token({ iss: issuer.url, id: "7" })],
    ["without the name", signed({ sub: undefined })],
    ["with an empty name", signed({ sub: "" })],
    ["with a name that is no text", signed({ sub: 7 as unknown as string })],
    ["without the uid that is asked for", () => issuer.token()],
    ["with groups that are no texts", signed({ groups: ["a", 7] })],
    ["with groups that are elsewhere", signed({ _claim_names: { groups: "s" }, _claim_sources: { s: {} } })],
    ["that a rule for claims refuses", signed({ banned: true })],
    ["that a rule for users refuses", signed({ sub: "nobody" })],
    ["as a user of the system", () => other.token({ aud: "one", sub: "system:admin" })],
    ["as a node", () => other.token({ aud: "one", sub: "system:node:a", roles: ["system:nodes"] })],
    ["in a group of the system", () => other.token({ aud: "one", roles: ["a", "system:masters"] })],
    ["that is cut short", async () => (await issuer.token({ id: "7" })).slice(0, -4)],
    ["with a changed claim", async () => changed(await issuer.token({ id: "7" }), { sub: "root" })],
    ["of which nothing is signed", async () => unsigned({ iss: issuer.url, aud: "gantry", sub: "jane", id: "7" })],
    ["signed with the public key as a secret", () => confused()],
  ])("%s", async (_, make) => {
    assertFailure(await whoAmI(await make()), UNAUTHORIZED);
  });

  it("a little before its time it is not: clocks differ", async () => {
    expect((await whoAmI(await issuer.token({ id: "7", nbf: seconds(200) }))).status).toBe(201);
  });
});

const encoded = (value: object) =>
  btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function changed(token: string, claims: object): string {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const before = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) as object;
  return `${header}.${encoded({ ...before, ...claims })}.${signature}`;
}

const unsigned = (claims: object) =>
  `${encoded({ alg: "none" })}.${encoded({ ...claims, exp: seconds(HOUR_SECONDS) })}.`;

/** The key that everybody may read, used as the secret of an HMAC. */
async function confused(): Promise<string> {
  const [jwk] = issuer.keys();
  if (!jwk) throw new Error("the issuer has no key");
  const key = await importJWK(jwk, "RS256", { extractable: true });
  const secret = new TextEncoder().encode(await exportSPKI(key as CryptoKey));
  return await new SignJWT({ id: "7" })
    .setProtectedHeader({ alg: "HS256", kid: jwk.kid ?? "" })
    .setIssuer(issuer.url)
    .setAudience("gantry")
    .setSubject("jane")
    .setExpirationTime(seconds(HOUR_SECONDS))
    .sign(secret);
}

describe("keys of an issuer", () => {
  it("are fetched once, however many tokens come", async () => {
    await userOf(await good());
    const before = issuer.asked.length;
    await Promise.all(Array.from({ length: 20 }, async (_, n) => await userOf(await issuer.token({ id: "7", n }))));
    expect(issuer.asked.length).toBe(before);
  });

  it("are asked for again when a token names a new one", async () => {
    await userOf(await good());
    await issuer.rotate();
    await userOf(await good());
  });

  it("are not asked for by a storm of tokens with made-up keys", async () => {
    await userOf(await good());
    const before = issuer.asked.length;
    const storm = Array.from(
      { length: 50 },
      async (_, n) => await issuer.token({ id: "7", n }, { kid: `made-up-${n}` }),
    );
    const answers = await Promise.all(storm.map(async (token) => (await whoAmI(await token)).status));
    expect(new Set(answers)).toEqual(new Set([401]));
    for (let n = 0; n < 20; n++) await whoAmI(await issuer.token({ id: "7", n }, { kid: `again-${n}` }));
    // The discovery document and the keys, once.
    expect(issuer.asked.length - before).toBeLessThanOrEqual(2);
    await userOf(await good());
  });

  it("that were withdrawn are good for ten minutes at most", async () => {
    const token = await issuer.token({ id: "7" });
    await userOf(token);
    const keys = issuer.keys();
    await issuer.rotate();
    aheadMs += 10 * 60_000;
    assertFailure(await whoAmI(token), UNAUTHORIZED);
    issuer.publish([...keys, ...issuer.keys()]);
    aheadMs += 11_000;
    expect((await whoAmI(token)).status).toBe(201);
  });

  it("without an id are tried each", async () => {
    const former = issuer.keys();
    await issuer.rotate();
    issuer.publish([...former, ...issuer.keys()].map((key) => ({ ...key, kid: undefined })));
    aheadMs += 10 * 60_000;
    expect((await whoAmI(await issuer.token({ id: "7" }, { kid: undefined }))).status).toBe(201);
    await issuer.rotate();
    aheadMs += 11_000;
  });
});

describe("an issuer that does not answer", () => {
  it("goes on with the keys that are known, for a day, and is asked at intervals", async () => {
    await userOf(await issuer.token({ id: "7" }));
    issuer.isDown = true;
    try {
      aheadMs += HOUR_MS;
      const before = issuer.asked.length;
      for (let n = 0; n < 10; n++) await userOf(await issuer.token({ id: "7", n }));
      expect(issuer.asked.length - before).toBe(1);
      aheadMs += 24 * HOUR_MS;
      assertFailure(await whoAmI(await issuer.token({ id: "7" })), UNAUTHORIZED);
    } finally {
      issuer.isDown = false;
    }
    aheadMs += 11_000;
    await userOf(await issuer.token({ id: "7" }));
  });

  it("is nothing to anybody else", async () => {
    issuer.isDown = true;
    try {
      aheadMs += 25 * HOUR_MS;
      assertFailure(await whoAmI(await issuer.token({ id: "7" })), UNAUTHORIZED);
      expect(await userOf(await other.token({ aud: "one" }))).toMatchObject({ username: "jane" });
      expect((await api.call("/api/v1/namespaces")).status).toBe(200);
    } finally {
      issuer.isDown = false;
    }
  });

  it.each<[what: string, discovery: Record<string, unknown>]>([
    ["speaks for another", { issuer: "https://other.example.com" }],
    ["names keys in a private network", { jwks_uri: "https://10.0.0.1/keys" }],
    ["names keys in clear", { jwks_uri: "http://issuer.example.com/keys" }],
    ["names keys at a Service", { jwks_uri: "https://keys.default.svc/keys" }],
    ["names none", { jwks_uri: undefined }],
  ])("as it should is none: it %s", async (_, discovery) => {
    const before = issuer.discovery;
    issuer.discovery = { ...before, ...discovery };
    aheadMs += 25 * HOUR_MS;
    try {
      const asked = issuer.asked.length;
      assertFailure(await whoAmI(await issuer.token({ id: "7" })), UNAUTHORIZED);
      expect(issuer.asked.slice(asked).map(({ url }) => url)).toEqual([
        `${issuer.url}/.well-known/openid-configuration`,
      ]);
    } finally {
      issuer.discovery = before;
    }
  });

  it("is not asked for tokens of others", async () => {
    const before = issuer.asked.length + other.asked.length;
    aheadMs += 25 * HOUR_MS;
    const accounts = "/api/v1/namespaces/default/serviceaccounts";
    await api.call(accounts, { method: "POST", body: { metadata: { name: "robot" } } });
    const { body } = await api.call<{ status: { token: string } }>(`${accounts}/robot/token`, {
      method: "POST",
      body: { spec: {} },
    });
    expect((await userOf(body.status.token)).username).toBe("system:serviceaccount:default:robot");
    for (const token of [
      "nonsense",
      "a.b.c",
      "gtry_nothing",
      encoded({}),
      unsigned({ iss: "https://nobody.example.com" }),
    ]) {
      assertFailure(await whoAmI(token), UNAUTHORIZED);
    }
    expect(issuer.asked.length + other.asked.length).toBe(before);
  });
});
