/** What holds for all of /v1: failures, limits, idempotency, where a request comes from, and what the document says. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BASE_URL,
  bearer,
  callerOf,
  cookieOf,
  createTestAccounts,
  signUp,
  signUpWithOrganisation,
  type TestAccounts,
  type TestPerson,
} from "../../harness/accounts.ts";
import { testRuntime } from "../../harness/test-runtime.ts";

interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, { operationId: string; parameters: { name: string; in: string }[] }>>;
}

describe.skipIf(testRuntime.missing !== undefined)("/v1", () => {
  let accounts: TestAccounts;
  let person: TestPerson;
  let organisation: string;
  let skewMs = 0;
  beforeAll(async () => {
    const platform = testRuntime.createPlatform();
    const clock = { now: () => platform.clock.now() + skewMs };
    accounts = await createTestAccounts({ platform: { ...platform, clock } });
    ({ person, organisation } = await signUpWithOrganisation(accounts, "ada"));
  });
  afterAll(() => accounts.stop());

  test("a session is a secure cookie, which ends with the logout", async () => {
    const guest = await signUp(accounts, "guest");
    const anybody = callerOf(accounts.fetch, { origin: BASE_URL });
    const answer = await anybody.call("POST", "/v1/auth/sign-in/email", {
      email: guest.email,
      password: "correct horse",
    });
    expect(answer.status).toBe(200);
    const [cookie = ""] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/^__Secure-gantry\.session_token=/);
    for (const attribute of ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"]) expect(cookie).toContain(attribute);
    const session = callerOf(accounts.fetch, { origin: BASE_URL, cookie: cookieOf(answer.headers) });
    expect((await session.call("GET", "/v1/me")).body).toMatchObject({ kind: "session", email: guest.email });
    expect((await session.call("POST", "/v1/auth/sign-out", {})).status).toBe(200);
    expect((await session.call("GET", "/v1/me")).status).toBe(401);
  });

  test("a wrong password and an unknown address are told alike", async () => {
    const anybody = callerOf(accounts.fetch, { origin: BASE_URL });
    const wrong = await anybody.call("POST", "/v1/auth/sign-in/email", {
      email: person.email,
      password: "wrong horse",
    });
    const unknown = await anybody.call("POST", "/v1/auth/sign-in/email", {
      email: "nobody@example.test",
      password: "wrong horse",
    });
    expect([wrong.status, wrong.text]).toEqual([401, unknown.text]);
    const short = { name: "s", email: "short@example.test", password: "short" };
    expect((await anybody.call("POST", "/v1/auth/sign-up/email", short)).status).toBe(400);
  });

  test("with mail, nobody gets in before the address is verified", async () => {
    const sent: { to: string; text: string }[] = [];
    const fetch = await accounts.another({ sendMail: async (message) => void sent.push(message) });
    const anybody = callerOf(fetch, { origin: BASE_URL });
    const email = "mailed@example.test";
    const up = await anybody.call("POST", "/v1/auth/sign-up/email", { name: "m", email, password: "correct horse" });
    expect(up.headers.getSetCookie()).toEqual([]);
    const login = { email, password: "correct horse" };
    expect((await anybody.call("POST", "/v1/auth/sign-in/email", login)).status).toBe(403);
    const link = /https:\S+/.exec(sent.find(({ to }) => to === email)?.text ?? "")?.[0] ?? "";
    const verified = await fetch(new Request(link));
    expect(verified.status).toBeLessThan(400);
    expect((await anybody.call("POST", "/v1/auth/sign-in/email", login)).status).toBe(200);
  });

  test("changes by cookie come from our own pages alone", async () => {
    const { cookie } = person;
    const from = async (headers: Record<string, string>): Promise<number> =>
      (await callerOf(accounts.fetch, { cookie, ...headers }).call("POST", "/v1/organisations", { name: "x" })).status;
    expect(await from({ origin: "https://evil.test" })).toBe(403);
    expect(await from({ origin: "null" })).toBe(403);
    expect(await from({ "sec-fetch-site": "cross-site" })).toBe(403);
    expect(await from({ origin: BASE_URL, "sec-fetch-site": "same-origin" })).toBe(201);
    expect(await from({})).toBe(201);
  });

  test.each<[method: string, path: string, status: number, code: string]>([
    ["GET", "/v1/nothing", 404, "not-found"],
    ["GET", "/v1/organisations/org-unknown", 404, "not-found"],
    ["PUT", "/v1/organisations", 405, "method-not-allowed"],
    ["PATCH", "/v1/me", 405, "method-not-allowed"],
  ])("%s %s is a problem", async (method, path, status, code) => {
    const answer = await person.call(method, path);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body).toMatchObject({ type: "about:blank", status, code });
  });

  test.each([
    ["no JSON", "{", 400],
    ["nothing", "", 400],
    ["a list", "[]", 400],
    ["another type", '{"name":5}', 400],
    ["too long a name", JSON.stringify({ name: "n".repeat(81) }), 400],
    ["too large", JSON.stringify({ name: "n".repeat(70_000) }), 413],
    ["a prototype", '{"name":"x","__proto__":{"a":1}}', 400],
  ])("a body that is %s", async (_, body, status) => {
    const answer = await person.call("POST", "/v1/organisations", body);
    expect(answer.status, answer.text).toBe(status);
  });

  test("a create that is sent again answers the same, and makes nothing more", async () => {
    const headers = { "idempotency-key": "k1" };
    const first = await person.call("POST", "/v1/organisations", { name: "once" }, headers);
    const again = await person.call("POST", "/v1/organisations", { name: "once" }, headers);
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    const other = await person.call("POST", "/v1/organisations", { name: "twice" }, headers);
    expect([other.status, other.body]).toMatchObject([422, { code: "key-reused" }]);
    // A key is its caller's own.
    const guest = await signUp(accounts, "same-key");
    const theirs = await guest.call("POST", "/v1/organisations", { name: "once" }, headers);
    expect(theirs.body["id"]).not.toBe(first.body["id"]);
    skewMs += 25 * 3_600_000;
    const later = await person.call("POST", "/v1/organisations", { name: "once" }, headers);
    expect(later.body["id"]).not.toBe(first.body["id"]);
    skewMs = 0;
  });

  test("many at once with one key make one", async () => {
    const headers = { "idempotency-key": "k2" };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => person.call("POST", "/v1/organisations", { name: "raced" }, headers)),
    );
    for (const { status } of answers) expect([201, 409]).toContain(status);
    const made = new Set(answers.filter(({ status }) => status === 201).map(({ body }) => body["id"]));
    expect(made.size).toBe(1);
  });

  /** As if who answered had died when it was last heard of so long ago. */
  const die = (heardMsAgo: number) =>
    accounts.database.batch(
      [
        {
          sql: "UPDATE idempotency_keys SET status = NULL, created_ms = created_ms - ? WHERE status = 201",
          args: [heardMsAgo],
        },
      ],
      "write",
    );

  test("a retry takes the place of who died over the first answer, a quarter of a minute after it was last heard of", async () => {
    const headers = { "idempotency-key": "k4" };
    const send = () => person.call("POST", "/v1/organisations", { name: "died" }, headers);
    expect((await send()).status).toBe(201);
    await die(10_000);
    expect(await send()).toMatchObject({ status: 409, body: { code: "conflict" } });
    skewMs += 6_000;
    const again = await send();
    expect(again.status, again.text).toBe(201);
    expect((await send()).text).toBe(again.text);
    skewMs = 0;
  });

  test("what failed is tried again, and a token is not told a second time", async () => {
    const headers = { "idempotency-key": "k3" };
    const path = `/v1/organisations/${organisation}/tokens`;
    expect((await person.call("POST", path, { name: "", role: "viewer" }, headers)).status).toBe(400);
    const made = await person.call("POST", path, { name: "r", role: "viewer" }, headers);
    expect(made.status).toBe(201);
    const { token, ...rest } = made.body;
    expect(token).toMatch(/^gtry_/);
    const again = await person.call("POST", path, { name: "r", role: "viewer" }, headers);
    expect(again.body).toEqual(rest);
    const [kept] = await accounts.database.batch([{ sql: "SELECT body FROM idempotency_keys" }], "read");
    expect(JSON.stringify(kept)).not.toContain("gtry_");
  });

  test("a caller has so many requests a minute, and an address so many logins", async () => {
    const fetch = await accounts.another({ limits: { caller: 3, address: 100, logins: 2 } });
    const made = await person.call("POST", "/v1/tokens", { name: "busy", role: "viewer" });
    const caller = callerOf(fetch, bearer(made.body["token"]));
    const left: (string | null)[] = [];
    for (let i = 0; i < 3; i++) left.push((await caller.call("GET", "/v1/me")).headers.get("ratelimit-remaining"));
    expect(left).toEqual(["2", "1", "0"]);
    const refused = await caller.call("GET", "/v1/me");
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({ code: "rate-limited" });
    expect(refused.headers.get("ratelimit-limit")).toBe("3");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(60);

    const login = async (address: string): Promise<number> => {
      const headers = { origin: BASE_URL, "x-test-address": address };
      const body = { email: "nobody@example.test", password: "wrong horse" };
      return (await callerOf(fetch, headers).call("POST", "/v1/auth/sign-in/email", body)).status;
    };
    expect([await login("1.1.1.1"), await login("1.1.1.1"), await login("1.1.1.1")]).toEqual([401, 401, 429]);
    expect(await login("2.2.2.2")).toBe(401);
    skewMs += 61_000;
    expect((await caller.call("GET", "/v1/me")).status).toBe(200);
    skewMs = 0;
  });

  test("the document tells of every route, and what it tells is served", async () => {
    const { body } = await callerOf(accounts.fetch, {}).call<OpenApi>("GET", "/v1/openapi.json");
    expect(body.openapi).toBe("3.1.0");
    const operations = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
    );
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { path, method, parameters } of operations) {
      const inPath = parameters.filter((parameter) => parameter.in === "path").map(({ name }) => `{${name}}`);
      expect([...path.matchAll(/\{\w+\}/g)].flat()).toEqual(inPath);
      const answer = await callerOf(accounts.fetch, {}).call(method.toUpperCase(), path.replaceAll(/[{}]/g, ""));
      expect(answer.status, `${method} ${path}`).toBe(401);
    }
  });

  test("nothing of all this was an error of ours", () => {
    expect(accounts.errors).toEqual([]);
  });
});
