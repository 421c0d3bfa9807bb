/**
 * Thousands of requests that are a little or completely wrong, to every kind and verb. Whatever they are: never a 5xx, never an error
 * in the log, never a changed state behind a refusal.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { kinds } from "../../src/kinds/index.ts";
import type { KindDefinition } from "../../src/registry/kind.ts";
import { createTestCluster, type TestCluster, type TestRequest } from "../harness/cluster.ts";
import { withSeed, type Dice } from "../harness/seeded.ts";

const REQUESTS = 2_000;

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
  await api.call("/api/v1/namespaces/default/serviceaccounts", {
    method: "POST",
    body: { metadata: { name: "default" } },
  });
});
afterAll(async () => {
  await api.stop();
});

it("nothing is answered with a 5xx, and no refusal leaves a trace", { timeout: 300_000 }, async () => {
  const codes = new Map<number, number>();
  await withSeed(async (dice) => {
    let known = await api.storage.revision();
    for (let round = 0; round < REQUESTS; round++) {
      const { path, init, isCollection } = randomRequest(dice);
      const code = await send(path, init);
      const revision = await api.storage.revision();
      const what = () => `${round}: ${init.method} ${path} ${JSON.stringify(init.body ?? null).slice(0, 2_000)}`;
      if (code >= 500 || api.errors.length > 0) throw new Error(`${code} for ${what()}\n${api.errors.join("\n")}`);
      // As upstream: a collection whose deletion is refused half-way has lost what went before.
      const mayBePartial = init.method === "DELETE" && isCollection;
      if (code >= 400 && revision !== known && !mayBePartial) throw new Error(`${code} wrote: ${what()}`);
      known = revision;
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
  });
  // Nonsense that is always refused in the same way would prove little.
  for (const code of [200, 201, 400, 404, 422])
    expect(codes.get(code) ?? 0, `answers with ${code}`).toBeGreaterThan(20);
});

async function send(path: string, init: TestRequest): Promise<number> {
  const response = await api.fetch(path, init);
  await response.body?.cancel();
  return response.status;
}

const NAMES = ["a", "b", "c", "default", "x.y"];
const ODD_NAMES = ["", "A", "-", "%2e%2e", "%00", "a%2Fb", "x".repeat(300), "%F0%9F%98%80", "__proto__", "constructor"];

function randomRequest(dice: Dice): { path: string; init: TestRequest; isCollection: boolean } {
  const kind = dice.pick(kinds);
  const name = dice.chance(0.9) ? dice.pick(NAMES) : dice.pick(ODD_NAMES);
  const method = dice.pick(["GET", "POST", "POST", "PUT", "PATCH", "PATCH", "DELETE"]);
  const isCollection = method === "POST" ? dice.chance(0.9) : dice.chance(0.1);
  const subresources = kind.subresources.map((subresource) => subresource.name).filter((sub) => !STREAMS.has(sub));
  const subresource = !isCollection && dice.chance(0.25) ? dice.pick([...subresources, "status", "nonsense"]) : "";
  const path = [root(dice, kind), ...(isCollection ? [] : [name]), ...(subresource === "" ? [] : [subresource])];
  const init: TestRequest = { method, headers: {} };
  if (dice.chance(0.1)) init.headers = { accept: dice.pick(ACCEPTS) };
  if (method !== "GET" && (method !== "DELETE" || dice.chance(0.3))) addBody(dice, init, { kind, name });
  return { path: `${path.join("/")}${randomQuery(dice)}`, init, isCollection: isCollection || name === "" };
}

/** They hold on until a node answers. */
const STREAMS = new Set(["exec", "attach", "log", "portforward", "proxy"]);

function root(dice: Dice, { group, version, plural, namespaced }: KindDefinition): string {
  const base = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  if (!namespaced) return `${base}/${plural}`;
  if (dice.chance(0.05)) return `${base}/${plural}`;
  return `${base}/namespaces/${dice.pick(["default", "default", "default", "nowhere"])}/${plural}`;
}

const ACCEPTS = ["text/html", "application/yaml", "application/json;as=Table;v=v1;g=meta.k8s.io", ";", "*/*;q=", ",,,"];

const OPTIONS: readonly (readonly [string, readonly string[]])[] = [
  ["dryRun", ["All", "All", "", "Some"]],
  ["fieldValidation", ["Strict", "Warn", "Ignore", "Maybe"]],
  ["fieldManager", ["me", "\u0007", "x".repeat(200)]],
  ["pretty", ["true", "x"]],
  ["limit", ["1", "-1", "x", "99999999999999999999"]],
  ["continue", ["x", "eyJ2IjoxfQ"]],
  ["resourceVersion", ["0", "1", "x", "-1", "99999999999999999999"]],
  ["resourceVersionMatch", ["Exact", "NotOlderThan", "x"]],
  ["labelSelector", ["a=b", "a in (", "!a", "a b", "=,=", "a notin (x,y)"]],
  ["fieldSelector", ["metadata.name=a", "spec.x=y", "=", "metadata.name!=a"]],
  ["gracePeriodSeconds", ["0", "-1", "x"]],
  ["propagationPolicy", ["Orphan", "Foreground", "Background", "x"]],
  ["force", ["true", "x"]],
];

function randomQuery(dice: Dice): string {
  if (dice.chance(0.6)) return "";
  const query = new URLSearchParams();
  for (let i = 0; i <= dice.roll(3); i++) {
    const [key, values] = dice.pick(OPTIONS);
    query.append(key, dice.pick(values));
  }
  return `?${query.toString()}`;
}

const PATCHES = [
  "application/merge-patch+json",
  "application/json-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];

function addBody(dice: Dice, init: TestRequest, target: { kind: KindDefinition; name: string }): void {
  const object = dice.chance(0.35) ? sample(target) : mutated(dice, sample(target), 1 + dice.roll(3));
  const isPatch = init.method === "PATCH";
  const type = isPatch ? dice.pick(PATCHES) : dice.chance(0.15) ? "application/yaml" : "application/json";
  const sent = type.startsWith("application/json-patch") ? randomOperations(dice, object) : object;
  const text = JSON.stringify(sent);
  init.headers = { ...init.headers, "content-type": dice.chance(0.03) ? "application/xml" : type };
  init.body = dice.chance(0.1) ? damaged(dice, text) : text;
}

function damaged(dice: Dice, text: string): string | Uint8Array {
  const at = dice.roll(text.length);
  if (dice.chance(0.3)) return text.slice(0, at);
  if (dice.chance(0.3))
    return text.slice(0, at) + dice.pick(['"', "{", "]", ",", "\\", "\u0000", "\u{1f600}"]) + text.slice(at);
  const bytes = new TextEncoder().encode(text);
  bytes[dice.roll(bytes.length)] = dice.roll(256);
  return bytes;
}

function randomOperations(dice: Dice, value: unknown): unknown {
  const paths = [
    "/metadata/labels",
    "/metadata/labels/a",
    "/spec",
    "/spec/containers/0/image",
    "/metadata/name",
    "",
    "/x/y",
    "a",
  ];
  return Array.from({ length: 1 + dice.roll(3) }, () => ({
    op: dice.pick(["add", "remove", "replace", "move", "copy", "test", "x"]),
    path: dice.pick(paths),
    ...(dice.chance(0.5) ? { from: dice.pick(paths) } : {}),
    ...(dice.chance(0.7) ? { value: dice.chance(0.5) ? dice.pick(ODD) : value } : {}),
  }));
}

const ODD: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e21,
  2 ** 53,
  "",
  "x",
  "x".repeat(5_000),
  "\u0000\u2028",
  [],
  [null],
  [[]],
  {},
  { a: null },
  { constructor: { prototype: 1 } },
  ["a", 1, {}],
  "2026-01-01T00:00:00Z",
  "1Gi",
  "$patch",
  { $patch: "delete" },
  { "$setElementOrder/containers": [{ name: "a" }] },
];

/** Changes something anywhere: a value, or a member that is new or gone. */
function mutated(dice: Dice, value: unknown, times: number): unknown {
  let result = value;
  for (let i = 0; i < times; i++) result = mutatedOnce(dice, result, 0);
  return result;
}

function mutatedOnce(dice: Dice, value: unknown, depth: number): unknown {
  if (Array.isArray(value) && value.length > 0 && dice.chance(0.8)) {
    const at = dice.roll(value.length);
    return value.map((item: unknown, index) => (index === at ? mutatedOnce(dice, item, depth + 1) : item));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value) || dice.chance(depth === 0 ? 0.02 : 0.1)) {
    return dice.pick(ODD);
  }
  const keys = Object.keys(value);
  if (keys.length === 0 || dice.chance(0.15))
    return { ...value, [dice.pick(["x", "name", "spec", "items"])]: dice.pick(ODD) };
  const key = dice.pick(keys);
  const members = value as Record<string, unknown>;
  if (dice.chance(0.15)) return Object.fromEntries(Object.entries(members).filter(([name]) => name !== key));
  return { ...members, [key]: mutatedOnce(dice, members[key], depth + 1) };
}

const POD_SPEC = {
  containers: [
    {
      name: "c",
      image: "i",
      ports: [{ containerPort: 80, name: "http" }],
      env: [
        { name: "A", value: "1" },
        { name: "B", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      ],
      resources: { requests: { cpu: "100m" }, limits: { memory: "1Gi" } },
      livenessProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 5 },
      volumeMounts: [{ name: "v", mountPath: "/v" }],
    },
  ],
  volumes: [{ name: "v", emptyDir: {} }],
  tolerations: [{ key: "k", operator: "Exists" }],
  nodeSelector: { a: "b" },
};

const SPECS: Readonly<Record<string, object>> = {
  Pod: { spec: POD_SPEC, status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } },
  Deployment: {
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "a" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%" } },
      template: { metadata: { labels: { app: "a" } }, spec: POD_SPEC },
    },
  },
  ReplicaSet: {
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: "a" } },
      template: { metadata: { labels: { app: "a" } }, spec: POD_SPEC },
    },
  },
  Service: { spec: { type: "NodePort", selector: { app: "a" }, ports: [{ name: "p", port: 80, targetPort: "http" }] } },
  ConfigMap: { data: { a: "1" }, binaryData: { b: "AAAA" } },
  Secret: { type: "Opaque", data: { a: "AAAA" }, stringData: { b: "x" } },
  Node: {
    spec: { podCIDR: "10.0.0.0/24", taints: [{ key: "k", effect: "NoSchedule" }] },
    status: { capacity: { cpu: "1" } },
  },
  Namespace: { spec: { finalizers: ["kubernetes"] } },
  Lease: { spec: { holderIdentity: "a", leaseDurationSeconds: 15, renewTime: "2026-01-01T00:00:00.000000Z" } },
  Event: {
    involvedObject: { kind: "Pod", name: "a", namespace: "default" },
    reason: "R",
    message: "m",
    type: "Normal",
  },
  EndpointSlice: {
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.0.0.1"] }],
    ports: [{ port: 80, protocol: "TCP" }],
  },
};

function sample({ kind: { group, version, kind }, name }: { kind: KindDefinition; name: string }): unknown {
  return {
    apiVersion: group === "" ? version : `${group}/${version}`,
    kind,
    metadata: { name, labels: { a: "1" }, annotations: { n: "v" }, ownerReferences: [] },
    ...SPECS[kind],
  };
}
