/** API tokens: what each kind is good for, and until when. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bearer,
  callerOf,
  createTestAccounts,
  signUpWithOrganisation,
  type Caller,
  type TestAccounts,
  type TestPerson,
} from "../../harness/accounts.ts";
import { testRuntime } from "../../harness/test-runtime.ts";

const namespaces = (id: string): string => `/clusters/${id}/api/v1/namespaces`;

describe.skipIf(testRuntime.missing !== undefined)("tokens", () => {
  let accounts: TestAccounts;
  let person: TestPerson;
  let organisation: string;
  let cluster: string;
  let other: string;
  let skewMs = 0;
  beforeAll(async () => {
    const platform = testRuntime.createPlatform();
    const clock = { now: () => platform.clock.now() + skewMs };
    accounts = await createTestAccounts({ platform: { ...platform, clock } });
    ({ person, organisation } = await signUpWithOrganisation(accounts, "ada"));
    const made = async (name: string): Promise<string> =>
      (await person.call("POST", "/v1/clusters", { name, organisation })).body["id"] ?? "";
    cluster = await made("one");
    other = await made("two");
  });
  afterAll(() => accounts.stop());

  async function token(path: string, body: object): Promise<Caller & { id: string }> {
    const made = await person.call("POST", path, body);
    expect(made.status, made.text).toBe(201);
    return { id: made.body["id"] ?? "", ...callerOf(accounts.fetch, bearer(made.body["token"])) };
  }
  test("one of a person acts as the person, with at most its own role", async () => {
    const viewer = await token("/v1/tokens", { name: "v", role: "viewer" });
    expect((await viewer.call("GET", "/v1/me")).body).toMatchObject({ kind: "person", user: `user:${person.id}` });
    expect((await viewer.call("POST", "/v1/clusters", { name: "no", organisation })).status).toBe(403);
    expect((await viewer.call("GET", `${namespaces(cluster)}/default/pods`)).status).toBe(200);
    expect((await viewer.call("GET", `${namespaces(cluster)}/default/secrets`)).status).toBe(403);
    // Whoever holds it must not come by a larger one.
    expect((await viewer.call("POST", "/v1/tokens", { name: "more", role: "owner" })).status).toBe(403);
    expect((await viewer.call("POST", "/v1/organisations", { name: "mine" })).status).toBe(403);
  });

  test("one for a cluster is good there and nowhere else", async () => {
    const its = await token(`/v1/clusters/${cluster}/tokens`, { name: "ci", role: "admin" });
    expect((await its.call("GET", namespaces(cluster))).status).toBe(200);
    expect((await its.call("GET", namespaces(other))).status).toBe(401);
    expect((await its.call("GET", `/v1/clusters/${cluster}`)).status).toBe(200);
    expect((await its.call("GET", `/v1/clusters/${other}`)).status).toBe(404);
    expect((await its.call("GET", "/v1/clusters")).status).toBe(403);
    expect((await its.call("DELETE", `/v1/clusters/${cluster}?confirm=one`)).status).toBe(403);
    expect((await its.call("POST", `/v1/clusters/${cluster}/tokens`, { name: "x", role: "viewer" })).status).toBe(403);
    const scoped = await token("/v1/tokens", { name: "s", role: "owner", cluster });
    expect((await scoped.call("GET", namespaces(cluster))).status).toBe(200);
    expect((await scoped.call("GET", namespaces(other))).status).toBe(401);
  });

  test("a robot is of its organisation", async () => {
    const robot = await token(`/v1/organisations/${organisation}/tokens`, { name: "deploy", role: "developer" });
    expect((await robot.call("GET", "/v1/me")).body).toMatchObject({ kind: "robot", user: `robot:${robot.id}` });
    const path = `${namespaces(other)}/default/configmaps`;
    expect((await robot.call("POST", path, { metadata: { name: "by-robot" } })).status).toBe(201);
    expect((await robot.call("POST", namespaces(other), { metadata: { name: "n" } })).status).toBe(403);
  });

  test("it is told once, and kept as a hash", async () => {
    const made = await person.call("POST", "/v1/tokens", { name: "secret", role: "viewer" });
    const text = made.body["token"] ?? "";
    expect(text).toMatch(/^gtry_[\w-]{43}$/);
    expect((await person.call("GET", "/v1/tokens")).text).not.toContain(text);
    const [rows] = await accounts.database.batch([{ sql: "SELECT * FROM tokens" }], "read");
    expect(JSON.stringify(rows)).not.toContain(text);
  });

  test("use is noted, to the minute", async () => {
    const used = await token("/v1/tokens", { name: "used", role: "viewer" });
    const lastUsed = async (): Promise<string | null> => {
      const { body } = await person.call<{ items: { id: string; lastUsedAt: string | null }[] }>("GET", "/v1/tokens");
      return body.items.find(({ id }) => id === used.id)?.lastUsedAt ?? null;
    };
    expect(await lastUsed()).toBeNull();
    await used.call("GET", "/v1/me");
    const first = await lastUsed();
    expect(first).not.toBeNull();
    await used.call("GET", "/v1/me");
    expect(await lastUsed()).toBe(first);
    skewMs += 61_000;
    await used.call("GET", "/v1/me");
    expect(await lastUsed()).not.toBe(first);
  });

  test("it expires", async () => {
    const past = { name: "p", role: "viewer", expiresAt: "2020-01-01T00:00:00Z" };
    expect((await person.call("POST", "/v1/tokens", past)).status).toBe(400);
    const nowMs = testRuntime.createPlatform().clock.now() + skewMs;
    const short = await token("/v1/tokens", {
      name: "short",
      role: "viewer",
      expiresAt: new Date(nowMs + 30_000).toISOString(),
    });
    expect((await short.call("GET", namespaces(cluster))).status).toBe(200);
    skewMs += 36_000;
    expect((await short.call("GET", "/v1/me")).status).toBe(401);
    expect((await short.call("GET", namespaces(cluster))).status).toBe(401);
  });

  test("revoked, it is good for five more seconds at most", async () => {
    const doomed = await token("/v1/tokens", { name: "doomed", role: "owner" });
    expect((await doomed.call("GET", namespaces(cluster))).status).toBe(200);
    expect((await person.call("DELETE", `/v1/tokens/${doomed.id}`)).status).toBe(204);
    expect((await doomed.call("GET", "/v1/me")).status).toBe(401);
    skewMs += 5_001;
    expect((await doomed.call("GET", namespaces(cluster))).status).toBe(401);
    expect((await person.call("DELETE", `/v1/tokens/${doomed.id}`)).status).toBe(404);
  });

  test("whatever is no good token has one answer", async () => {
    const texts = new Set<string>();
    for (const text of ["", "gtry_", `gtry_${"A".repeat(43)}`, "nonsense", "gtry_ü"]) {
      const headers = { authorization: `Bearer ${encodeURI(text)}` };
      const answer = await callerOf(accounts.fetch, headers).call("GET", "/v1/me");
      expect(answer.status).toBe(401);
      texts.add(answer.text);
    }
    expect(texts.size).toBe(1);
  });
});
