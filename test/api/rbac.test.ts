/** Roles and bindings as they are stored decide, from the moment they are written: also where others write them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, type TestCluster, type TestRequest } from "../harness/cluster.ts";
import { testRuntime } from "../harness/test-runtime.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const MAPS = "/api/v1/namespaces/default/configmaps";
const BINDINGS = `${RBAC}/namespaces/default/rolebindings`;

let api: TestCluster;
/** Another process over the same database, which hears of nothing. */
let other: TestCluster;
let close: () => Promise<void>;

async function made<T = KubeObject>(path: string, body: object): Promise<T> {
  const answer = await api.call<T>(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

async function account(name: string): Promise<string> {
  const path = "/api/v1/namespaces/default/serviceaccounts";
  await made(path, { metadata: { name } });
  return (await made<{ status: { token: string } }>(`${path}/${name}/token`, {})).status.token;
}

function binding(name: string, role: string, subject = name): object {
  return {
    metadata: { name },
    subjects: [{ kind: "ServiceAccount", name: subject, namespace: "default" }],
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
  };
}

beforeAll(async () => {
  const opened = await testRuntime.openDatabase();
  close = () => opened.close();
  api = await createTestCluster({ database: opened.database, cachesReads: false });
  other = await createTestCluster({ database: opened.database, cachesReads: false });
});
afterAll(async () => {
  expect([...api.errors, ...other.errors]).toEqual([]);
  await other.stop();
  await api.stop();
  await close();
});

const map = (name: string) => ({ metadata: { name }, data: { a: "1" } });

const MERGE = { "content-type": "application/merge-patch+json" };
const post = (body: object) => (): TestRequest => ({ method: "POST", body });

/** One of each way to read and to write, with what it must answer where it is allowed. Each write would change something each time. */
const WAYS: readonly [name: string, path: string, request: () => TestRequest, ok: number][] = [
  ["get", `${MAPS}/there`, () => ({}), 200],
  ["get of what is missing", `${MAPS}/none`, () => ({}), 404],
  ["list", MAPS, () => ({}), 200],
  ["a watch from the state", `${MAPS}?watch=true&timeoutSeconds=1`, () => ({}), 200],
  ["a watch from a revision", `${MAPS}?watch=true&timeoutSeconds=1&resourceVersion=2`, () => ({}), 200],
  ["create", MAPS, post({ metadata: { generateName: "new-", labels: { some: "more" } } }), 201],
  ["a dry run", `${MAPS}?dryRun=All`, post(map("dry")), 201],
  ["create of what is there", MAPS, post(map("there")), 409],
  [
    "patch",
    `${MAPS}/there`,
    () => ({ method: "PATCH", body: { data: { b: crypto.randomUUID() } }, headers: MERGE }),
    200,
  ],
  ["delete", `${MAPS}/there?dryRun=All`, () => ({ method: "DELETE" }), 200],
  ["deletecollection", `${MAPS}?labelSelector=some`, () => ({ method: "DELETE" }), 200],
];

describe("a right that is given or taken elsewhere counts at once for", () => {
  beforeAll(() => made(MAPS, map("there")));
  it.each(WAYS)("%s", async (name, path, request, ok) => {
    const who = `way-${name.replaceAll(" ", "-")}`;
    const token = await account(who);
    const call = async () => (await other.call(path, { ...request(), token })).status;
    expect(await call()).toBe(403);
    await made(BINDINGS, binding(who, "edit"));
    expect(await call()).toBe(ok);
    if (name === "deletecollection") await made(MAPS, { metadata: { name: "left", labels: { some: "more" } } });
    const before = await other.storage.revision();
    await api.call(`${BINDINGS}/${who}`, { method: "DELETE" });
    expect(await call()).toBe(403);
    expect(await call()).toBe(403);
    expect(await other.storage.revision(), "nothing else was written").toBe(before + 1);
  });

  it("the answer to a review", async () => {
    const spec = { user: "ann", resourceAttributes: { verb: "list", resource: "pods", namespace: "default" } };
    const review = async () =>
      (
        await other.call<{ status: object }>("/apis/authorization.k8s.io/v1/subjectaccessreviews", {
          method: "POST",
          body: { spec },
        })
      ).body.status;
    expect(await review()).toEqual({ allowed: false });
    const subjects = [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "ann" }];
    await made(BINDINGS, { ...binding("ann", "view"), subjects });
    const reason = 'RBAC: allowed by RoleBinding "ann/default" of ClusterRole "view" to User "ann"';
    expect(await review()).toEqual({ allowed: true, reason });
    await api.call(`${BINDINGS}/ann`, { method: "DELETE" });
    expect(await review()).toEqual({ allowed: false });
  });
});

describe("roles", () => {
  it("are given by name and by subresource, in a namespace or in all", async () => {
    const token = await account("narrow");
    await made(`${RBAC}/namespaces/default/roles`, {
      metadata: { name: "narrow" },
      rules: [
        { verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["configmaps"], resourceNames: ["there"] },
        { verbs: ["get"], apiGroups: ["apps"], resources: ["*/scale"] },
      ],
    });
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "narrow" };
    await made(BINDINGS, { ...binding("narrow", ""), roleRef });
    const status = async (path: string) => (await api.call(path, { token })).status;
    expect(await status(`${MAPS}/there`)).toBe(200);
    expect(await status(`${MAPS}/none`)).toBe(403);
    expect(await status(MAPS)).toBe(403);
    expect(await status(`${MAPS}?fieldSelector=metadata.name%3Dthere`)).toBe(200);
    expect(await status(`${MAPS}?fieldSelector=metadata.name%3Dthere&watch=true&timeoutSeconds=1`)).toBe(200);
    expect(await status(`${MAPS}?fieldSelector=metadata.name%3Dother`)).toBe(403);
    expect(await status("/apis/apps/v1/namespaces/default/deployments/none/scale")).toBe(404);
    expect(await status("/apis/apps/v1/namespaces/default/deployments/none")).toBe(403);
    expect(await status("/api/v1/namespaces/kube-system/configmaps/there")).toBe(403);
  });

  it("that are missing are named in the refusal", async () => {
    const token = await account("lost");
    await made(BINDINGS, binding("lost", "gone"));
    assertFailure(await api.call(`${MAPS}/there`, { token }), {
      code: 403,
      reason: "Forbidden",
      message:
        'configmaps "there" is forbidden: User "system:serviceaccount:default:lost" cannot get resource "configmaps" in API group "" in the namespace "default": RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
    });
  });

  it("of paths open what is no resource", async () => {
    const token = await account("scraper");
    assertFailure(await api.call("/metrics", { token }), {
      code: 403,
      reason: "Forbidden",
      message: 'forbidden: User "system:serviceaccount:default:scraper" cannot get path "/metrics"',
    });
    await made(`${RBAC}/clusterrolebindings`, binding("scraper", "system:monitoring"));
    expect((await api.call("/metrics", { token })).status).toBe(200);
  });

  it("are told as a list of rules", async () => {
    const token = await account("lister");
    await made(BINDINGS, binding("lister", "view"));
    const body = { spec: { namespace: "default" } };
    const path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    const { status } = (
      await api.call<{ status: { resourceRules: object[]; nonResourceRules: object[]; incomplete: boolean } }>(path, {
        method: "POST",
        body,
        token,
      })
    ).body;
    expect(status.incomplete).toBe(false);
    expect(status.resourceRules).toContainEqual({
      verbs: ["get", "list", "watch"],
      apiGroups: [""],
      resources: ["namespaces"],
    });
    expect(status.nonResourceRules.length).toBeGreaterThan(1);
  });
});

describe("access reviews", () => {
  const GROUP = "/apis/authorization.k8s.io/v1";
  const ask = (spec: object, path = `${GROUP}/subjectaccessreviews`, more: object = {}) =>
    api.call<{ status: object; spec: object }>(path, { method: "POST", body: { ...more, spec } });
  const pods = { verb: "list", resource: "pods" };
  const node = { user: "system:node:n1", groups: ["system:nodes"] };

  it.each<[object, object]>([
    [{ user: "x", groups: ["system:masters"], resourceAttributes: pods }, { allowed: true }],
    [
      { user: "x", groups: ["system:monitoring"], nonResourceAttributes: { verb: "get", path: "/metrics" } },
      {
        allowed: true,
        reason:
          'RBAC: allowed by ClusterRoleBinding "system:monitoring" of ClusterRole "system:monitoring" to Group "system:monitoring"',
      },
    ],
    [{ user: "x", nonResourceAttributes: { verb: "get", path: "/metrics" } }, { allowed: false }],
    [
      { ...node, resourceAttributes: { ...pods, fieldSelector: { rawSelector: "spec.nodeName=n1" } } },
      { allowed: true },
    ],
    [
      {
        ...node,
        resourceAttributes: {
          ...pods,
          fieldSelector: { requirements: [{ key: "spec.nodeName", operator: "In", values: ["n1"] }] },
        },
      },
      { allowed: true },
    ],
    [
      {
        user: "x",
        resourceAttributes: { ...pods, labelSelector: { rawSelector: "a in (" }, fieldSelector: { rawSelector: "a" } },
      },
      {
        allowed: false,
        evaluationError:
          "spec.resourceAttributes.fieldSelector ignored due to parse error; spec.resourceAttributes.labelSelector ignored due to parse error",
      },
    ],
    [
      {
        user: "x",
        resourceAttributes: {
          ...pods,
          fieldSelector: {
            requirements: [
              { key: "a", operator: "Exists" },
              { key: "b", operator: "NotIn", values: ["1"] },
            ],
          },
        },
      },
      { allowed: false, evaluationError: "spec.resourceAttributes.fieldSelector partially ignored due to parse error" },
    ],
  ])("of %j answer %j", async (spec, status) => {
    const answer = await ask(spec);
    expect(answer.body.status).toEqual(status);
    expect(answer.body.spec).toEqual(spec);
  });

  it.each<[object, string, object?]>([
    [
      { user: "x" },
      "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
    ],
    [{ resourceAttributes: pods }, 'spec.user: Invalid value: "": at least one of user or group must be specified'],
    [
      { user: "x", resourceAttributes: pods, nonResourceAttributes: { path: "/" } },
      'spec.nonResourceAttributes: Invalid value: {"path":"/"}: cannot be specified in combination with resourceAttributes',
    ],
    [
      { user: "x", resourceAttributes: { ...pods, fieldSelector: {} } },
      "spec.resourceAttributes.fieldSelector.requirements: Required value: when spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is required",
    ],
    [
      { user: "x", resourceAttributes: pods },
      'metadata: Invalid value: {"name":"n"}: must be empty',
      { metadata: { name: "n" } },
    ],
  ])("of %j are refused: %s", async (spec, fault, more = {}) => {
    assertFailure(await ask(spec, undefined, more), {
      code: 422,
      reason: "Invalid",
      message: `.authorization.k8s.io "" is invalid: ${fault}`,
    });
  });

  it("in a namespace are about that one", async () => {
    const path = `${GROUP}/namespaces/default/localsubjectaccessreviews`;
    const spec = { user: "x", resourceAttributes: { ...pods, namespace: "default" } };
    expect((await ask(spec, path)).body.status).toEqual({ allowed: false });
    assertFailure(await ask({ ...spec, resourceAttributes: { ...pods, namespace: "other" } }, path), {
      code: 422,
      reason: "Invalid",
      message:
        '.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
    });
  });
});
