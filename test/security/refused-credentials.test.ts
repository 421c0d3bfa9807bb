/**
 * Credentials of every kind that are no good any more, not yet, or never were: a 401 with one body for all of them, so that nobody learns
 * what it was that he has found.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SignJWT } from "jose";
import {
  bearer,
  callerOf,
  createTestAccounts,
  signUpWithOrganisation,
  type TestAccounts,
} from "../harness/accounts.ts";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { make } from "../harness/grants.ts";
import { agentsWithoutSockets, joined, makeJoinToken } from "../harness/machines.ts";
import { testRuntime } from "../harness/test-runtime.ts";

const ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts";
const HOUR_MS = 3_600_000;

describe("at a cluster", () => {
  const startMs = Date.now();
  let nowMs = startMs;
  let api: TestCluster;
  beforeAll(async () => {
    api = await createTestCluster({ agents: agentsWithoutSockets(), platform: { clock: { now: () => nowMs } } });
  });
  afterAll(async () => {
    expect(api.errors).toEqual([]);
    await api.stop();
  });

  async function accountToken(name: string, spec: object = {}): Promise<string> {
    await make(api, ACCOUNTS, { metadata: { name } });
    return (await make<{ status: { token: string } }>(api, `${ACCOUNTS}/${name}/token`, { spec })).status.token;
  }

  async function notYetValid(): Promise<string> {
    const [key] = api.cluster.keys.tokenKeys;
    if (!key) throw new Error("the cluster has no key");
    const { uid } = (await make(api, ACCOUNTS, { metadata: { name: "early" } })).metadata;
    return await new SignJWT({ "kubernetes.io": { namespace: "default", serviceaccount: { name: "early", uid } } })
      .setProtectedHeader({ alg: "ES256", kid: key.keyId })
      .setIssuer(api.cluster.config.issuer)
      .setAudience(api.cluster.config.issuer)
      .setNotBefore(new Date(nowMs + HOUR_MS))
      .setExpirationTime(new Date(nowMs + 2 * HOUR_MS))
      .sign(key.privateKey);
  }

  const REFUSED: Record<string, () => Promise<Record<string, string>>> = {
    "an account's token that has ended": async () => {
      const token = await accountToken("ended", { expirationSeconds: 600 });
      nowMs += 601_000;
      return bearer(token);
    },
    "an account's token that is not yet valid": async () => bearer(await notYetValid()),
    "the token of an account that is gone": async () => {
      const token = await accountToken("gone");
      await api.call(`${ACCOUNTS}/gone`, { method: "DELETE" });
      return bearer(token);
    },
    "an account's token for somebody else": async () =>
      bearer(await accountToken("elsewhere", { audiences: ["elsewhere"] })),
    "an account's token, cut off": async () => bearer((await accountToken("cut")).slice(0, -5)),
    "a node's credential that has ended": async () => {
      const { credential } = await joined(api, "ended");
      nowMs += HOUR_MS + 1_000;
      return bearer(credential);
    },
    "the credential of a node that is gone": async () => {
      const { credential } = await joined(api, "gone");
      await api.call("/api/v1/nodes/gone", { method: "DELETE" });
      return bearer(credential);
    },
    "a node's credential, cut off": async () => bearer((await joined(api, "cut")).credential.slice(0, -5)),
    "a join token": async () => bearer(await makeJoinToken(api, { id: "joiner" })),
    "a join token that nobody has made": async () => bearer("abcdef.0123456789abcdef"),
    "a token of an account of people": async () => bearer(`gtry_${"A".repeat(43)}`),
    nonsense: async () => bearer("nonsense"),
    "a very long token": async () => bearer("x".repeat(20_000)),
    "several tokens": async () => bearer("a, Bearer b"),
    "an administrator's token with a blank in it": async () => bearer("test-admin- token"),
    "an administrator's token in other letters": async () => bearer("TEST-ADMIN-TOKEN"),
    "the hash of an administrator's token": async () => bearer(api.cluster.config.adminTokenHashes[0]),
    "a name and a password": async () => ({ authorization: `Basic ${btoa("admin:test-admin-token")}` }),
    "another scheme": async () => ({ authorization: "Token test-admin-token" }),
    "no scheme": async () => ({ authorization: "test-admin-token" }),
    "a token that is not base64": async () => ({
      "sec-websocket-protocol": "base64url.bearer.authorization.k8s.io.%%%",
    }),
  };

  it.each(Object.entries(REFUSED))("%s", async (_name, credential) => {
    const headers = await credential();
    // As long as a token is remembered, at most.
    nowMs += 6_000;
    for (const path of ["/api", "/api/v1/namespaces/default/secrets", "/metrics", "/nothing", "/version", "/livez"]) {
      const answer = await api.call(path, { token: null, headers });
      expect([answer.status, answer.headers.get("www-authenticate"), answer.body], path).toEqual([
        401,
        'Bearer realm="kubernetes"',
        {
          kind: "Status",
          apiVersion: "v1",
          metadata: {},
          status: "Failure",
          message: "Unauthorized",
          reason: "Unauthorized",
          code: 401,
        },
      ]);
    }
  });
});

describe.skipIf(testRuntime.missing !== undefined)("at the accounts, and at a cluster of theirs", () => {
  let nowMs = Date.now();
  let accounts: TestAccounts;
  beforeAll(async () => {
    accounts = await createTestAccounts({ platform: { ...testRuntime.createPlatform(), clock: { now: () => nowMs } } });
  }, 60_000);
  afterAll(() => accounts.stop());

  it("all are refused alike", async () => {
    const { person, organisation } = await signUpWithOrganisation(accounts, "owner");
    const made = await person.call("POST", "/v1/clusters", { name: "one", organisation });
    const cluster = made.body["id"] ?? "";
    const token = async (more: object = {}) => {
      const { body, status, text } = await person.call("POST", "/v1/tokens", { name: "t", role: "owner", ...more });
      expect(status, text).toBe(201);
      return body;
    };
    const good = await token();
    const revoked = await token();
    const ended = await token({ expiresAt: new Date(nowMs + 60_000).toISOString() });
    await person.call("DELETE", `/v1/tokens/${revoked["id"]}`);
    nowMs += 120_000;
    const text = good["token"] ?? "";
    const refused = [revoked["token"], ended["token"], `${text}x`, text.slice(0, -1), text.toUpperCase(), "gtry_", "x"];
    const answers = async (path: string) =>
      await Promise.all(refused.map(async (one) => await callerOf(accounts.fetch, bearer(one)).call("GET", path)));
    const ok = callerOf(accounts.fetch, bearer(text));
    for (const path of ["/v1/me", `/clusters/${cluster}/api/v1/namespaces`]) {
      expect((await ok.call("GET", path)).status, path).toBe(200);
      const found = (await answers(path)).map((answer) => `${answer.status} ${answer.text}`);
      expect(new Set(found).size, found.join("\n")).toBe(1);
      expect(found[0]).toMatch(/^401 /);
    }
  });
});
