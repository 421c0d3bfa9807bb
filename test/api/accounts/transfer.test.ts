/** What a cluster holds, taken to another one and back in time. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bearer,
  callerOf,
  createTestAccounts,
  signUpWithOrganisation,
  type Caller,
  type TestAccounts,
  type TestPerson,
} from "../../harness/accounts.ts";
import { testRuntime } from "../../harness/test-runtime.ts";

interface Listed {
  metadata: { resourceVersion: string; continue?: string };
  items: { metadata: { name: string } }[];
}

const CORE = "/api/v1/namespaces/shop";
const OBJECTS: [path: string, object: object][] = [
  ["/api/v1/namespaces", { metadata: { name: "shop", labels: { team: "a" } } }],
  [
    `${CORE}/configmaps`,
    { metadata: { name: "texts" }, data: { yes: "no", number: "012", time: "12:30:45", text: "a: b\n- c\n---\n" } },
  ],
  [`${CORE}/secrets`, { metadata: { name: "password" }, type: "Opaque", data: { password: "cGFzcw==" } }],
  [`${CORE}/serviceaccounts`, { metadata: { name: "runner" } }],
  [
    `${CORE}/services`,
    { metadata: { name: "web" }, spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] } },
  ],
  [
    "/apis/apps/v1/namespaces/shop/deployments",
    {
      metadata: { name: "web", annotations: { "deployment.kubernetes.io/revision": "7" } },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: "web" } },
        template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "web:1" }] } },
      },
    },
  ],
  [
    "/apis/batch/v1/namespaces/shop/jobs",
    {
      metadata: { name: "once" },
      spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "job:1" }] } } },
    },
  ],
  [
    "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles",
    { metadata: { name: "reader" }, rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }] },
  ],
];

describe.skipIf(testRuntime.missing !== undefined)("what a cluster holds", () => {
  let accounts: TestAccounts;
  let person: TestPerson;
  let organisation: string;
  let kubectl: Caller;
  beforeAll(async () => {
    accounts = await createTestAccounts();
    ({ person, organisation } = await signUpWithOrganisation(accounts, "ada"));
    const token = await person.call("POST", "/v1/tokens", { name: "t", role: "owner" });
    kubectl = callerOf(accounts.fetch, bearer(token.body["token"]));
  });
  afterAll(() => accounts.stop());

  async function createCluster(name: string): Promise<string> {
    const made = await person.call("POST", "/v1/clusters", { name, organisation });
    expect(made.status, made.text).toBe(201);
    return made.body["id"] ?? "";
  }

  test("goes out as YAML and in again, the same", async () => {
    const [from, to] = [await createCluster("from"), await createCluster("to")];
    for (const [path, object] of OBJECTS) {
      const made = await kubectl.call("POST", `/clusters/${from}${path}`, object);
      expect(made.status, made.text).toBe(201);
    }
    const owner = await kubectl.call<{ metadata: { uid: string } }>("GET", `/clusters/${from}${CORE}/configmaps/texts`);
    const reference = { apiVersion: "v1", kind: "ConfigMap", name: "texts", uid: owner.body.metadata.uid };
    const owned = (name: string, controller: boolean) => ({
      metadata: { name, ownerReferences: [{ ...reference, controller }] },
    });
    await kubectl.call("POST", `/clusters/${from}${CORE}/configmaps`, owned("owned", false));
    await kubectl.call("POST", `/clusters/${from}${CORE}/configmaps`, owned("controlled", true));

    const out = await person.call("GET", `/v1/clusters/${from}/export`);
    expect(out.status, out.text).toBe(200);
    expect(out.headers.get("content-type")).toBe("application/yaml");
    for (const field of [
      "uid:",
      "resourceVersion:",
      "managedFields:",
      "creationTimestamp:",
      "status:",
      "clusterIP",
      "controller-uid",
      "ownerReferences",
      "controlled",
      "deployment.kubernetes.io/revision",
      "kube-root-ca",
    ])
      expect(out.text, field).not.toContain(field);
    const kinds = [...out.text.matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind);
    expect(kinds).toEqual([
      "Namespace",
      "ServiceAccount",
      "Secret",
      "ConfigMap",
      "ConfigMap",
      "Role",
      "Service",
      "Deployment",
      "Job",
    ]);

    const yaml = { "content-type": "application/yaml" };
    const report = await person.call("POST", `/v1/clusters/${to}/import`, out.text, yaml);
    expect(report.body).toEqual({ applied: "9", failed: [] });
    const again = await person.call("GET", `/v1/clusters/${to}/export`);
    expect(again.text).toBe(out.text);
    const repeated = await person.call("POST", `/v1/clusters/${to}/import`, out.text, yaml);
    expect(repeated.body).toEqual({ applied: "9", failed: [] });
  });

  test("an import tells what failed, and goes on; what is no YAML is refused whole", async () => {
    const id = await createCluster("partly");
    const yaml = { "content-type": "application/yaml" };
    const text = [
      "# first",
      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: good",
      "apiVersion: nobody.example/v1\nkind: Thing\nmetadata:\n  name: unknown",
      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: Bad_Name",
    ].join("\n---\n");
    const report = await person.call<{ applied: string; failed: { object: string }[] }>(
      "POST",
      `/v1/clusters/${id}/import`,
      text,
      yaml,
    );
    expect(report.body.applied).toBe("1");
    expect(report.body.failed.map(({ object }) => object).toSorted()).toEqual([
      "nobody.example/v1 Thing unknown",
      "v1 ConfigMap Bad_Name",
    ]);
    for (const bad of ["a: [", "just text", "kind: ConfigMap", "a: &a [*a, *a]"])
      expect((await person.call("POST", `/v1/clusters/${id}/import`, bad, yaml)).status, bad).toBe(400);
  });

  test("goes back to what it was, and no revision is met twice", async () => {
    const id = await createCluster("restored");
    const base = `/clusters/${id}/api/v1/namespaces/default/configmaps`;
    const put = (name: string, value: string) =>
      kubectl.call("PUT", `${base}/${name}`, { metadata: { name }, data: { value } });
    for (const name of ["kept", "changed", "removed"])
      expect((await kubectl.call("POST", base, { metadata: { name }, data: { value: "before" } })).status).toBe(201);
    // Times are those of commits, to the millisecond.
    await new Promise((wake) => setTimeout(wake, 5));
    const before = new Date().toISOString();
    await new Promise((wake) => setTimeout(wake, 5));
    await put("changed", "after");
    await kubectl.call("DELETE", `${base}/removed`);
    await kubectl.call("POST", base, { metadata: { name: "new" }, data: { value: "after" } });
    const page = await kubectl.call<Listed>("GET", `${base}?limit=1`);
    const old = page.body.metadata;

    const path = `/v1/clusters/${id}/restore`;
    expect((await person.call("POST", path, { to: before })).status).toBe(400);
    expect((await person.call("POST", `${path}?confirm=restored`, { to: "2100-01-01T00:00:00Z" })).status).toBe(400);
    expect((await person.call("POST", `${path}?confirm=restored`, { to: "2001-01-01T00:00:00Z" })).status).toBe(409);
    const restored = await person.call("POST", `${path}?confirm=restored`, { to: before });
    expect(restored.status, restored.text).toBe(200);

    const now = await kubectl.call<Listed>("GET", base);
    expect(now.body.items.map(({ metadata }) => metadata.name).filter((name) => name !== "kube-root-ca.crt")).toEqual([
      "changed",
      "kept",
      "removed",
    ]);
    expect(Number(now.body.metadata.resourceVersion)).toBeGreaterThanOrEqual(
      Number(old.resourceVersion) + 2 ** 32 - 10,
    );
    const changed = await kubectl.call<{ data: object }>("GET", `${base}/changed`);
    expect(changed.body.data).toEqual({ value: "before" });
    // Watches and pages of before are told that they are too old.
    expect((await kubectl.call("GET", `${base}?limit=1&continue=${old.continue}`)).status).toBe(410);
    const watch = await kubectl.call(
      "GET",
      `${base}?watch=true&resourceVersion=${old.resourceVersion}&timeoutSeconds=1`,
    );
    expect(watch.text).toContain('"code":410');
    expect((await put("changed", "again")).status).toBe(200);
    expect((await kubectl.call("POST", base, { metadata: { name: "new" } })).status).toBe(201);
    expect(
      (
        await kubectl.call("POST", base.replace("configmaps", "services"), {
          metadata: { name: "s" },
          spec: { ports: [{ port: 80 }] },
        })
      ).status,
    ).toBe(201);
  });
});
