/** From signing up to a cluster that answers, and to its end. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bearer,
  callerOf,
  createTestAccounts,
  signUpWithOrganisation,
  type TestAccounts,
} from "../../harness/accounts.ts";
import { testRuntime } from "../../harness/test-runtime.ts";

let accounts: TestAccounts;
beforeAll(async () => {
  accounts = await createTestAccounts();
});
afterAll(() => accounts.stop());

interface Listed {
  items: { metadata: { name: string } }[];
}

describe.skipIf(testRuntime.missing !== undefined)("clusters", () => {
  test("a new one is ready with its answer, and its owner gets in", async () => {
    const { person, organisation } = await signUpWithOrganisation(accounts, "ada");
    const made = await person.call("POST", "/v1/clusters", { name: "first", organisation });
    expect(made.status, made.text).toBe(201);
    expect(made.body).toMatchObject({ name: "first", organisation, state: "ready" });
    const { id } = made.body;
    expect(made.body["server"]).toBe(`https://gantry.test/clusters/${id}`);

    const token = await person.call("POST", "/v1/tokens", { name: "laptop", role: "owner" });
    expect(token.status, token.text).toBe(201);
    expect(token.body["token"]).toMatch(/^gtry_[\w-]{43}$/);
    const kubectl = callerOf(accounts.fetch, bearer(token.body["token"]));
    const namespaces = await kubectl.call<Listed>("GET", `/clusters/${id}/api/v1/namespaces`);
    expect(namespaces.status, namespaces.text).toBe(200);
    expect(namespaces.body.items.map(({ metadata }) => metadata.name)).toEqual([
      "default",
      "kube-node-lease",
      "kube-public",
      "kube-system",
    ]);
    const account = await kubectl.call("GET", `/clusters/${id}/api/v1/namespaces/default/serviceaccounts/default`);
    expect(account.status).toBe(200);
    expect(accounts.errors).toEqual([]);
  });
});
