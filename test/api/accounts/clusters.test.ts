/** From signing up to a cluster that answers, and to its end. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClusterHost } from "../../../src/accounts/accounts.ts";
import {
  bearer,
  callerOf,
  createTestAccounts,
  signUpWithOrganisation,
  type TestAccounts,
  type TestPerson,
} from "../../harness/accounts.ts";
import { testRuntime } from "../../harness/test-runtime.ts";

interface Listed {
  items: { metadata: { name: string } }[];
}
interface Page {
  items: Record<string, string>[];
  next: string | null;
}

const namesOf = ({ items }: Listed): string[] => items.map(({ metadata }) => metadata.name);

describe.skipIf(testRuntime.missing !== undefined)("clusters", () => {
  let accounts: TestAccounts;
  let person: TestPerson;
  let organisation: string;
  beforeAll(async () => {
    accounts = await createTestAccounts();
    ({ person, organisation } = await signUpWithOrganisation(accounts, "ada"));
  });
  afterAll(() => accounts.stop());

  async function createCluster(name: string): Promise<string> {
    const made = await person.call("POST", "/v1/clusters", { name, organisation });
    expect(made.status, made.text).toBe(201);
    return made.body["id"] ?? "";
  }

  async function ownToken(): Promise<string> {
    const made = await person.call("POST", "/v1/tokens", { name: "laptop", role: "owner" });
    expect(made.status, made.text).toBe(201);
    return made.body["token"] ?? "";
  }

  test("a new one is ready with its answer, and its owner gets in", async () => {
    const made = await person.call("POST", "/v1/clusters", { name: "first", organisation });
    expect(made.status, made.text).toBe(201);
    expect(made.body).toMatchObject({ name: "first", organisation, state: "ready" });
    const { id } = made.body;
    expect(made.body["server"]).toBe(`https://gantry.test/clusters/${id}`);

    const kubectl = callerOf(accounts.fetch, bearer(await ownToken()));
    const namespaces = await kubectl.call<Listed>("GET", `/clusters/${id}/api/v1/namespaces`);
    expect(namespaces.status, namespaces.text).toBe(200);
    expect(namesOf(namespaces.body)).toEqual(["default", "kube-node-lease", "kube-public", "kube-system"]);
    const account = await kubectl.call("GET", `/clusters/${id}/api/v1/namespaces/default/serviceaccounts/default`);
    expect(account.status).toBe(200);
    const review = await kubectl.call<{ status: { userInfo: object } }>(
      "POST",
      `/clusters/${id}/apis/authentication.k8s.io/v1/selfsubjectreviews`,
      { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
    );
    expect(review.body.status.userInfo).toMatchObject({
      username: `user:${person.id}`,
      groups: [`org:${organisation}`, `org:${organisation}:owner`, "system:authenticated"],
    });
    expect(accounts.errors).toEqual([]);
  });

  test("what stands below the prefix is the whole API of one cluster", async () => {
    const [a, b] = [await createCluster("one"), await createCluster("two")];
    const kubectl = callerOf(accounts.fetch, bearer(await ownToken()));
    const made = await kubectl.call("POST", `/clusters/${a}/api/v1/namespaces/default/configmaps`, {
      metadata: { name: "here" },
    });
    expect(made.status).toBe(201);
    expect((await kubectl.call("GET", `/clusters/${b}/api/v1/namespaces/default/configmaps/here`)).status).toBe(404);
    const versions = await kubectl.call<{ kind: string }>("GET", `/clusters/${a}/api`);
    expect(versions.body.kind).toBe("APIVersions");
    const paths = await kubectl.call<{ paths: Record<string, { serverRelativeURL: string }> }>(
      "GET",
      `/clusters/${a}/openapi/v3`,
    );
    // client-go puts its own prefix before those that begin like this.
    expect(paths.body.paths["api/v1"]?.serverRelativeURL).toMatch(/^\/openapi\/v3\/api\/v1\?hash=/);
    const watch = await accounts.fetch(
      new Request(
        `https://gantry.test/clusters/${a}/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=0&timeoutSeconds=1`,
        { headers: bearer(await ownToken()) },
      ),
    );
    expect(watch.status).toBe(200);
    expect(await watch.text()).toContain('"name":"here"');
  });

  test("names are unique in an organisation, and may change", async () => {
    const id = await createCluster("taken");
    const again = await person.call("POST", "/v1/clusters", { name: "taken", organisation });
    expect(again.status).toBe(409);
    expect(again.headers.get("content-type")).toBe("application/problem+json");
    expect(again.body).toMatchObject({ status: 409, code: "conflict" });
    const renamed = await person.call("PATCH", `/v1/clusters/${id}`, { name: "free" });
    expect(renamed.body).toMatchObject({ id, name: "free" });
    const other = await createCluster("taken");
    expect((await person.call("PATCH", `/v1/clusters/${other}`, { name: "free" })).status).toBe(409);
  });

  test("a name that is no DNS label is refused, and says where", async () => {
    const answer = await person.call("POST", "/v1/clusters", { name: "No Label", organisation, color: "red" });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      code: "invalid",
      errors: [{ pointer: "/name" }, { pointer: "/color", detail: "is unknown" }],
    });
  });

  test("a list goes on by its cursor, oldest first", async () => {
    const { person: other, organisation: its } = await signUpWithOrganisation(accounts, "lister");
    for (const name of ["a", "b", "c"]) await other.call("POST", "/v1/clusters", { name, organisation: its });
    const first = await other.call<Page>("GET", "/v1/clusters?limit=2");
    expect(first.body.items.map(({ name }) => name)).toEqual(["a", "b"]);
    const second = await other.call<Page>("GET", `/v1/clusters?limit=2&cursor=${first.body.next}`);
    expect(second.body).toMatchObject({ items: [{ name: "c" }], next: null });
    for (const query of ["limit=0", "limit=101", "limit=x", "cursor=nonsense"])
      expect((await other.call("GET", `/v1/clusters?${query}`)).status, query).toBe(400);
  });

  test("deleting wants the name typed; then nothing of it is left, and no token is good for it", async () => {
    const id = await createCluster("doomed");
    const its = await person.call("POST", `/v1/clusters/${id}/tokens`, { name: "ci", role: "admin" });
    const ci = callerOf(accounts.fetch, bearer(its.body["token"]));
    const namespaces = `/clusters/${id}/api/v1/namespaces`;
    expect((await ci.call("GET", namespaces)).status).toBe(200);
    for (const confirm of ["", "?confirm=", "?confirm=Doomed"])
      expect((await person.call("DELETE", `/v1/clusters/${id}${confirm}`)).status).toBe(400);
    expect((await ci.call("GET", namespaces)).status).toBe(200);

    expect((await person.call("DELETE", `/v1/clusters/${id}?confirm=doomed`)).status).toBe(204);
    expect((await person.call("GET", `/v1/clusters/${id}`)).status).toBe(404);
    expect((await ci.call("GET", "/v1/me")).status).toBe(401);
    const kubectl = callerOf(accounts.fetch, bearer(await ownToken()));
    expect((await kubectl.call("GET", namespaces)).status).toBe(401);
    expect((await ci.call("GET", namespaces)).status).toBe(401);
    await expect(accounts.host.open({ id, organisation })).rejects.toThrow();
    expect((await person.call("POST", "/v1/clusters", { name: "doomed", organisation })).status).toBe(201);
  });
});

/** Where making or removing a cluster dies. */
const FAULTS: Record<string, (host: ClusterHost) => Partial<ClusterHost>> = {
  "before the database is made": () => ({ create: () => Promise.reject(new Error("died")) }),
  "after all is made": (host) => ({
    create: async (cluster) => {
      await host.create(cluster);
      throw new Error("died");
    },
  }),
};

describe.skipIf(testRuntime.missing !== undefined)("a creation that dies half-way", () => {
  test.each(Object.keys(FAULTS))("%s: is cleaned up, and can be tried again", async (when) => {
    let dies = true;
    const accounts = await createTestAccounts({
      wrapHost: (host) => ({
        open: (cluster) => host.open(cluster),
        destroy: (id) => host.destroy(id),
        restore: (cluster, toMs) => host.restore(cluster, toMs),
        disconnect: (id, revocation) => host.disconnect(id, revocation),
        create: (cluster) => (dies ? FAULTS[when]?.(host).create?.(cluster) : undefined) ?? host.create(cluster),
      }),
    });
    try {
      const { person, organisation } = await signUpWithOrganisation(accounts, "unlucky");
      const failed = await person.call("POST", "/v1/clusters", { name: "c", organisation });
      expect(failed.status).toBe(503);
      expect(failed.headers.get("retry-after")).toBe("1");
      expect(failed.text).not.toContain("died");
      expect((await person.call<Page>("GET", "/v1/clusters")).body.items).toEqual([]);
      dies = false;
      expect((await person.call("POST", "/v1/clusters", { name: "c", organisation })).status).toBe(201);
    } finally {
      await accounts.stop();
    }
  });

  test("with its process: another one finishes it, and finishes what was being deleted", async () => {
    const never = new Promise<never>(() => {});
    let hangs = false;
    const accounts = await createTestAccounts({
      wrapHost: (host) => ({
        open: (cluster) => host.open(cluster),
        destroy: (id) => (hangs ? never : host.destroy(id)),
        restore: (cluster, toMs) => host.restore(cluster, toMs),
        disconnect: (id, revocation) => host.disconnect(id, revocation),
        create: (cluster) => (hangs ? never : host.create(cluster)),
      }),
    });
    try {
      const { person, organisation } = await signUpWithOrganisation(accounts, "ada");
      const doomed = await person.call("POST", "/v1/clusters", { name: "doomed", organisation });
      hangs = true;
      void person.call("POST", "/v1/clusters", { name: "begun", organisation });
      void person.call("DELETE", `/v1/clusters/${doomed.body["id"]}?confirm=doomed`);
      const states = async (): Promise<string[]> => {
        const sql = "SELECT name || ' ' || state FROM clusters ORDER BY name";
        const [found] = await accounts.database.batch([{ sql }], "read");
        return (found?.rows ?? []).flat().map(String);
      };
      // Its name is free for another.
      const gone = `~${doomed.body["id"]} deleting`;
      await expect.poll(states).toEqual(["begun creating", gone]);
      expect((await person.call("GET", `/v1/clusters/${doomed.body["id"]}`)).status).toBe(404);

      hangs = false;
      // Nobody else may be at it still.
      await accounts.accounts.clusters.finish({ forMs: 60_000 });
      expect(await states()).toEqual(["begun creating", gone]);
      await accounts.accounts.clusters.finish({ forMs: 0 });
      expect(await states()).toEqual(["begun ready"]);
    } finally {
      await accounts.stop();
    }
  });
});
