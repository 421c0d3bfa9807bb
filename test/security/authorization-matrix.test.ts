/**
 * Every resource that discovery tells of, with every verb, as everybody: who is not expected to may not. Requests are such that nothing
 * comes of those that are allowed: bodies that are none, options that cannot be read, names of nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestCluster, type TestCluster, type TestRequest } from "../harness/cluster.ts";
import { requestOf, servedResources, VERBS, type Served, type Verb } from "./matrix-requests.ts";
import { EXPECTED, permits, type Who } from "./expected-permissions.ts";

const NAMESPACE = "default";
const ELSEWHERE = "kube-system";
const GROUP = "rbac.authorization.k8s.io";

let api: TestCluster;
let accountToken: string;

async function made<T>(path: string, body: object): Promise<T> {
  const answer = await api.call<T>(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

beforeAll(async () => {
  api = await createTestCluster();
  const bind = (name: string, role: string) => ({
    metadata: { name },
    subjects: [{ kind: "User", apiGroup: GROUP, name }],
    roleRef: { apiGroup: GROUP, kind: "ClusterRole", name: role },
  });
  const rbac = `/apis/${GROUP}/v1`;
  await made(`${rbac}/clusterrolebindings`, bind("root", "cluster-admin"));
  for (const role of ["admin", "edit", "view"]) {
    await made(`${rbac}/namespaces/${NAMESPACE}/rolebindings`, bind(`${role}or`, role));
  }
  const accounts = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`;
  await made(accounts, { metadata: { name: "bare" } });
  accountToken = (await made<{ status: { token: string } }>(`${accounts}/bare/token`, {})).status.token;
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

/** As whom the request is sent. */
function identity(who: Who): TestRequest {
  switch (who) {
    case "anonymous":
      return { token: null };
    case "bare service account":
      return { token: accountToken };
    case "node":
      return { headers: { "Impersonate-User": "system:node:n1", "Impersonate-Group": "system:nodes" } };
    case "cluster-admin":
      return { headers: { "Impersonate-User": "root" } };
    default:
      return { headers: { "Impersonate-User": `${who}or` } };
  }
}

describe("the authorization matrix", () => {
  it.each(Object.keys(EXPECTED) as Who[])("of %s", { timeout: 180_000 }, async (who) => {
    const served = await servedResources(async (path) => (await api.call<never>(path)).body);
    expect(served.length).toBeGreaterThan(100);
    const before = await api.storage.revision();
    const as = identity(who);
    const unexpected: string[] = [];
    let asked = 0;
    let allowed = 0;
    const ask = async (resource: Served, verb: Verb, namespace: string): Promise<void> => {
      const request = requestOf(resource, verb, namespace);
      if (!request) return;
      const [path, init] = request;
      const { status } = await api.call(path, { ...as, ...init, headers: { ...as.headers, ...init.headers } });
      // A collection of what has no namespace is in none, though its objects may be (namespaces are in themselves).
      const inNamespace = namespace === NAMESPACE && (resource.namespaced || path.includes(`/${NAMESPACE}`));
      const may = permits(who, { ...resource, verb, inNamespace });
      asked++;
      if (status !== 403) allowed++;
      if ((status !== 403) !== may) unexpected.push(`${verb} ${path}: ${status}`);
    };
    for (const resource of served) {
      const scoped = resource.namespaced || resource.name.startsWith("namespaces");
      const scopes = scoped ? [NAMESPACE, ELSEWHERE, ""] : [""];
      for (const namespace of scopes) await Promise.all(VERBS.map((verb) => ask(resource, verb, namespace)));
    }
    expect(unexpected).toEqual([]);
    expect(asked).toBeGreaterThan(1_000);
    expect(allowed).toBeGreaterThanOrEqual(who === "anonymous" ? 0 : 3);
    expect(await api.storage.revision(), "nothing was written").toBe(before);
  });
});
