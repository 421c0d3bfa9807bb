/** What stock clients expect of writes. The numbers are those of the list of expectations that the project is checked against. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KUBECTL_BODIES } from "../../src/encoding/kubectl-bodies.fixture.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

interface Deployment extends KubeObject {
  spec: { replicas?: number; template: { spec: { hostNetwork?: boolean; containers: object[] } } };
}
interface Pod extends KubeObject {
  spec: { terminationGracePeriodSeconds?: number; containers: object[]; activeDeadlineSeconds?: number };
  status?: { observedGeneration?: number };
}
interface Service extends KubeObject {
  spec: {
    type?: string;
    clusterIP?: string;
    clusterIPs?: string[];
    ports?: { nodePort?: number }[];
    externalName?: string;
  };
}

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
  await create(`${CORE}/serviceaccounts`, { metadata: { name: "default" } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const CORE = "/api/v1/namespaces/default";
const MAPS = `${CORE}/configmaps`;
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const MERGE = { "content-type": "application/merge-patch+json" };

async function create<T = KubeObject>(path: string, body: object): Promise<T> {
  const answer = await api.call<T>(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

const put = <T = KubeObject>(path: string, body: object) => api.call<T>(path, { method: "PUT", body });
const patch = <T = KubeObject>(path: string, body: object, headers = MERGE) =>
  api.call<T>(path, { method: "PATCH", body, headers });

function deployment(name: string, spec: object = {}, podSpec: object = {}): object {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "c", image: "i" }], ...podSpec },
      },
      ...spec,
    },
  };
}

const pod = (name: string, more: object = {}): object => ({
  metadata: { name, ...more },
  spec: { serviceAccountName: "default", containers: [{ name: "c", image: "i" }] },
});

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

describe("1: kubectl's protobuf bodies", () => {
  it.each([
    ["createConfigmap", MAPS, "ConfigMap"],
    ["createDeployment", DEPLOYMENTS, "Deployment"],
    ["createNamespace", "/api/v1/namespaces", "Namespace"],
    ["createSecretGeneric", `${CORE}/secrets`, "Secret"],
    ["createServiceClusterip", `${CORE}/services`, "Service"],
    ["createToken", `${CORE}/serviceaccounts/default/token`, "TokenRequest"],
    ["authReview", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "SelfSubjectAccessReview"],
  ] as const)("%s is answered in JSON", async (name, path, kind) => {
    const answer = await api.call(path, {
      method: "POST",
      body: bytes(KUBECTL_BODIES[name]),
      headers: {
        "content-type": "application/vnd.kubernetes.protobuf",
        accept: "application/vnd.kubernetes.protobuf,application/json",
      },
    });
    expect(answer).toMatchObject({ status: 201, body: { kind } });
    expect(answer.headers.get("content-type")).toBe("application/json");
  });
});

describe("3–5: revisions and names", () => {
  it("3: a PUT with a stale revision is a conflict with the text that clients look for", async () => {
    const made = await create<Deployment>(DEPLOYMENTS, deployment("stale"));
    await put(`${DEPLOYMENTS}/stale`, { ...made, spec: { ...made.spec, replicas: 2 } });
    const answer = await put(`${DEPLOYMENTS}/stale`, { ...made, spec: { ...made.spec, replicas: 3 } });
    const status = assertFailure(answer, {
      code: 409,
      reason: "Conflict",
      message:
        'Operation cannot be fulfilled on deployments.apps "stale": the object has been modified; please apply your changes to the latest version and try again',
    });
    expect(status.details).toEqual({ name: "stale", group: "apps", kind: "deployments" });
  });

  it("4: a PUT without a revision overwrites a built-in, and is refused where the kind says so", async () => {
    await create(DEPLOYMENTS, deployment("bold"));
    expect((await put(`${DEPLOYMENTS}/bold`, deployment("bold", { replicas: 2 }))).status).toBe(200);
    await create(LEASES, { metadata: { name: "l" }, spec: { holderIdentity: "a" } });
    const answer = await put(`${LEASES}/l`, { metadata: { name: "l" }, spec: { holderIdentity: "b" } });
    assertFailure(answer, {
      code: 422,
      reason: "Invalid",
      message:
        'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    });
    expect((await patch(`${LEASES}/l`, { spec: { holderIdentity: "b" } })).status).toBe(200);
  });

  it("5: a POST of a name that is taken", async () => {
    await create(DEPLOYMENTS, deployment("taken"));
    const answer = await api.call(DEPLOYMENTS, { method: "POST", body: deployment("taken") });
    const status = assertFailure(answer, {
      code: 409,
      reason: "AlreadyExists",
      message: 'deployments.apps "taken" already exists',
    });
    expect(status.details).toEqual({ name: "taken", group: "apps", kind: "deployments" });
  });
});

describe("16–18: validation", () => {
  it("16: a review as a Table alone is not acceptable", async () => {
    const answer = await api.call("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
      method: "POST",
      body: { spec: { nonResourceAttributes: { path: "/", verb: "get" } } },
      headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
    });
    assertFailure(answer, {
      code: 406,
      reason: "NotAcceptable",
      message:
        "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf",
    });
  });

  it("17: unknown fields warn, and are refused when strict", async () => {
    const body = JSON.stringify(deployment("fields")).replace('"spec":{', '"spec":{"foo":1,"replicas":1,"replicas":2,');
    const warned = await api.call<Deployment>(`${DEPLOYMENTS}?fieldValidation=Warn`, { method: "POST", body });
    expect([warned.status, warned.body.spec.replicas]).toEqual([201, 2]);
    expect(warned.headers.get("warning")).toBe(
      '299 - "unknown field \\"spec.foo\\"", 299 - "duplicate field \\"spec.replicas\\""',
    );
    const strict = await api.call(`${DEPLOYMENTS}?fieldValidation=Strict`, { method: "POST", body });
    assertFailure(strict, {
      code: 400,
      reason: "BadRequest",
      message:
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.foo", duplicate field "spec.replicas"',
    });
  });

  it("18: everything that is invalid is told at once, joined in the message and one by one in the causes", async () => {
    const answer = await api.call(DEPLOYMENTS, {
      method: "POST",
      body: deployment("Wrong", { replicas: -1 }, { restartPolicy: "Sometimes", containers: [{ name: "c" }] }),
    });
    const { details, message } = assertFailure(answer, { code: 422, reason: "Invalid" });
    const causes = details?.causes ?? [];
    expect(causes.map(({ field }) => field)).toEqual(
      expect.arrayContaining(["metadata.name", "spec.replicas", "spec.template.spec.containers[0].image"]),
    );
    expect(new Set(causes.map(({ reason }) => reason))).toEqual(
      new Set(["FieldValueInvalid", "FieldValueRequired", "FieldValueNotSupported"]),
    );
    const texts = [...new Set(causes.map(({ field, message: why }) => `${field}: ${why}`))];
    expect(message).toBe(`Deployment.apps "Wrong" is invalid: [${texts.join(", ")}]`);
    expect(details).toMatchObject({ name: "Wrong", group: "apps", kind: "Deployment" });
  });
});

describe("20: what is meaning and what is noise", () => {
  it("keeps zeros behind pointers, drops plain ones, takes null for nothing and shortens quantities", async () => {
    const resources = { requests: { cpu: "1000m", memory: "1024Mi" } };
    const containers = [{ name: "c", image: "i", resources }];
    const zero = await create<Deployment>(
      DEPLOYMENTS,
      deployment("zero", { replicas: 0 }, { hostNetwork: false, containers }),
    );
    expect(zero.spec.replicas).toBe(0);
    expect(zero.spec.template.spec).not.toHaveProperty("hostNetwork");
    expect(zero.spec.template.spec.containers).toMatchObject([
      { resources: { requests: { cpu: "1", memory: "1Gi" } } },
    ]);
    const nothing = await create<Deployment>(DEPLOYMENTS, deployment("nothing", { replicas: null }));
    expect(nothing.spec.replicas).toBe(1);
  });
});

describe("21: namespaces", () => {
  it("that are not there, and that are going", async () => {
    const body = { metadata: { name: "x" } };
    assertFailure(await api.call("/api/v1/namespaces/nowhere/configmaps", { method: "POST", body }), {
      code: 404,
      reason: "NotFound",
      message: 'namespaces "nowhere" not found',
    });
    await create("/api/v1/namespaces", { metadata: { name: "going" } });
    await api.call("/api/v1/namespaces/going", { method: "DELETE" });
    const late = assertFailure(await api.call("/api/v1/namespaces/going/configmaps", { method: "POST", body }), {
      code: 403,
      reason: "Forbidden",
      message:
        'configmaps "x" is forbidden: unable to create new content in namespace going because it is being terminated',
    });
    expect(late.details?.causes).toEqual([
      { reason: "NamespaceTerminating", message: "namespace going is being terminated", field: "metadata.namespace" },
    ]);
  });
});

describe("22: eviction", () => {
  it("of a pod that no budget protects", async () => {
    await create(`${CORE}/pods`, pod("evicted"));
    const answer = await api.call<{ status: string }>(`${CORE}/pods/evicted/eviction`, {
      method: "POST",
      body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "evicted", namespace: "default" } },
    });
    expect([answer.status, answer.body.status]).toEqual([201, "Success"]);
    expect((await api.call(`${CORE}/pods/evicted`)).status).toBe(404);
  });
});

const generated = (generateName: string, more: object = {}) =>
  api.call(MAPS, { method: "POST", body: { metadata: { generateName, ...more } } });

describe("26: generateName", () => {
  it("makes another name each time, and never more than 63 characters of it", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => generated("gen-")));
    expect(new Set(answers.map(({ body }) => body.metadata.name)).size).toBe(20);
    const long = await generated("x".repeat(63));
    expect(long.body.metadata.name).toMatch(/^x{58}[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect((await generated("both-", { name: "named" })).body.metadata).toMatchObject({
      name: "named",
      generateName: "both-",
    });
  });

  it("is checked like a name", async () => {
    for (const prefix of ["Upper-", "under_", "-first"]) {
      assertFailure(await generated(prefix), { code: 422, reason: "Invalid", message: /metadata\.generateName/ });
    }
  });

  it("gives up after eight names that are taken", async () => {
    let drawn = 0;
    const random = { ...api.cluster.platform.random, fraction: () => ((drawn += 1), 0) };
    const unlucky = await createTestCluster({ platform: { random } });
    const post = () => unlucky.call(MAPS, { method: "POST", body: { metadata: { generateName: "g-" } } });
    expect((await post()).body.metadata.name).toBe("g-bbbbb");
    drawn = 0;
    const answer = await post();
    const status = assertFailure(answer, {
      code: 409,
      reason: "AlreadyExists",
      message: 'configmaps "g-bbbbb" already exists, the server was not able to generate a unique name for the object',
    });
    expect(status.details).toMatchObject({ name: "g-bbbbb", kind: "configmaps", retryAfterSeconds: 1 });
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(drawn).toBe(8 * 5);
    await unlucky.stop();
  });
});

describe("28: the generation of pods", () => {
  it("starts at 1, rises with the spec and not with the status, and is never the client's", async () => {
    const made = await create<Pod>(`${CORE}/pods`, pod("aging", { generation: 7 }));
    expect(made.metadata.generation).toBe(1);
    const labelled = await patch<Pod>(`${CORE}/pods/aging`, { metadata: { labels: { a: "b" }, generation: 9 } });
    expect(labelled.body.metadata.generation).toBe(1);
    const changed = await patch<Pod>(`${CORE}/pods/aging`, { spec: { activeDeadlineSeconds: 60 } });
    expect([changed.status, changed.body.metadata.generation]).toEqual([200, 2]);
    const reported = await patch<Pod>(`${CORE}/pods/aging/status`, { status: { observedGeneration: 2 } });
    expect([reported.body.metadata.generation, reported.body.status?.observedGeneration]).toEqual([2, 2]);
  });
});

describe("33: Services change their type", () => {
  it("between ClusterIP, NodePort and ExternalName, and give back what they had", async () => {
    const made = await create<Service>(`${CORE}/services`, {
      metadata: { name: "changing" },
      spec: { selector: { a: "b" }, ports: [{ port: 80 }] },
    });
    const address = made.spec.clusterIP ?? "";
    expect(address).toMatch(/^10\.(?:9[6-9]|10[0-9]|11[01])\./);
    const node = await patch<Service>(`${CORE}/services/changing`, { spec: { type: "NodePort" } });
    expect(node.body.spec.clusterIP).toBe(address);
    expect(node.body.spec.ports?.[0]?.nodePort).toBeGreaterThanOrEqual(30_000);
    const inner = await patch<Service>(`${CORE}/services/changing`, { spec: { type: "ClusterIP" } });
    expect(inner.body.spec.ports?.[0]).not.toHaveProperty("nodePort");
    const outer = await patch<Service>(`${CORE}/services/changing`, {
      spec: { type: "ExternalName", externalName: "example.com", clusterIP: null, clusterIPs: null },
    });
    expect(outer.status, outer.text).toBe(200);
    expect(outer.body.spec).not.toHaveProperty("clusterIP");
    const next = await create<Service>(`${CORE}/services`, {
      metadata: { name: "next" },
      spec: { clusterIP: address, ports: [{ port: 80 }] },
    });
    expect(next.spec.clusterIP).toBe(address);
    const back = await patch<Service>(`${CORE}/services/changing`, { spec: { type: "ClusterIP", externalName: null } });
    expect(back.status, back.text).toBe(200);
    expect(back.body.spec.clusterIP).toMatch(/^10\.(?:9[6-9]|10[0-9]|11[01])\./);
    expect(back.body.spec.clusterIP).not.toBe(address);
  });
});
