/** Limits that hold over all isolates: two processes over one database count together. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { networkOf } from "../../../src/accounts/api/attempts.ts";
import type { Fetch } from "../../../src/client/client.ts";
import {
  BASE_URL,
  bearer,
  callerOf,
  createTestAccounts,
  signUpWithOrganisation,
  type Answer,
  type TestAccounts,
  type TestPerson,
} from "../../harness/accounts.ts";
import { testRuntime } from "../../harness/test-runtime.ts";

const codes = (answers: Answer<unknown>[]): number[] => answers.map(({ status }) => status);
const nobody = (at: number) => ({ email: `nobody-${at}@example.test`, password: "wrong horse" });

async function rowsOf({ database }: TestAccounts) {
  const [found] = await database.batch([{ sql: "SELECT key FROM attempts" }], "read");
  return found?.rows ?? [];
}

describe.skipIf(testRuntime.missing !== undefined)("attempts over two isolates", () => {
  let accounts: TestAccounts;
  let person: TestPerson;
  let organisation: string;
  let isolates: Fetch[];
  let skewMs = 0;
  beforeAll(async () => {
    const platform = testRuntime.createPlatform();
    const clock = { now: () => platform.clock.now() + skewMs };
    accounts = await createTestAccounts({ platform: { ...platform, clock } });
    ({ person, organisation } = await signUpWithOrganisation(accounts, "ada"));
    const limits = { caller: 1e9, address: 1e9, logins: 6, passwords: 4, mails: 3, guesses: 3, ofRoute: 2 };
    isolates = [await accounts.another({ limits }), await accounts.another({ limits })];
  });
  afterAll(async () => {
    expect(accounts.errors).toEqual([]);
    await accounts.stop();
  });

  /** Alternates between the isolates. */
  async function tries(
    count: number,
    path: string,
    { body, headers = {} }: { body?: (at: number) => object; headers?: Record<string, string> },
  ): Promise<Answer<unknown>[]> {
    const answers: Answer<unknown>[] = [];
    for (let at = 0; at < count; at++) {
      const fetch = isolates[at % 2] ?? accounts.fetch;
      const method = body ? "POST" : "GET";
      answers.push(await callerOf(fetch, { origin: BASE_URL, ...headers }).call(method, path, body?.(at)));
    }
    return answers;
  }

  test("logins of one address, whoever it tries to be", async () => {
    const from = { headers: { "x-test-address": "192.0.2.1" }, body: nobody };
    const answers = await tries(7, "/v1/auth/sign-in/email", from);
    expect(codes(answers)).toEqual([401, 401, 401, 401, 401, 401, 429]);
    const { headers } = answers[6] ?? {};
    expect(headers?.get("ratelimit-policy")).toBe("6;w=60");
    expect(headers?.get("ratelimit-remaining")).toBe("0");
    expect(Number(headers?.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(headers?.get("retry-after"))).toBeLessThanOrEqual(60);
    skewMs += 61_000;
    expect(codes(await tries(1, "/v1/auth/sign-in/email", from))).toEqual([401]);
  });

  test("passwords of one person, from wherever, in whatever spelling", async () => {
    const answers: Answer<unknown>[] = [];
    for (let at = 0; at < 5; at++) {
      const email = at % 2 === 0 ? person.email : person.email.toUpperCase();
      const from = {
        headers: { "x-test-address": `198.51.100.${at}` },
        body: () => ({ email, password: "wrong horse" }),
      };
      answers.push(...(await tries(1, "/v1/auth/sign-in/email", from)));
    }
    expect(codes(answers)).toEqual([401, 401, 401, 401, 429]);
    skewMs += 61_000;
    const right = { email: person.email, password: "correct horse" };
    expect(codes(await tries(1, "/v1/auth/sign-in/email", { body: () => right }))).toEqual([200]);
  });

  test("mails to one address: an hour", async () => {
    const sent = { body: () => ({ email: "mailbox@example.test", name: "m", password: "short" }) };
    expect(codes(await tries(4, "/v1/auth/sign-up/email", sent)).at(-1)).toBe(429);
    skewMs += 61_000;
    expect(codes(await tries(1, "/v1/auth/sign-up/email", sent))).toEqual([429]);
    skewMs += 3_600_000;
    expect(codes(await tries(1, "/v1/auth/sign-up/email", sent))).not.toEqual([429]);
  });

  test("tokens that are none; a good one from there goes on", async () => {
    const { body } = await person.call("POST", "/v1/tokens", { name: "t", role: "viewer" });
    const from = { "x-test-address": "2001:db8:1:2::3" };
    const guess = { headers: { ...from, ...bearer(`gtry_${"A".repeat(43)}`) } };
    expect(codes(await tries(4, "/v1/me", guess))).toEqual([401, 401, 401, 429]);
    // Of the same network.
    const near = { headers: { ...guess.headers, "x-test-address": "2001:db8:1:2:ffff::1" } };
    expect(codes(await tries(1, "/v1/me", near))).toEqual([429]);
    expect(codes(await tries(1, "/v1/me", { headers: { ...from, ...bearer(body["token"]) } }))).toEqual([200]);
  });

  test("invitations, and their secrets", async () => {
    const { cookie } = person;
    const invited = { headers: { cookie }, body: (at: number) => ({ email: `i${at}@example.test`, role: "viewer" }) };
    expect(codes(await tries(3, `/v1/organisations/${organisation}/invitations`, invited))).toEqual([201, 201, 429]);
    const guessed = { headers: { cookie }, body: (at: number) => ({ secret: `gtryinv_${at}` }) };
    expect(codes(await tries(3, "/v1/invitations/accept", guessed))).toEqual([404, 404, 429]);
  });

  test("what is counted holds no address in clear, and goes when its window is over", async () => {
    expect((await rowsOf(accounts)).every(([key]) => /^[0-9a-f]{64}$/.test(String(key)))).toBe(true);
    expect((await rowsOf(accounts)).length).toBeGreaterThan(3);
    skewMs += 3_600_001;
    await tries(1, "/v1/auth/sign-in/email", { body: () => ({ email: "x@example.test", password: "wrong horse" }) });
    expect((await rowsOf(accounts)).length).toBe(2);
  });
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:DB8:0001:2::6", "2001:db8:1:2::/64"],
  ["2001:db8::6", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["", ""],
])("%s is counted as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
