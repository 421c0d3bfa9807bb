/** The audit log of a cluster through /v1: for its admins, filtered, in pages. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
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

interface Page {
  items: { auditID: string; verb: string; user: { username: string }; objectRef?: { name?: string } }[];
  next: string | null;
}

describe.skipIf(testRuntime.missing !== undefined)("the audit log through /v1", () => {
  let accounts: TestAccounts;
  let owner: TestPerson;
  let path: string;
  beforeAll(async () => {
    accounts = await createTestAccounts();
    let organisation: string;
    ({ person: owner, organisation } = await signUpWithOrganisation(accounts, "owner"));
    const made = await owner.call("POST", "/v1/clusters", { name: "one", organisation });
    const token = await owner.call("POST", "/v1/tokens", { name: "t", role: "owner" });
    const kubectl = callerOf(accounts.fetch, bearer(token.body["token"]));
    const maps = `/clusters/${made.body["id"]}/api/v1/namespaces/default/configmaps`;
    for (const name of ["a", "b", "c"]) {
      expect((await kubectl.call("POST", maps, { metadata: { name } })).status).toBe(201);
    }
    expect((await kubectl.call("DELETE", `${maps}/b`)).status).toBe(200);
    path = `/v1/clusters/${made.body["id"]}/audit`;
  });
  afterAll(async () => {
    expect(accounts.errors).toEqual([]);
    await accounts.stop();
  });

  const names = async (query: string) => {
    const { status, body, text } = await owner.call<Page>("GET", `${path}?${query}`);
    expect(status, text).toBe(200);
    return body.items.map(({ verb, objectRef }) => `${verb} ${objectRef?.name}`).toSorted();
  };

  test("it is filtered as in the cluster's own API", async () => {
    const all = ["create a", "create b", "create c", "delete b"];
    expect(await names("resource=configmaps")).toEqual(all);
    expect(await names("resource=configmaps&verb=delete")).toEqual(["delete b"]);
    expect(await names(`resource=configmaps&user=user:${owner.id}`)).toEqual(all);
    expect(await names("resource=configmaps&namespace=kube-system")).toEqual([]);
    expect(await names("since=2099-01-01T00:00:00Z")).toEqual([]);
    expect((await owner.call("GET", `${path}?since=then`)).status).toBe(400);
  });

  test("it comes in pages", async () => {
    const seen: string[] = [];
    let cursor = "";
    for (let pages = 0; pages < 4; pages++) {
      const { body } = await owner.call<Page>("GET", `${path}?resource=configmaps&limit=3${cursor}`);
      seen.push(...body.items.map(({ auditID }) => auditID));
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
    }
    expect(seen).toHaveLength(4);
    expect(new Set(seen).size).toBe(4);
  });

  test("only admins of the organisation read it, and nobody else learns that it is there", async () => {
    const stranger = await signUp(accounts, "stranger");
    const other: Caller = stranger;
    expect((await other.call("GET", path)).status).toBe(404);
    const viewer = await owner.call("POST", "/v1/tokens", { name: "v", role: "viewer" });
    const token = callerOf(accounts.fetch, bearer(viewer.body["token"]));
    expect((await token.call("GET", path)).status).toBe(403);
  });
});
