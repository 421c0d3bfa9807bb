/** Smaller rules of admission, as clients meet them: nodes keep to themselves, classes of runtimes, Services, Ingresses. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Node } from "../../src/kinds/core/nodes/types.ts";
import type { Pod } from "../../src/kinds/core/pods/types.ts";
import type { Ingress } from "../../src/kinds/networking/types.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;

const PODS = "/api/v1/namespaces/default/pods";
const MERGE = { "content-type": "application/merge-patch+json" };
const asNode = (name: string) => ({ "impersonate-user": `system:node:${name}`, "impersonate-group": "system:nodes" });
const post = <T extends object>(path: string, body: object, headers: Record<string, string> = {}) =>
  api.call<T>(path, { method: "POST", body, headers });
const patch = <T extends object>(path: string, body: object, headers: Record<string, string> = {}) =>
  api.call<T>(path, { method: "PATCH", body, headers: { ...MERGE, ...headers } });

function pod(name: string, spec: object = {}): object {
  return { metadata: { name }, spec: { containers: [{ name: "c", image: "busybox" }], ...spec } };
}

beforeAll(async () => {
  api = await createTestCluster();
  await post("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

describe("a node", () => {
  it("comes tainted, and changes neither that nor others' labels", async () => {
    const labels = { "kubernetes.io/hostname": "n1" };
    const made = await post<Node>("/api/v1/nodes", { metadata: { name: "n1", labels } }, asNode("n1"));
    expect(made.status).toBe(201);
    expect(made.body.spec?.taints).toEqual([{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }]);
    assertFailure(await patch("/api/v1/nodes/n1", { spec: { taints: null } }, asNode("n1")), {
      code: 403,
      reason: "Forbidden",
      message: 'nodes "n1" is forbidden: node "n1" is not allowed to modify taints',
    });
    const role = { metadata: { labels: { "node-role.kubernetes.io/control-plane": "" } } };
    assertFailure(await patch("/api/v1/nodes/n1", role, asNode("n1")), {
      code: 403,
      reason: "Forbidden",
      message: 'nodes "n1" is forbidden: is not allowed to modify labels: node-role.kubernetes.io/control-plane',
    });
    expect((await patch("/api/v1/nodes/n1", role)).status).toBe(200);
    assertFailure(await post("/api/v1/nodes", { metadata: { name: "n2" } }, asNode("n1")), {
      code: 403,
      reason: "Forbidden",
      message: 'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"',
    });
  });

  it("makes mirrors of its own pods, as they are, and no others", async () => {
    const { body: node } = await api.call<Node>("/api/v1/nodes/n1");
    const owner = { apiVersion: "v1", kind: "Node", name: "n1", uid: node.metadata.uid, controller: true };
    const mirror = {
      metadata: {
        name: "static-n1",
        annotations: { "kubernetes.io/config.mirror": "hash" },
        ownerReferences: [owner],
      },
      spec: { nodeName: "n1", containers: [{ name: "c", image: "busybox" }] },
    };
    const made = await post<Pod>(PODS, mirror, asNode("n1"));
    expect(made.status).toBe(201);
    expect([made.body.spec.serviceAccountName, made.body.spec.volumes]).toEqual([undefined, undefined]);
    assertFailure(await post(PODS, pod("own", { nodeName: "n1" }), asNode("n1")), {
      code: 403,
      reason: "Forbidden",
      message:
        'pods "own" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
    });
    const withAccount = {
      ...mirror,
      metadata: { ...mirror.metadata, name: "other" },
      spec: { ...mirror.spec, serviceAccountName: "default" },
    };
    assertFailure(await post(PODS, withAccount, asNode("n1")), {
      code: 403,
      reason: "Forbidden",
      message: 'pods "other" is forbidden: a mirror pod may not reference service accounts',
    });
  });
});

it("a RuntimeClass adds what its pods cost and where they run", async () => {
  const runtimeClass = {
    metadata: { name: "vm" },
    handler: "kata",
    overhead: { podFixed: { memory: "120Mi" } },
    scheduling: { nodeSelector: { vm: "yes" } },
  };
  expect((await post("/apis/node.k8s.io/v1/runtimeclasses", runtimeClass)).status).toBe(201);
  const { body } = await post<Pod>(PODS, pod("in-vm", { runtimeClassName: "vm" }));
  expect(body.spec).toMatchObject({ overhead: { memory: "120Mi" }, nodeSelector: { vm: "yes" } });
  assertFailure(await post(PODS, pod("nowhere", { runtimeClassName: "none" })), {
    code: 403,
    reason: "Forbidden",
    message: 'pods "nowhere" is forbidden: pod rejected: RuntimeClass "none" not found',
  });
});

const service = (externalIPs: string[]) => ({
  metadata: { name: "web" },
  spec: { ports: [{ port: 80 }], externalIPs },
});

it("a Service catches no traffic to addresses of its own choice", async () => {
  const path = "/api/v1/namespaces/default/services";
  const denied = {
    code: 403,
    reason: "Forbidden",
    message: 'services "web" is forbidden: Use of external IPs is denied by admission control.',
  };
  assertFailure(await post(path, service(["203.0.113.7"])), denied);
  expect((await post(path, service([]))).status).toBe(201);
  assertFailure(await patch(`${path}/web`, { spec: { externalIPs: ["203.0.113.7"] } }), denied);
});

it("an Ingress gets the default class", async () => {
  const annotations = { "ingressclass.kubernetes.io/is-default-class": "true" };
  const made = await post("/apis/networking.k8s.io/v1/ingressclasses", {
    metadata: { name: "front", annotations },
    spec: { controller: "example.org/front" },
  });
  expect(made.status).toBe(201);
  const backend = { service: { name: "web", port: { number: 80 } } };
  const { body } = await post<Ingress>("/apis/networking.k8s.io/v1/namespaces/default/ingresses", {
    metadata: { name: "web" },
    spec: { defaultBackend: backend },
  });
  expect(body.spec.ingressClassName).toBe("front");
});
