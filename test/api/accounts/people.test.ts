/** A person who goes: what ends with them, and what stays. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BASE_URL,
  bearer,
  callerOf,
  createTestAccounts,
  signUp,
  signUpWithOrganisation,
  type TestAccounts,
  type TestPerson,
} from "../../harness/accounts.ts";
import { testRuntime } from "../../harness/test-runtime.ts";
import { readWatch } from "../../harness/watch-client.ts";

const goodbye = (person: TestPerson, confirm = person.email) =>
  person.call("DELETE", `/v1/me?confirm=${encodeURIComponent(confirm)}`);

describe.skipIf(testRuntime.missing !== undefined)("a person who deletes themselves", () => {
  let accounts: TestAccounts;
  let skewMs = 0;
  beforeAll(async () => {
    const platform = testRuntime.createPlatform();
    accounts = await createTestAccounts({
      platform: { ...platform, clock: { now: () => platform.clock.now() + skewMs } },
    });
  });
  afterAll(async () => {
    expect(accounts.errors).toEqual([]);
    await accounts.stop();
  });

  test("says so, by a session, and leaves no organisation without an owner", async () => {
    const { person, organisation } = await signUpWithOrganisation(accounts, "sole");
    expect((await goodbye(person, "")).status).toBe(400);
    expect((await goodbye(person, "other@example.test")).status).toBe(400);
    const token = await person.call("POST", "/v1/tokens", { name: "t", role: "owner" });
    const path = `/v1/me?confirm=${encodeURIComponent(person.email)}`;
    const byToken = callerOf(accounts.fetch, bearer(token.body["token"]));
    expect((await byToken.call("DELETE", path)).status).toBe(403);
    const refused = await goodbye(person);
    expect(refused.status).toBe(409);
    expect(refused.body["detail"]).toContain('you are the only owner of "sole and friends"');
    expect((await byToken.call("GET", "/v1/me")).status).toBe(200);
    expect((await person.call("DELETE", `/v1/organisations/${organisation}`)).status).toBe(204);
    expect((await goodbye(person)).status).toBe(204);
    expect((await person.call("GET", "/v1/me")).status).toBe(401);
  });

  test("takes logins, sessions and own tokens along; what they made stays with the organisation", async () => {
    const { person: owner, organisation } = await signUpWithOrganisation(accounts, "owner");
    const leaver = await signUp(accounts, "leaver");
    const { body: invitation } = await owner.call("POST", `/v1/organisations/${organisation}/invitations`, {
      email: leaver.email,
      role: "owner",
    });
    await leaver.call("POST", "/v1/invitations/accept", { secret: invitation["secret"] });
    const { body: cluster } = await leaver.call("POST", "/v1/clusters", { name: "c", organisation });
    const own = await leaver.call("POST", "/v1/tokens", { name: "own", role: "owner" });
    const robot = await leaver.call("POST", `/v1/organisations/${organisation}/tokens`, { name: "ci", role: "viewer" });
    const namespaces = `/clusters/${cluster["id"]}/api/v1/namespaces`;
    const watched = await accounts.fetch(
      new Request(`${BASE_URL}${namespaces}?watch=true&resourceVersion=1`, { headers: bearer(own.body["token"]) }),
    );
    const watch = readWatch(watched.body ?? new ReadableStream());

    expect((await goodbye(leaver)).status).toBe(204);
    await watch.rest();
    skewMs += 5_001;
    expect((await leaver.call("GET", "/v1/me")).status).toBe(401);
    const byToken = callerOf(accounts.fetch, bearer(own.body["token"]));
    expect([(await byToken.call("GET", "/v1/me")).status, (await byToken.call("GET", namespaces)).status]).toEqual([
      401, 401,
    ]);
    const login = { email: leaver.email, password: "correct horse" };
    const anybody = callerOf(accounts.fetch, { origin: BASE_URL });
    expect((await anybody.call("POST", "/v1/auth/sign-in/email", login)).status).toBe(401);
    const byRobot = callerOf(accounts.fetch, bearer(robot.body["token"]));
    expect((await byRobot.call("GET", namespaces)).status).toBe(200);
    expect((await owner.call("GET", `/v1/clusters/${cluster["id"]}`)).status).toBe(200);
    const members = await owner.call<{ items: { person: string }[] }>(
      "GET",
      `/v1/organisations/${organisation}/members`,
    );
    expect(members.body.items.map(({ person }) => person)).toEqual([owner.id]);
    for (const table of ["sessions", "logins", "members"]) {
      const sql = `SELECT count(*) FROM ${table} WHERE person = ?`;
      const [found] = await accounts.database.batch([{ sql, args: [leaver.id] }], "read");
      expect(found?.rows, table).toEqual([[0]]);
    }
    // The address is free again, and is nobody of before.
    const again = await anybody.call<{ user: { id: string } }>("POST", "/v1/auth/sign-up/email", {
      ...login,
      name: "x",
    });
    expect(again.status).toBe(200);
    expect(again.body.user.id).not.toBe(leaver.id);
  });

  const RACES: Record<string, { before: RegExp; path: (organisation: string) => string; body: object }> = {
    "an organisation": {
      before: /INSERT INTO organisations/,
      path: () => "/v1/organisations",
      body: { name: "orphan" },
    },
    "a token of their own": {
      before: /INSERT INTO tokens/,
      path: () => "/v1/tokens",
      body: { name: "late", role: "owner" },
    },
    "a robot": {
      before: /INSERT INTO tokens/,
      path: (organisation) => `/v1/organisations/${organisation}/tokens`,
      body: { name: "late", role: "viewer" },
    },
  };
  test.each(Object.keys(RACES))("makes nothing at that very moment: %s", async (what) => {
    const { before, path, body } = RACES[what] ?? expect.fail();
    const { person: owner, organisation } = await signUpWithOrganisation(accounts, "stays");
    const leaver = await signUp(accounts, "racer");
    const invited = await owner.call("POST", `/v1/organisations/${organisation}/invitations`, {
      email: leaver.email,
      role: "admin",
    });
    await leaver.call("POST", "/v1/invitations/accept", { secret: invited.body["secret"] });
    const { database } = accounts;
    let gone = 0;
    // Between the question who calls and the write of what they asked for.
    const fetch = await accounts.another({
      database: {
        ...database,
        async batch(statements, mode) {
          if (statements.some(({ sql }) => before.test(sql))) gone = (await goodbye(leaver)).status;
          return await database.batch(statements, mode);
        },
        close: () => database.close(),
      },
    });
    const late = callerOf(fetch, { cookie: leaver.cookie, origin: BASE_URL });
    const answer = await late.call("POST", path(organisation), body);
    expect([gone, answer.status]).toEqual([204, what === "an organisation" ? 401 : 404]);
    for (const table of ["members", "tokens"]) {
      const sql = `SELECT count(*) FROM ${table} WHERE person = ?`;
      const [found] = await database.batch([{ sql, args: [leaver.id] }], "read");
      expect(found?.rows, table).toEqual([[0]]);
    }
    const [orphans] = await database.batch(
      [{ sql: "SELECT count(*) FROM organisations WHERE id NOT IN (SELECT organisation FROM members)" }],
      "read",
    );
    expect(orphans?.rows).toEqual([[0]]);
  });

  test("two owners who go at once leave one", async () => {
    const { person: first, organisation } = await signUpWithOrganisation(accounts, "first");
    const second = await signUp(accounts, "second");
    const { body } = await first.call("POST", `/v1/organisations/${organisation}/invitations`, {
      email: second.email,
      role: "owner",
    });
    await second.call("POST", "/v1/invitations/accept", { secret: body["secret"] });
    const answers = await Promise.all([goodbye(first), goodbye(second)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 409]);
  });
});
