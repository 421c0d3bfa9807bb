/** Watches that are open end with what let their client in. Streams: agent/streams/streams.test.ts, src/relay/edge-streams.test.ts. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BASE_URL,
  bearer,
  createTestAccounts,
  signUp,
  signUpWithOrganisation,
  type Caller,
  type TestAccounts,
  type TestPerson,
} from "../../harness/accounts.ts";
import { readWatch, type WatchClient } from "../../harness/watch-client.ts";
import { testRuntime } from "../../harness/test-runtime.ts";

async function tokenOf(caller: Caller, path = "/v1/tokens", body = {}): Promise<{ id: string; token: string }> {
  const made = await caller.call("POST", path, { name: "t", role: "owner", ...body });
  expect(made.status, made.text).toBe(201);
  return { id: made.body["id"] ?? "", token: made.body["token"] ?? "" };
}

const nextOf = async (client: WatchClient, name: string): Promise<boolean> => {
  for (;;) {
    const event = await client.next();
    if (event === undefined) return false;
    if (event.name === name) return true;
  }
};

describe.skipIf(testRuntime.missing !== undefined)("what is open when somebody is revoked", () => {
  let accounts: TestAccounts;
  let owner: TestPerson;
  let organisation: string;
  let clusters: string[];
  let skewMs = 0;
  beforeAll(async () => {
    const platform = testRuntime.createPlatform();
    accounts = await createTestAccounts({
      platform: { ...platform, clock: { now: () => platform.clock.now() + skewMs } },
    });
    ({ person: owner, organisation } = await signUpWithOrganisation(accounts, "owner"));
    const made = async (name: string) =>
      (await owner.call("POST", "/v1/clusters", { name, organisation })).body["id"] ?? "";
    clusters = [await made("one"), await made("two")];
  });
  afterAll(async () => {
    expect(accounts.errors).toEqual([]);
    await accounts.stop();
  });

  async function join(name: string, role: string): Promise<TestPerson> {
    const person = await signUp(accounts, name);
    const path = `/v1/organisations/${organisation}/invitations`;
    const { body } = await owner.call("POST", path, { email: person.email, role });
    expect((await person.call("POST", "/v1/invitations/accept", { secret: body["secret"] })).status).toBe(200);
    return person;
  }

  async function get(cluster: string | undefined, token: string, query: string): Promise<Response> {
    const url = `${BASE_URL}/clusters/${cluster}/api/v1/namespaces/default/configmaps?${query}`;
    return await accounts.fetch(new Request(url, { headers: bearer(token) }));
  }

  async function watch(cluster: string | undefined, token: string): Promise<WatchClient> {
    const response = await get(cluster, token, "watch=true&resourceVersion=1");
    expect(response.status).toBe(200);
    return readWatch(response.body ?? new ReadableStream());
  }

  async function write(cluster: string | undefined, token: string, name: string): Promise<void> {
    const url = `${BASE_URL}/clusters/${cluster}/api/v1/namespaces/default/configmaps`;
    const headers = { ...bearer(token), "content-type": "application/json" };
    const body = JSON.stringify({ metadata: { name } });
    expect((await accounts.fetch(new Request(url, { method: "POST", headers, body }))).status).toBe(201);
  }

  test("a token's watches end in all clusters, and so do those that it opens while it is remembered; others go on", async () => {
    const [doomed, kept] = [await tokenOf(owner), await tokenOf(owner)];
    const its = await Promise.all(clusters.map((cluster) => watch(cluster, doomed.token)));
    const other = await watch(clusters[0], kept.token);
    expect((await owner.call("DELETE", `/v1/tokens/${doomed.id}`)).status).toBe(204);
    for (const client of its) await client.rest();
    // Whoever is still taken for who they were gets a watch that is over.
    const again = await get(clusters[0], doomed.token, "watch=true&resourceVersion=1");
    expect([200, 401]).toContain(again.status);
    expect(await again.text()).not.toContain("ADDED");
    await write(clusters[0], kept.token, "goes-on");
    expect(await nextOf(other, "goes-on")).toBe(true);
    await other.cancel();
  });

  test.each(["robot", "cluster"])("a %s's too", async (kind) => {
    const path = kind === "robot" ? `/v1/organisations/${organisation}/tokens` : `/v1/clusters/${clusters[0]}/tokens`;
    const { id, token } = await tokenOf(owner, path);
    const client = await watch(clusters[0], token);
    expect((await owner.call("DELETE", `/v1/tokens/${id}`)).status).toBe(204);
    await client.rest();
  });

  test("a client that reads slowly is asked again before it gets what is live", async () => {
    const { id, token } = await tokenOf(owner);
    const response = await get(clusters[0], token, "watch=true&allowWatchBookmarks=true");
    const reader = response.body?.getReader();
    expect((await owner.call("DELETE", `/v1/tokens/${id}`)).status).toBe(204);
    skewMs += 20_000;
    let text = "";
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) break;
      text += new TextDecoder().decode(value);
    }
    expect(text.split("\n").at(-2)).toContain('"reason":"Unauthorized"');
  });

  test("a member's end with the membership and when the role gets smaller; a larger one cuts nothing", async () => {
    const member = await join("member", "viewer");
    const { token } = await tokenOf(member);
    const path = `/v1/organisations/${organisation}/members/${member.id}`;
    const first = await watch(clusters[0], token);
    expect((await owner.call("PATCH", path, { role: "admin" })).status).toBe(200);
    const owners = await tokenOf(owner);
    await write(clusters[0], owners.token, "promoted");
    expect(await nextOf(first, "promoted")).toBe(true);
    expect((await owner.call("PATCH", path, { role: "viewer" })).status).toBe(200);
    await first.rest();
    skewMs += 10_000;
    const second = await watch(clusters[1], token);
    expect((await owner.call("DELETE", path)).status).toBe(204);
    await second.rest();
  });

  test("a deleted cluster's end with it", async () => {
    const { token } = await tokenOf(owner);
    const made = await owner.call("POST", "/v1/clusters", { name: "short", organisation });
    const client = await watch(made.body["id"], token);
    expect((await owner.call("DELETE", `/v1/clusters/${made.body["id"]}?confirm=short`)).status).toBe(204);
    await client.rest();
  });
});
