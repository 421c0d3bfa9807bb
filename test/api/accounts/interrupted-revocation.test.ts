/** Whoever revokes may die before the clusters know: what was open ends all the same. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DatabaseError, type Database } from "../../../src/storage/database.ts";
import {
  BASE_URL,
  bearer,
  callerOf,
  createTestAccounts,
  signUp,
  signUpWithOrganisation,
  type Caller,
  type TestAccounts,
  type TestPerson,
} from "../../harness/accounts.ts";
import { testRuntime } from "../../harness/test-runtime.ts";
import { readWatch, type WatchClient } from "../../harness/watch-client.ts";

describe.skipIf(testRuntime.missing !== undefined)("a revocation that is cut off after its commit", () => {
  let accounts: TestAccounts;
  let deaf = false;
  let owner: TestPerson;
  let organisation: string;
  let cluster: string;
  let member: TestPerson;
  let token: { id: string; token: string };
  let watch: WatchClient;
  beforeAll(async () => {
    accounts = await createTestAccounts({
      wrapHost: (host) => ({
        create: (at) => host.create(at),
        open: (at) => host.open(at),
        destroy: (id) => host.destroy(id),
        restore: (at, toMs) => host.restore(at, toMs),
        disconnect: (id, revocation) => (deaf ? Promise.reject(new Error("away")) : host.disconnect(id, revocation)),
      }),
    });
    ({ person: owner, organisation } = await signUpWithOrganisation(accounts, "owner"));
    cluster = (await owner.call("POST", "/v1/clusters", { name: "c", organisation })).body["id"] ?? "";
  });
  afterAll(() => accounts.stop());

  beforeEach(async () => {
    deaf = false;
    member = await signUp(accounts, "member");
    const path = `/v1/organisations/${organisation}/invitations`;
    const invited = await owner.call("POST", path, { email: member.email, role: "admin" });
    expect((await member.call("POST", "/v1/invitations/accept", { secret: invited.body["secret"] })).status).toBe(200);
    const made = await member.call("POST", "/v1/tokens", { name: "t", role: "owner" });
    token = { id: made.body["id"] ?? "", token: made.body["token"] ?? "" };
    const url = `${BASE_URL}/clusters/${cluster}/api/v1/namespaces?watch=true&resourceVersion=1`;
    const response = await accounts.fetch(new Request(url, { headers: bearer(token.token) }));
    expect(response.status).toBe(200);
    watch = readWatch(response.body ?? new ReadableStream());
  });

  /** Another process, which dies with the batch that revokes: it is stored, and that is all. */
  async function dying(as: TestPerson): Promise<Caller> {
    const { database } = accounts;
    let dead = false;
    const mortal: Database = {
      async batch(statements, mode) {
        if (dead) throw new DatabaseError("dead");
        const results = await database.batch(statements, mode);
        dead = statements.some(({ sql }) => sql.includes("INSERT INTO revocations"));
        if (dead) throw new DatabaseError("dead", { outcomeUnknown: true });
        return results;
      },
      close: () => database.close(),
    };
    return callerOf(await accounts.another({ database: mortal }), { cookie: as.cookie, origin: BASE_URL });
  }

  async function untold(): Promise<number> {
    const [found] = await accounts.database.batch([{ sql: "SELECT count(*) FROM revocations" }], "read");
    return Number(found?.rows[0]?.[0]);
  }

  const REVOCATIONS: Record<string, () => Promise<{ status: number }>> = {
    "of a token": async () => (await dying(member)).call("DELETE", `/v1/tokens/${token.id}`),
    "of a member who leaves": async () =>
      (await dying(owner)).call("DELETE", `/v1/organisations/${organisation}/members/${member.id}`),
    "of a part of a role": async () =>
      (await dying(owner)).call("PATCH", `/v1/organisations/${organisation}/members/${member.id}`, { role: "viewer" }),
    "of a person": async () =>
      (await dying(member)).call("DELETE", `/v1/me?confirm=${encodeURIComponent(member.email)}`),
  };

  test.each(Object.keys(REVOCATIONS))("%s is told by whoever catches up", async (what) => {
    expect((await REVOCATIONS[what]?.())?.status).toBe(503);
    expect(await untold()).toBe(1);
    expect(await accounts.accounts.catchUp()).toEqual({ left: false });
    await watch.rest();
    expect(await untold()).toBe(0);
  });

  test("is told later to a cluster that did not answer", async () => {
    deaf = true;
    expect((await member.call("DELETE", `/v1/tokens/${token.id}`)).status).toBe(204);
    expect(await untold()).toBe(1);
    expect(await accounts.accounts.catchUp()).toEqual({ left: true });
    deaf = false;
    expect(await accounts.accounts.catchUp()).toEqual({ left: false });
    await watch.rest();
    expect(await untold()).toBe(0);
  });

  test("that did not come to pass leaves nothing to tell", async () => {
    const path = `/v1/organisations/${organisation}/members`;
    expect((await owner.call("DELETE", `${path}/${owner.id}`)).status).toBe(409);
    expect((await owner.call("PATCH", `${path}/${member.id}`, { role: "owner" })).status).toBe(200);
    expect((await owner.call("DELETE", `/v1/me?confirm=${encodeURIComponent(owner.email)}`)).status).toBe(204);
    expect(await untold()).toBe(0);
    await watch.cancel();
  });
});
