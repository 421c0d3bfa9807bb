/** Who belongs to an organisation, how one comes in, and what each role may: under /v1 and in a cluster. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Role } from "../../../src/accounts/accounts.ts";
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

const DAY_MS = 86_400_000;

/** The same person, by a token of their own. */
async function byToken({ fetch }: TestAccounts, person: Caller): Promise<Caller> {
  const token = await person.call("POST", "/v1/tokens", { name: "t", role: "owner" });
  return callerOf(fetch, bearer(token.body["token"]));
}

describe.skipIf(testRuntime.missing !== undefined)("organisations", () => {
  let accounts: TestAccounts;
  let owner: TestPerson;
  let organisation: string;
  let skewMs = 0;
  beforeAll(async () => {
    const platform = testRuntime.createPlatform();
    const clock = { now: () => platform.clock.now() + skewMs };
    accounts = await createTestAccounts({ platform: { ...platform, clock } });
    ({ person: owner, organisation } = await signUpWithOrganisation(accounts, "owner"));
  });
  afterAll(() => accounts.stop());

  const at = (path: string): string => `/v1/organisations/${organisation}${path}`;

  async function invite(email: string, role: Role): Promise<string> {
    const answer = await owner.call("POST", at("/invitations"), { email, role });
    expect(answer.status, answer.text).toBe(201);
    return answer.body["secret"] ?? "";
  }

  async function join(name: string, role: Role): Promise<TestPerson> {
    const person = await signUp(accounts, name);
    const accepted = await person.call("POST", "/v1/invitations/accept", { secret: await invite(person.email, role) });
    expect(accepted.status, accepted.text).toBe(200);
    return person;
  }

  test("an invitation makes a member, once", async () => {
    const guest = await signUp(accounts, "guest");
    const secret = await invite(guest.email.toUpperCase(), "viewer");
    expect((await guest.call("GET", at(""))).status).toBe(404);
    expect((await guest.call("POST", "/v1/invitations/accept", { secret })).status).toBe(200);
    expect((await guest.call("GET", at(""))).body).toMatchObject({ role: "viewer" });
    const other = await signUp(accounts, "other");
    expect((await other.call("POST", "/v1/invitations/accept", { secret })).status).toBe(404);
    expect((await guest.call("POST", "/v1/invitations/accept", { secret })).status).toBe(404);
  });

  test("it is good for its address alone, for a week, and until it is withdrawn", async () => {
    const [guest, thief] = [await signUp(accounts, "invited"), await signUp(accounts, "thief")];
    const secret = await invite(guest.email, "admin");
    expect((await thief.call("POST", "/v1/invitations/accept", { secret })).status).toBe(404);
    skewMs = 7 * DAY_MS + 1;
    try {
      expect((await guest.call("POST", "/v1/invitations/accept", { secret })).status).not.toBe(200);
    } finally {
      skewMs = 0;
    }
    const listed = await owner.call<{ items: { id: string; email: string }[] }>("GET", at("/invitations"));
    const { id = "" } = listed.body.items.find(({ email }) => email === guest.email) ?? {};
    expect(JSON.stringify(listed.body)).not.toContain(secret);
    expect((await owner.call("DELETE", at(`/invitations/${id}`))).status).toBe(204);
    expect((await owner.call("DELETE", at(`/invitations/${id}`))).status).toBe(404);
    expect((await guest.call("POST", "/v1/invitations/accept", { secret })).status).toBe(404);
  });

  test("what each role may under /v1", async () => {
    const people: Record<Role, Caller> = {
      viewer: await join("v", "viewer"),
      developer: await join("d", "developer"),
      admin: await join("a", "admin"),
      owner,
    };
    const asks: [method: string, path: string, body: unknown, least: Role][] = [
      ["GET", at(""), undefined, "viewer"],
      ["GET", at("/members"), undefined, "viewer"],
      ["GET", `/v1/clusters?organisation=${organisation}`, undefined, "viewer"],
      ["PATCH", at(""), { name: "renamed" }, "admin"],
      ["GET", at("/invitations"), undefined, "admin"],
      ["POST", at("/invitations"), { email: "x@example.test", role: "viewer" }, "admin"],
      ["POST", at("/invitations"), { email: "y@example.test", role: "owner" }, "owner"],
      ["GET", at("/tokens"), undefined, "admin"],
      ["POST", at("/tokens"), { name: "robot", role: "admin" }, "admin"],
      ["POST", at("/tokens"), { name: "robot", role: "owner" }, "owner"],
      ["POST", "/v1/clusters", { name: "no label!", organisation }, "viewer"],
      ["DELETE", at(""), undefined, "owner"],
    ];
    // The organisation is in use, so nothing is deleted.
    const made = await owner.call("POST", "/v1/clusters", { name: "roles", organisation });
    expect(made.status).toBe(201);
    const ranks: Role[] = ["viewer", "developer", "admin", "owner"];
    for (const [method, path, body, least] of asks) {
      for (const role of ranks) {
        const answer = await people[role].call(method, path, body);
        const allowed = ranks.indexOf(role) >= ranks.indexOf(least);
        expect(answer.status === 403, `${role} ${method} ${path}: ${answer.text}`).toBe(!allowed);
      }
    }
  });

  test("what each role may in a cluster, by bindings that an owner may change", async () => {
    const made = await owner.call("POST", "/v1/clusters", { name: "bound", organisation });
    const base = `/clusters/${made.body["id"]}`;
    const people: Record<Role, Caller> = {
      viewer: await byToken(accounts, await join("kv", "viewer")),
      developer: await byToken(accounts, await join("kd", "developer")),
      admin: await byToken(accounts, await join("ka", "admin")),
      owner: await byToken(accounts, owner),
    };
    const ranks: Role[] = ["viewer", "developer", "admin", "owner"];
    const asks: [method: string, path: string, body: unknown, least: Role][] = [
      ["GET", "/api/v1/namespaces/default/configmaps", undefined, "viewer"],
      ["GET", "/api/v1/namespaces/default/secrets", undefined, "developer"],
      ["POST", "/api/v1/namespaces/default/configmaps", { metadata: { generateName: "c-" } }, "developer"],
      ["POST", "/api/v1/namespaces", { metadata: { generateName: "n-" } }, "admin"],
      ["GET", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", undefined, "admin"],
    ];
    for (const [method, path, body, least] of asks) {
      for (const role of ranks) {
        const { status, text } = await people[role].call(method, base + path, body);
        const allowed = ranks.indexOf(role) >= ranks.indexOf(least);
        expect(status < 300, `${role} ${method} ${path}: ${text}`).toBe(allowed);
        if (!allowed) expect(status).toBe(403);
      }
    }
    const binding = `${base}/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/gantry:organisation-viewers`;
    expect((await people.owner.call("DELETE", binding)).status).toBe(200);
    await expect
      .poll(async () => (await people.viewer.call("GET", `${base}/api/v1/namespaces/default/configmaps`)).status)
      .toBe(403);
  });

  test("a role that becomes smaller is smaller at once; who is out is out", async () => {
    const person = await join("fading", "admin");
    const token = await person.call("POST", "/v1/tokens", { name: "t", role: "owner", organisation });
    const script = callerOf(accounts.fetch, bearer(token.body["token"]));
    expect((await script.call("GET", at("/tokens"))).status).toBe(200);
    const changed = await owner.call("PATCH", at(`/members/${person.id}`), { role: "viewer" });
    expect(changed.body).toMatchObject({ person: person.id, role: "viewer" });
    expect((await script.call("GET", at("/tokens"))).status).toBe(403);
    expect((await owner.call("DELETE", at(`/members/${person.id}`))).status).toBe(204);
    expect((await person.call("GET", at(""))).status).toBe(404);
    // It was good for this organisation alone.
    expect((await script.call("GET", "/v1/me")).status).toBe(401);
  });

  test("owners are made and removed by owners, and the last one stays", async () => {
    const admin = await join("admin", "admin");
    expect((await admin.call("PATCH", at(`/members/${admin.id}`), { role: "owner" })).status).toBe(403);
    expect((await admin.call("PATCH", at(`/members/${owner.id}`), { role: "viewer" })).status).toBe(403);
    expect((await admin.call("DELETE", at(`/members/${owner.id}`))).status).toBe(403);
    expect((await owner.call("PATCH", at(`/members/${owner.id}`), { role: "admin" })).status).toBe(409);
    expect((await owner.call("DELETE", at(`/members/${owner.id}`))).status).toBe(409);
    expect((await owner.call("PATCH", at("/members/nobody"), { role: "admin" })).status).toBe(404);
    expect((await admin.call("DELETE", at(`/members/${admin.id}`))).status).toBe(204);
  });

  test("one without clusters goes, with its robots", async () => {
    const made = await owner.call("POST", "/v1/organisations", { name: "short-lived" });
    const { id } = made.body;
    const robot = await owner.call("POST", `/v1/organisations/${id}/tokens`, { name: "r", role: "viewer" });
    const r = callerOf(accounts.fetch, bearer(robot.body["token"]));
    expect((await r.call("GET", `/v1/organisations/${id}`)).status).toBe(200);
    expect((await owner.call("DELETE", `/v1/organisations/${id}`)).status).toBe(204);
    expect((await r.call("GET", "/v1/me")).status).toBe(401);
    expect((await owner.call("GET", `/v1/organisations/${id}`)).status).toBe(404);
  });
});
