/** Heartbeats are shown on GET and LIST and never written. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeList, KubeObject } from "../../src/machinery/meta.ts";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";

const OLD = "2026-01-01T00:00:00Z";
const seen: Record<string, number> = {};
let nowMs = Date.parse("2026-06-01T00:00:00Z");
let api: TestCluster;
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

interface Node extends KubeObject {
  status: { conditions: { type: string; lastHeartbeatTime: string }[] };
}
interface Lease extends KubeObject {
  spec: { renewTime: string };
}

beforeAll(async () => {
  api = await createTestCluster({
    platform: { clock: { now: () => nowMs } },
    presence: { lastSeen: async () => ({ ...seen }) },
  });
  for (const name of ["here", "gone"]) {
    await api.call("/api/v1/nodes", { method: "POST", body: { metadata: { name } } });
    const conditions = [{ type: "Ready", status: "True", lastHeartbeatTime: OLD, lastTransitionTime: OLD }];
    await api.call(`/api/v1/nodes/${name}/status`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: { status: { conditions } },
    });
    const spec = { holderIdentity: name, renewTime: "2026-01-01T00:00:00.000000Z", leaseDurationSeconds: 40 };
    await api.call(LEASES, { method: "POST", body: { metadata: { name }, spec } });
  }
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

describe("signs of life", () => {
  it("appear on reads of the node's Lease and Node, without a write", async () => {
    const before = await api.storage.revision();
    seen["here"] = Date.parse("2026-06-01T00:00:00Z");
    nowMs += 2_000;
    expect((await api.call<Lease>(`${LEASES}/here`)).body.spec.renewTime).toBe("2026-06-01T00:00:00.000000Z");
    expect((await api.call<Lease>(`${LEASES}/gone`)).body.spec.renewTime).toBe("2026-01-01T00:00:00.000000Z");
    const leases = await api.call<KubeList<Lease>>(LEASES);
    expect(leases.body.items.map(({ spec }) => spec.renewTime)).toEqual([
      "2026-01-01T00:00:00.000000Z",
      "2026-06-01T00:00:00.000000Z",
    ]);
    const node = await api.call<Node>("/api/v1/nodes/here");
    expect(node.body.status.conditions[0]?.lastHeartbeatTime).toBe("2026-06-01T00:00:00Z");
    const nodes = await api.call<KubeList<Node>>("/api/v1/nodes");
    expect(nodes.body.items.map(({ status }) => status.conditions[0]?.lastHeartbeatTime)).toEqual([
      OLD,
      "2026-06-01T00:00:00Z",
    ]);
    expect(await api.storage.revision()).toBe(before);
  });

  it("never turn time back", async () => {
    seen["here"] = Date.parse("2025-01-01T00:00:00Z");
    nowMs += 2_000;
    const node = await api.call<Node>("/api/v1/nodes/here");
    expect(node.body.status.conditions[0]?.lastHeartbeatTime).toBe(OLD);
  });

  it("do not stop reads when the hub is out of reach", async () => {
    const lost = await createTestCluster({ presence: { lastSeen: async () => Promise.reject(new Error("no hub")) } });
    expect((await lost.call("/api/v1/nodes")).status).toBe(200);
    await lost.stop();
  });
});
