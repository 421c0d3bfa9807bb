/**
 * Who may write a status, or another part of an object, writes that and nothing else: of every kind with such a part, by every kind of
 * write, whatever else the body carries. A controller's right on `…/status` would else be one on everything.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kinds } from "../../src/kinds/index.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { KindDefinition } from "../../src/registry/kind.ts";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { grantRules, make } from "../harness/grants.ts";
import { manifests } from "../manifests/index.ts";
import { statuses } from "../manifests/statuses.ts";

const THIEF = { "Impersonate-User": "thief" };
const FINALIZER = "attacks.test/stays";
const MERGE = "application/merge-patch+json";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster({ config: { plugins: { enable: [], disable: ["DenyServiceExternalIPs"] } } });
  await make(api, "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  await make(api, "/api/v1/namespaces/kube-system/serviceaccounts", { metadata: { name: "default" } });
  const parts = [
    "*/status",
    "pods/ephemeralcontainers",
    "pods/resize",
    "certificatesigningrequests/approval",
    "*/scale",
  ];
  await grantRules(api, {
    user: "thief",
    rules: [
      { verbs: ["get", "update", "patch"], apiGroups: ["*"], resources: parts },
      { verbs: ["approve"], apiGroups: ["certificates.k8s.io"], resources: ["signers"] },
    ],
  });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

interface Victim {
  kind: KindDefinition;
  collection: string;
  object: KubeObject;
  status: object;
}

/** One of each kind whose status is written by a path of its own. */
const victims: Victim[] = [
  ...new Map(manifests.flatMap((one) => victimOf(one.object)).map((one) => [one.kind, one])).values(),
];

function victimOf(object: (typeof manifests)[number]["object"]): Victim[] {
  const kind = kinds.find(
    ({ group, version, kind: name }) =>
      name === object.kind && (group === "" ? version : `${group}/${version}`) === object.apiVersion,
  );
  const has = kind?.subresources.some(({ name, verbs }) => name === "status" && verbs.includes("update"));
  if (!kind || !has) return [];
  const base = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const scope = kind.namespaced ? `/namespaces/${object.metadata.namespace ?? "default"}` : "";
  const status = statuses[`${kind.group}/${kind.plural}`] ?? {};
  return [{ kind, collection: `${base}${scope}/${kind.plural}`, object, status }];
}

/** What of it no status is: what must stay as it is. */
function restOf(object: KubeObject): object {
  const { status: _status, metadata, ...rest } = object;
  const { resourceVersion: _revision, managedFields: _managed, annotations: _annotations, ...meta } = metadata;
  return { ...rest, metadata: meta };
}

/** The same with every value another one. */
function twisted(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(1).map(twisted);
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  if (typeof value === "string") return `${value}x`;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, twisted(one)]));
}

const gone = {
  apiVersion: "v1",
  kind: "ConfigMap",
  name: "gone",
  uid: "gone",
  controller: true,
  blockOwnerDeletion: true,
};
const META = {
  labels: { stolen: "yes" },
  finalizers: [] as string[],
  ownerReferences: [gone],
  deletionTimestamp: "2020-01-01T00:00:00Z",
  deletionGracePeriodSeconds: 0,
  creationTimestamp: "2020-01-01T00:00:00Z",
  generation: 99,
  generateName: "x",
  selfLink: "/x",
};

function attacks(found: KubeObject, status: object): [string, string, object][] {
  const { status: _status, metadata, kind, apiVersion, ...rest } = found;
  const { managedFields: _managed, resourceVersion: _revision, ...meta } = metadata;
  const strange = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, twisted(value)]));
  const whole = { kind, apiVersion, metadata: meta, ...rest, status };
  const { name, namespace } = meta;
  return [
    ["PUT", "", { ...whole, ...strange }],
    ["PUT", "", { kind, apiVersion, metadata: meta, status }],
    ["PUT", "", { ...whole, metadata: { ...meta, ...META } }],
    ["PUT", "", { ...whole, metadata: { name, namespace } }],
    ["PATCH", MERGE, { ...strange, status }],
    ["PATCH", MERGE, { spec: null, data: null, rules: null, status }],
    ["PATCH", MERGE, { metadata: META, status }],
    ["PATCH", MERGE, { metadata: { finalizers: null, labels: null, ownerReferences: null }, status }],
    [
      "PATCH",
      "application/strategic-merge-patch+json",
      { metadata: { labels: { stolen: "yes" } }, ...strange, status },
    ],
    [
      "PATCH",
      "application/strategic-merge-patch+json",
      { $patch: "replace", kind, apiVersion, metadata: meta, status },
    ],
    [
      "PATCH",
      "application/strategic-merge-patch+json",
      { metadata: { $patch: "delete", "$deleteFromPrimitiveList/finalizers": [FINALIZER] }, status },
    ],
    ["PATCH", "application/json-patch+json", [{ op: "remove", path: "/metadata/finalizers" }]],
    ["PATCH", "application/json-patch+json", [{ op: "add", path: "/metadata/labels", value: META.labels }]],
    ["PATCH", "application/json-patch+json", [{ op: "replace", path: "", value: { ...whole, ...strange } }]],
    [
      "PATCH",
      "application/apply-patch+yaml",
      { kind, apiVersion, metadata: { name, namespace, labels: META.labels, ownerReferences: [gone] }, status },
    ],
    ["PATCH", "application/apply-patch+yaml", { kind, apiVersion, metadata: { name, namespace }, ...strange, status }],
  ];
}

const send = (path: string, [method, type, body]: [string, string, object]) =>
  api.call(type.includes("apply") ? `${path}?fieldManager=thief&force=true` : path, {
    method,
    body,
    headers: { ...THIEF, ...(type === "" ? {} : { "content-type": type }) },
  });

describe("a status", () => {
  it("is a part of many kinds", () => {
    expect(victims.length).toBeGreaterThan(20);
  });

  it.each(victims.map((one) => [`${one.kind.group}/${one.kind.plural}`, one] as const))(
    "of %s carries nothing else",
    async (_name, { collection, object, status }) => {
      const metadata = {
        ...object.metadata,
        finalizers: [FINALIZER],
        labels: { ...object.metadata.labels, own: "yes" },
      };
      const made = await api.call(collection, { method: "POST", body: { ...object, metadata } });
      expect(made.status, made.text).toBe(201);
      const path = `${collection}/${made.body.metadata.name}`;
      const before = await api.call(path);
      let taken = 0;
      for (const attack of attacks(before.body, status)) {
        const answer = await send(`${path}/status`, attack);
        if (answer.status === 200) taken += 1;
        else expect([400, 403, 409, 415, 422], answer.text).toContain(answer.status);
        const after = await api.call(path);
        expect(restOf(after.body), JSON.stringify(attack)).toEqual(restOf(before.body));
      }
      expect(taken, "writes that were taken").toBeGreaterThan(1);
      // The object itself is not theirs to write.
      expect((await send(path, ["PATCH", MERGE, { metadata: { labels: META.labels } }])).status).toBe(403);
      // Nor does it end by its status, once somebody waits for it.
      await api.call(path, { method: "DELETE" });
      const ending = await api.call(path);
      expect(ending.body.metadata.deletionTimestamp, ending.text).toBeDefined();
      await send(`${path}/status`, ["PATCH", MERGE, { metadata: { finalizers: null }, status }]);
      await send(`${path}/status`, ["PATCH", MERGE, { metadata: { deletionTimestamp: null }, status }]);
      expect(restOf((await api.call(path)).body)).toEqual(restOf(ending.body));
      await api.call(path, {
        method: "PATCH",
        headers: { "content-type": MERGE },
        body: { metadata: { finalizers: null } },
      });
    },
  );
});

/** What of a pod neither of these parts is. */
function essenceOf(pod: KubeObject & { spec: { containers: object[] } }): object {
  const {
    ephemeralContainers: _ephemeral,
    containers,
    ...spec
  } = pod.spec as Record<string, unknown> & {
    containers: Record<string, unknown>[];
  };
  const plain = containers.map(({ resources: _resources, ...rest }) => rest);
  const { generation: _generation, ...metadata } = (restOf(pod) as KubeObject).metadata;
  return { metadata, spec: { ...spec, containers: plain }, phase: (pod["status"] as { phase?: string }).phase };
}

function deepMerged(a: object, b: object): object {
  const merged: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const had = merged[key];
    const both = isMap(had) && isMap(value);
    merged[key] = both ? deepMerged(had, value) : value;
  }
  return merged;
}

function isMap(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

describe("a part of a pod", () => {
  const PODS = "/api/v1/namespaces/default/pods";
  const container = { name: "a", image: "i", resources: { requests: { cpu: "1" }, limits: { cpu: "1" } } };
  const debug = { name: "debug", image: "i", targetContainerName: "a" };
  const secret = { name: "s", secret: { secretName: "keys" } };

  const SMUGGLED: [string, object][] = [
    ["its image", { spec: { containers: [{ ...container, image: "evil" }] } }],
    ["a Secret", { spec: { containers: [container], volumes: [secret] } }],
    ["its account", { spec: { containers: [container], serviceAccountName: "admin" } }],
    ["its node", { spec: { containers: [container], nodeName: "n1" } }],
    ["the host's network", { spec: { containers: [container], hostNetwork: true } }],
    ["more rights", { spec: { containers: [{ ...container, securityContext: { privileged: true } }] } }],
    ["another container", { spec: { containers: [container, { name: "b", image: "evil" }] } }],
    ["what it runs", { spec: { containers: [{ ...container, command: ["evil"] }] } }],
    ["labels", { metadata: { labels: { stolen: "yes" } } }],
    ["owners", { metadata: { ownerReferences: [gone] } }],
    ["finalizers", { metadata: { finalizers: null } }],
    ["a status", { status: { phase: "Failed" } }],
  ];

  const PARTS: [string, object][] = [
    ["ephemeralcontainers", { spec: { ephemeralContainers: [debug] } }],
    [
      "resize",
      { spec: { containers: [{ ...container, resources: { requests: { cpu: "2" }, limits: { cpu: "2" } } }] } },
    ],
  ];
  const cases = PARTS.flatMap(([part, own]) => SMUGGLED.map(([name, body]) => [part, name, own, body] as const));

  it.each(cases)("%s carries not %s", async (part, name, own, body) => {
    const podName = `${part}-${name}`.toLowerCase().replaceAll(/[^a-z]+/g, "-");
    const path = `${PODS}/${podName}`;
    await make(api, PODS, {
      metadata: { name: podName, finalizers: [FINALIZER], labels: { own: "yes" } },
      spec: { containers: [container] },
    });
    const before = await api.call<KubeObject & { spec: { containers: object[] } }>(path);
    const both = deepMerged(own, body);
    for (const [type, sent] of [
      [MERGE, body],
      [MERGE, both],
      ["application/strategic-merge-patch+json", both],
    ] as const) {
      const answer = await send(`${path}/${part}`, ["PATCH", type, sent]);
      expect([200, 400, 403, 422], answer.text).toContain(answer.status);
    }
    const after = await api.call<typeof before.body>(path);
    expect(essenceOf(after.body)).toEqual(essenceOf(before.body));
  });

  it.each(PARTS)("%s is one that can be written", async (part, own) => {
    const path = `${PODS}/written-${part}`;
    await make(api, PODS, { metadata: { name: `written-${part}` }, spec: { containers: [container] } });
    const answer = await send(`${path}/${part}`, ["PATCH", "application/strategic-merge-patch+json", own]);
    expect(answer.status, answer.text).toBe(200);
    expect(JSON.stringify((await api.call(path)).body)).toMatch(part === "resize" ? /"cpu":"2"/ : /"debug"/);
  });
});

describe("the approval of a request", () => {
  const REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

  it("changes neither who asks nor for what, and a status no approval", async () => {
    const { object } = manifests.find((one) => one.object.kind === "CertificateSigningRequest") ?? {
      object: undefined,
    };
    if (!object) throw new Error("no example");
    const made = await api.call(REQUESTS, { method: "POST", body: object });
    expect(made.status, made.text).toBe(201);
    const path = `${REQUESTS}/${made.body.metadata.name}`;
    const before = await api.call(path);
    const approved = { conditions: [{ type: "Approved", status: "True", reason: "x", message: "x" }] };
    const spec = { username: "admin", groups: ["system:masters"], signerName: "kubernetes.io/kube-apiserver-client" };
    for (const part of ["approval", "status"]) {
      await send(`${path}/${part}`, ["PATCH", MERGE, { spec, metadata: { labels: META.labels }, status: approved }]);
      const after = await api.call(path);
      expect(restOf(after.body), part).toEqual(restOf(before.body));
      if (part === "status") continue;
      await api.call(`${path}/approval`, {
        method: "PATCH",
        headers: { "content-type": MERGE },
        body: { status: { conditions: null } },
      });
    }
    const second = { ...object, metadata: { name: "second" } };
    await make(api, REQUESTS, second);
    await send(`${REQUESTS}/second/status`, ["PATCH", MERGE, { status: approved }]);
    const { body } = await api.call<{ status?: { conditions?: { type: string }[] } }>(`${REQUESTS}/second`);
    expect(body.status?.conditions ?? []).toEqual([]);
  });
});
