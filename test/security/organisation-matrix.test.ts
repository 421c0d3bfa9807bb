/**
 * Every resource with every verb in a cluster of an organisation, as those who have a role there, and as somebody of another organisation:
 * who is not expected to may not, and to the stranger there is no such cluster.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  bearer,
  callerOf,
  createTestAccounts,
  signUpWithOrganisation,
  type Caller,
  type TestAccounts,
} from "../harness/accounts.ts";
import { testRuntime } from "../harness/test-runtime.ts";
import { MEMBERS, memberMay } from "./expected-permissions.ts";
import { requestOf, servedResources, VERBS, type Served } from "./matrix-requests.ts";

type Member = keyof typeof MEMBERS;

describe.skipIf(testRuntime.missing !== undefined)("the matrix of an organisation", () => {
  let accounts: TestAccounts;
  let cluster: string;
  let served: Served[];
  const callers = new Map<Member, Caller>();

  beforeAll(async () => {
    accounts = await createTestAccounts();
    const [ours, theirs] = [
      await signUpWithOrganisation(accounts, "ours"),
      await signUpWithOrganisation(accounts, "theirs"),
    ];
    cluster =
      (await ours.person.call("POST", "/v1/clusters", { name: "one", ...ours, person: undefined })).body["id"] ?? "";
    for (const member of Object.keys(MEMBERS) as Member[]) {
      const isOurs = MEMBERS[member] !== "nobody";
      const { person, organisation } = isOurs ? ours : theirs;
      const made = await person.call("POST", `/v1/organisations/${organisation}/tokens`, {
        name: member,
        role: isOurs ? member : "owner",
      });
      expect(made.status, made.text).toBe(201);
      callers.set(member, callerOf(accounts.fetch, bearer(made.body["token"])));
    }
    served = await servedResources(async (path) => (await ask("owner", "GET", path)).body as never);
    expect(served.length).toBeGreaterThan(100);
  }, 60_000);
  afterAll(async () => {
    expect(accounts.errors).toEqual([]);
    await accounts.stop();
  });

  async function ask(member: Member, method: string, path: string, body?: unknown, headers?: Record<string, string>) {
    const caller = callers.get(member);
    if (!caller) throw new Error(member);
    return await caller.call<unknown>(method, `/clusters/${cluster}${path}`, body, headers);
  }

  it.each(Object.keys(MEMBERS) as Member[])("as %s", { timeout: 240_000 }, async (member) => {
    const unexpected: string[] = [];
    let allowed = 0;
    for (const resource of served) {
      const scopes = resource.namespaced || resource.name.startsWith("namespaces") ? ["kube-system", ""] : [""];
      for (const namespace of scopes) {
        const asked = VERBS.map(async (verb) => {
          const request = requestOf(resource, verb, namespace);
          if (!request) return;
          const [path, { method = "GET", body, headers }] = request;
          const { status } = await ask(member, method, path, body, headers);
          if (MEMBERS[member] === "nobody") {
            if (status !== 401) unexpected.push(`${verb} ${path}: ${status}`);
            return;
          }
          if (status !== 403) allowed += 1;
          if ((status !== 403) !== memberMay(member, { ...resource, verb }))
            unexpected.push(`${verb} ${path}: ${status}`);
        });
        await Promise.all(asked);
      }
    }
    expect(unexpected).toEqual([]);
    if (MEMBERS[member] !== "nobody") expect(allowed).toBeGreaterThan(100);
  });
});
