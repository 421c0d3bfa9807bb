/** LimitRanges at work: what pods get, what pods and claims may not exceed. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Pod } from "../../src/kinds/core/pods/types.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
let namespace = "";
let counter = 0;

const at = (resource: string) => `/api/v1/namespaces/${namespace}/${resource}`;
const post = <T extends object>(resource: string, body: object) => api.call<T>(at(resource), { method: "POST", body });

async function created(resource: string, body: object): Promise<void> {
  const answer = await post(resource, body);
  if (answer.status !== 201) throw new Error(answer.text);
}

function pod(name: string, resources?: object): object {
  return {
    metadata: { name },
    spec: { containers: [{ name: "c", image: "busybox", ...(resources ? { resources } : {}) }] },
  };
}

beforeAll(async () => {
  api = await createTestCluster();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});
beforeEach(async () => {
  namespace = `limited-${++counter}`;
  const answer = await api.call("/api/v1/namespaces", { method: "POST", body: { metadata: { name: namespace } } });
  expect(answer.status).toBe(201);
  await created("serviceaccounts", { metadata: { name: "default" } });
});

describe("a LimitRange", () => {
  const limits = [
    {
      type: "Container",
      default: { cpu: "200m", memory: "64Mi" },
      defaultRequest: { cpu: "100m" },
      max: { cpu: "1", memory: "128Mi" },
    },
    { type: "PersistentVolumeClaim", max: { storage: "1Gi" } },
  ];

  it("counts from the next pod on, until it is gone", async () => {
    expect((await post<Pod>("pods", pod("before"))).body.spec.containers[0]?.resources).toEqual({});
    await created("limitranges", { metadata: { name: "bounds" }, spec: { limits } });
    const { body } = await post<Pod>("pods", pod("during"));
    expect(body.spec.containers[0]?.resources).toEqual({
      limits: { cpu: "200m", memory: "64Mi" },
      requests: { cpu: "100m", memory: "64Mi" },
    });
    expect(body.metadata.annotations).toEqual({
      "kubernetes.io/limit-ranger":
        "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c",
    });
    expect(body.status?.qosClass).toBe("Burstable");
    await api.call(`${at("limitranges")}/bounds`, { method: "DELETE" });
    expect((await post<Pod>("pods", pod("after"))).body.spec.containers[0]?.resources).toEqual({});
  });

  it("refuses pods, resizes and claims beyond its bounds", async () => {
    await created("limitranges", { metadata: { name: "bounds" }, spec: { limits } });
    assertFailure(await post("pods", pod("large", { limits: { cpu: "2", memory: "129Mi" } })), {
      code: 403,
      reason: "Forbidden",
      message:
        'pods "large" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 128Mi, but limit is 129Mi]',
    });
    await created(
      "pods",
      pod("small", { limits: { cpu: "500m", memory: "64Mi" }, requests: { cpu: "500m", memory: "64Mi" } }),
    );
    const resize = {
      spec: { containers: [{ name: "c", resources: { limits: { cpu: "2" }, requests: { cpu: "2" } } }] },
    };
    const resized = await api.call(`${at("pods")}/small/resize`, {
      method: "PATCH",
      headers: { "content-type": "application/strategic-merge-patch+json" },
      body: resize,
    });
    assertFailure(resized, {
      code: 403,
      reason: "Forbidden",
      message: 'pods "small" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
    });
    const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "2Gi" } } };
    assertFailure(await post("persistentvolumeclaims", { metadata: { name: "data" }, spec: claim }), {
      code: 403,
      reason: "Forbidden",
      message:
        'persistentvolumeclaims "data" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi',
    });
  });

  it("names a generated pod by its prefix", async () => {
    await created("limitranges", {
      metadata: { name: "bounds" },
      spec: { limits: [{ type: "Pod", min: { cpu: "1" } }] },
    });
    const generated = { ...pod(""), metadata: { generateName: "web-" } };
    const status = assertFailure(await post("pods", generated), { code: 403, reason: "Forbidden" });
    expect(status.message).toMatch(
      /^pods "web-.*" is forbidden: minimum cpu usage per Pod is 1\. {2}No request is specified$/,
    );
  });
});
