/** Issuers outside that the admins of a cluster name: who may, what they may not, and how soon it counts. */
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
import { configurationOf, createTestIssuer, type TestIssuer } from "../../harness/issuer.ts";
import { testRuntime } from "../../harness/test-runtime.ts";

const REVIEW = "apis/authentication.k8s.io/v1/selfsubjectreviews";

describe.skipIf(testRuntime.missing !== undefined)("issuers of a cluster", () => {
  let accounts: TestAccounts;
  let issuer: TestIssuer;
  let owner: TestPerson;
  let organisation: string;
  let cluster: string;
  let neighbour: string;
  let skewMs = 0;
  const platform = testRuntime.createPlatform();
  const now = () => platform.clock.now() + skewMs;
  beforeAll(async () => {
    issuer = await createTestIssuer({ url: "https://issuer.example.com", now });
    accounts = await createTestAccounts({
      platform: { ...platform, clock: { now } },
      fetchDocument: (asked) => issuer.documents(asked),
    });
    ({ person: owner, organisation } = await signUpWithOrganisation(accounts, "ada"));
    const made = async (name: string): Promise<string> =>
      (await owner.call("POST", "/v1/clusters", { name, organisation })).body["id"] ?? "";
    cluster = await made("one");
    neighbour = await made("two");
  });
  afterAll(async () => {
    expect(accounts.errors).toEqual([]);
    await accounts.stop();
  });

  const path = (id = cluster) => `/v1/clusters/${id}/authentication`;
  const outside = async (claims?: object): Promise<Caller> =>
    callerOf(accounts.fetch, bearer(await issuer.token({ ...claims })));
  const whoAmI = async (caller: Caller, id = cluster) => {
    const { status, body } = await caller.call<{ status?: { userInfo?: { username: string; groups: string[] } } }>(
      "POST",
      `/clusters/${id}/${REVIEW}`,
      {},
    );
    return [status, body.status?.userInfo?.username];
  };
  /** A change counts after so long at the latest. */
  const settle = () => void (skewMs += 7_001);

  test("there are none to begin with, and whoever comes from outside is as one who comes to no cluster", async () => {
    expect((await owner.call("GET", path())).body).toMatchObject({ kind: "AuthenticationConfiguration", jwt: [] });
    const [there, nowhere] = [cluster, "cl-0000000000000000"].map(async (id) =>
      (await outside()).call("GET", `/clusters/${id}/api/v1/namespaces`),
    );
    const [a, b] = [await there, await nowhere];
    expect(a?.status).toBe(401);
    expect(a?.text).toBe(b?.text);
  });

  test("those that are named count within seconds, in this cluster alone, and RBAC says what their users may", async () => {
    const configuration = configurationOf(issuer);
    const set = await owner.call("PUT", path(), configuration);
    expect(set.status, set.text).toBe(200);
    expect((await owner.call("GET", path())).body).toEqual(configuration);
    settle();
    const jane = await outside();
    expect(await whoAmI(jane)).toEqual([201, "ext:jane"]);
    expect((await whoAmI(jane, neighbour))[0]).toBe(401);
    const maps = `/clusters/${cluster}/api/v1/namespaces/default/configmaps`;
    expect((await jane.call("GET", maps)).status).toBe(403);
    const binding = {
      metadata: { name: "jane" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "ext:jane" }],
    };
    const bindings = `/clusters/${cluster}/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings`;
    expect((await owner.call("POST", `/v1/clusters/${cluster}/tokens`, { name: "a", role: "admin" })).status).toBe(201);
    const admin = callerOf(
      accounts.fetch,
      bearer((await owner.call("POST", `/v1/tokens`, { name: "b", role: "owner" })).body["token"]),
    );
    expect((await admin.call("POST", bindings, binding)).status).toBe(201);
    skewMs += 1_000;
    expect((await jane.call("GET", maps)).status).toBe(200);
    // It is a token of the cluster, and none of the accounts.
    expect((await jane.call("GET", "/v1/me")).status).toBe(401);
  });

  test("a user of outside is never one of the accounts or of the system, whatever the mapping", async () => {
    const mapped = configurationOf(issuer, {
      claimMappings: { username: { claim: "sub", prefix: "" }, groups: { claim: "groups", prefix: "" } },
    });
    expect((await owner.call("PUT", path(), mapped)).status).toBe(200);
    settle();
    expect(await whoAmI(await outside({ groups: ["dev"] }))).toEqual([201, "jane"]);
    for (const claims of [
      { sub: `user:${owner.id}` },
      { sub: "robot:t-1" },
      { sub: "system:admin" },
      { groups: [`org:${organisation}:owner`] },
      { groups: ["system:masters"] },
      { sub: "system:serviceaccount:default:default" },
    ]) {
      expect((await whoAmI(await outside(claims)))[0], JSON.stringify(claims)).toBe(401);
    }
  });

  test("the cluster's own tokens go on while the issuer does not answer, and what it signed ends with it", async () => {
    expect((await owner.call("DELETE", path())).status).toBe(204);
    settle();
    expect((await whoAmI(await outside()))[0]).toBe(401);
    issuer.isDown = true;
    expect((await owner.call("PUT", path(), configurationOf(issuer))).status).toBe(200);
    settle();
    expect((await whoAmI(await outside()))[0]).toBe(401);
    const made = await owner.call("POST", `/v1/clusters/${cluster}/tokens`, { name: "ci", role: "viewer" });
    expect((await whoAmI(callerOf(accounts.fetch, bearer(made.body["token"]))))[0]).toBe(201);
    issuer.isDown = false;
    skewMs += 11_000;
    expect((await whoAmI(await outside()))[0]).toBe(201);
  });

  test("only admins see and change them", async () => {
    const invited = await owner.call("POST", `/v1/organisations/${organisation}/tokens`, {
      name: "d",
      role: "developer",
    });
    const developer = callerOf(accounts.fetch, bearer(invited.body["token"]));
    const stranger = await signUp(accounts, "eve");
    for (const [caller, status] of [
      [developer, 403],
      [stranger, 404],
    ] as const) {
      expect((await caller.call("GET", path())).status).toBe(status);
      expect((await caller.call("PUT", path(), configurationOf(issuer))).status).toBe(status);
      expect((await caller.call("DELETE", path())).status).toBe(status);
    }
  });

  test.each([
    ["a private address", { issuer: { url: "https://169.254.169.254/latest" } }, "/jwt/0/issuer/url"],
    ["an address inside", { issuer: { discoveryURL: "https://vault.internal/d" } }, "/jwt/0/issuer/discoveryURL"],
    ["HTTP", { issuer: { url: "http://issuer.example.com" } }, "/jwt/0/issuer/url"],
    ["no audience", { issuer: { audiences: [] } }, "/jwt/0/issuer/audiences"],
    [
      "what does not compile",
      { claimMappings: { username: { expression: "(" } } },
      "/jwt/0/claimMappings/username/expression",
    ],
    ["what is unknown", { more: 1 }, "/jwt/0/more"],
  ])("%s is refused, and where is told", async (_, more, pointer) => {
    const before = (await owner.call("GET", path())).text;
    const { status, body } = await owner.call<{ errors: { pointer: string }[] }>(
      "PUT",
      path(),
      configurationOf(issuer, more),
    );
    expect(status).toBe(400);
    expect(body.errors.map((error) => error.pointer)).toContain(pointer);
    expect((await owner.call("GET", path())).text).toBe(before);
  });

  test("a cluster is no issuer of its own, and has eight at most", async () => {
    const own = { url: `https://gantry.test/clusters/${cluster}` };
    expect((await owner.call("PUT", path(), configurationOf(own))).text).toContain("disallowed issuers");
    const jwt = Array.from({ length: 9 }, (_, n) => configurationOf({ url: `https://i${n}.example.com` }).jwt[0]);
    expect((await owner.call("PUT", path(), { ...configurationOf(issuer), jwt })).text).toContain("at most 8 items");
  });
});
