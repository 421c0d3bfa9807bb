/**
 * A 403 in Kubernetes' own words, which tools and people look for: who, what, in which group, where. It tells nothing of what is there: the
 * answer is the same for an object that exists and for one that does not.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assertFailure, createTestCluster, type TestCluster, type TestRequest } from "../harness/cluster.ts";
import { make } from "../harness/grants.ts";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
  await make(api, "/api/v1/namespaces/default/configmaps", { metadata: { name: "there" } });
  await make(api, "/api/v1/nodes", { metadata: { name: "there" } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const BOB = { "Impersonate-User": "bob" };
const NS = "/api/v1/namespaces/default";
const who = 'User "bob" cannot';
const where = 'in the namespace "default"';

const REFUSALS: [string, string, TestRequest, string][] = [
  ["a list", `${NS}/pods`, {}, `pods is forbidden: ${who} list resource "pods" in API group "" ${where}`],
  ["a watch", `${NS}/pods?watch=true`, {}, `pods is forbidden: ${who} watch resource "pods" in API group "" ${where}`],
  ["an object", `${NS}/pods/x`, {}, `pods "x" is forbidden: ${who} get resource "pods" in API group "" ${where}`],
  [
    "a group",
    "/apis/apps/v1/namespaces/default/deployments/x",
    {},
    `deployments.apps "x" is forbidden: ${who} get resource "deployments" in API group "apps" ${where}`,
  ],
  [
    "a creation",
    `${NS}/pods`,
    { method: "POST", body: { metadata: { name: "x" } } },
    `pods is forbidden: ${who} create resource "pods" in API group "" ${where}`,
  ],
  [
    "an update",
    `${NS}/pods/x`,
    { method: "PUT", body: {} },
    `pods "x" is forbidden: ${who} update resource "pods" in API group "" ${where}`,
  ],
  [
    "a patch",
    `${NS}/pods/x`,
    { method: "PATCH", body: {} },
    `pods "x" is forbidden: ${who} patch resource "pods" in API group "" ${where}`,
  ],
  [
    "a deletion",
    `${NS}/pods/x`,
    { method: "DELETE" },
    `pods "x" is forbidden: ${who} delete resource "pods" in API group "" ${where}`,
  ],
  [
    "a deletion of many",
    `${NS}/pods`,
    { method: "DELETE" },
    `pods is forbidden: ${who} deletecollection resource "pods" in API group "" ${where}`,
  ],
  [
    "a subresource",
    `${NS}/pods/x/log`,
    {},
    `pods "x" is forbidden: ${who} get resource "pods/log" in API group "" ${where}`,
  ],
  [
    "an eviction",
    `${NS}/pods/x/eviction`,
    { method: "POST", body: {} },
    `pods "x" is forbidden: ${who} create resource "pods/eviction" in API group "" ${where}`,
  ],
  [
    "all namespaces",
    "/api/v1/pods",
    {},
    `pods is forbidden: ${who} list resource "pods" in API group "" at the cluster scope`,
  ],
  [
    "a node",
    "/api/v1/nodes/x",
    {},
    `nodes "x" is forbidden: ${who} get resource "nodes" in API group "" at the cluster scope`,
  ],
  [
    "a node's proxy",
    "/api/v1/nodes/x/proxy/pods",
    {},
    `nodes "x" is forbidden: ${who} get resource "nodes/proxy" in API group "" at the cluster scope`,
  ],
  [
    "a namespace",
    NS,
    {},
    `namespaces "default" is forbidden: ${who} get resource "namespaces" in API group "" ${where}`,
  ],
  [
    "what is not served",
    "/apis/example.test/v1/namespaces/default/things",
    {},
    `things.example.test is forbidden: ${who} list resource "things" in API group "example.test" ${where}`,
  ],
  ["a path", "/metrics", {}, `forbidden: ${who} get path "/metrics"`],
  ["a path that is not there", "/nothing", {}, `forbidden: ${who} get path "/nothing"`],
  ["a write to a path", "/metrics", { method: "POST", body: {} }, `forbidden: ${who} post path "/metrics"`],
];

describe("a refusal", () => {
  it.each(REFUSALS)("of %s", async (_name, path, init, message) => {
    const answer = await api.call(path, { ...init, headers: BOB });
    assertFailure(answer, { code: 403, reason: "Forbidden", message });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("shows no markup, whoever one is said to be", async () => {
    const answer = await api.call(`${NS}/pods`, { headers: { "Impersonate-User": '<script>alert("&")</script>' } });
    expect(answer.status).toBe(403);
    expect((answer.body as { message?: string }).message).not.toMatch(/[<>]/);
  });

  it.each([`${NS}/configmaps/NAME`, "/api/v1/nodes/NAME", `${NS}/configmaps/NAME/none`])(
    "tells not whether there is %s",
    async (path) => {
      for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
        const texts = await Promise.all(
          ["there", "none0"].map(async (name) => {
            const body = method === "PUT" || method === "PATCH" ? {} : undefined;
            const answer = await api.call(path.replace("NAME", name), { method, body, headers: BOB });
            return `${answer.status} ${answer.text.replaceAll(name, "NAME")}`;
          }),
        );
        expect(texts[0], method).toBe(texts[1]);
        expect(texts[0]).toMatch(/^403 /);
      }
    },
  );
});
