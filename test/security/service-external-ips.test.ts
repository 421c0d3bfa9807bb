/**
 * CVE-2020-8554: whoever makes a Service with an address of his choice draws to himself what all pods of the cluster send there. New
 * externalIPs are refused, by every verb; what somebody else has put there may stay, and go. Addresses of a load balancer are its controller's.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { bindRole, make } from "../harness/grants.ts";
import { testRuntime } from "../harness/test-runtime.ts";

const SERVICES = "/api/v1/namespaces/default/services";
const MALLORY = { "Impersonate-User": "mallory" };
const MERGE = "application/merge-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";
const APPLY = "application/apply-patch+yaml";
const ADDRESSES = ["8.8.8.8"];

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
  await bindRole(api, { user: "mallory", role: "admin", namespace: "default" });
  await make(api, SERVICES, service("plain"));
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const service = (name: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { ports: [{ port: 443 }], ...spec },
});

const refused = { code: 403, reason: "Forbidden", message: /Use of external IPs is denied by admission control\.$/ };

const send = (method: string, path: string, body: unknown, type = "application/json") =>
  api.call(path, { method, body, headers: { ...MALLORY, "content-type": type } });

describe("an address of one's own choice", () => {
  it.each([["127.0.0.1"], ["169.254.169.254"], ["::1"], ["fe80::1"], ["010.0.0.1"], ["localhost"], ["8.8.8.8/32"]])(
    "is none at all where it would lead back to the asker: %s",
    async (address) => {
      const answer = await send("POST", SERVICES, service("new", { externalIPs: [address] }));
      expect([403, 422]).toContain(answer.status);
      expect((await api.call(`${SERVICES}/new`)).status).toBe(404);
    },
  );

  it.each([["8.8.8.8"], ["10.96.0.1"], ["2001:db8::1"], ["8.8.8.8", "1.1.1.1"]])(
    "is no address of a new Service: %s",
    async (...externalIPs) => {
      assertFailure(await send("POST", SERVICES, service("new", { externalIPs })), refused);
      assertFailure(await send("PUT", `${SERVICES}/new`, service("new", { externalIPs })), refused);
      const path = `${SERVICES}/new?fieldManager=mallory&force=true`;
      assertFailure(await send("PATCH", path, service("new", { externalIPs }), APPLY), refused);
      assertFailure(await send("POST", `${SERVICES}?dryRun=All`, service("new", { externalIPs })), refused);
      expect((await api.call(`${SERVICES}/new`)).status).toBe(404);
    },
  );

  it.each<[string, object, string]>([
    ["a merge", { spec: { externalIPs: ADDRESSES } }, MERGE],
    ["a strategic merge", { spec: { externalIPs: ADDRESSES } }, STRATEGIC],
    ["a JSON patch", [{ op: "add", path: "/spec/externalIPs", value: ADDRESSES }], "application/json-patch+json"],
    ["an apply", service("plain", { externalIPs: ADDRESSES }), APPLY],
  ])("does not come by %s", async (_name, body, type) => {
    const query = type === APPLY ? "?fieldManager=mallory&force=true" : "";
    assertFailure(await send("PATCH", `${SERVICES}/plain${query}`, body, type), refused);
    const { body: after } = await api.call<{ spec: object }>(`${SERVICES}/plain`);
    expect(after.spec).not.toHaveProperty("externalIPs");
  });

  it("is not that of a load balancer, which only its status has", async () => {
    const status = { loadBalancer: { ingress: [{ ip: "8.8.8.8" }] } };
    const made = await send("POST", SERVICES, { ...service("balanced", { type: "LoadBalancer" }), status });
    expect(made.status).toBe(201);
    expect((await send("PATCH", `${SERVICES}/balanced`, { status }, MERGE)).status).toBe(200);
    const { text } = await api.call(`${SERVICES}/balanced`);
    expect(text).not.toContain("8.8.8.8");
    expect((await send("PATCH", `${SERVICES}/balanced/status`, { status }, MERGE)).status).toBe(403);
  });
});

describe("an address that somebody else allowed", () => {
  it("may stay and go, and not become another", async () => {
    const opened = await testRuntime.openDatabase();
    const { database } = opened;
    // Two servers of one cluster, one after the other: an owner has closed what was open.
    const open = await createTestCluster({
      database,
      config: { plugins: { enable: [], disable: ["DenyServiceExternalIPs"] } },
    });
    await make(open, SERVICES, service("old", { externalIPs: ["8.8.8.8", "1.1.1.1"] }));
    await open.stop();
    const closed = await createTestCluster({ database });
    const patch = (spec: object) =>
      closed.call(`${SERVICES}/old`, { method: "PATCH", body: { spec }, headers: { "content-type": MERGE } });
    expect((await patch({ ports: [{ port: 80 }] })).status).toBe(200);
    assertFailure(await patch({ externalIPs: ["8.8.8.8", "9.9.9.9"] }), refused);
    assertFailure(await patch({ externalIPs: ["8.8.8.8", "1.1.1.1", "9.9.9.9"] }), refused);
    expect((await patch({ externalIPs: ["8.8.8.8"] })).status).toBe(200);
    assertFailure(await patch({ externalIPs: ["1.1.1.1"] }), refused);
    await closed.stop();
    await opened.close();
  });
});
