/** Who is who, and who may do what: tokens of service accounts, nodes, reviews. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNodeCredentials } from "../../src/authn/node-credential.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { NODE_KEY_ANNOTATION } from "../../src/relay/protocol.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

let nowMs = Date.now();
let api: TestCluster;
const MAPS = "/api/v1/namespaces/default/configmaps";

interface TokenRequest extends KubeObject {
  spec: { audiences: string[]; expirationSeconds: number };
  status: { token: string; expirationTimestamp: string };
}

async function create<T = KubeObject>(path: string, body: object): Promise<T> {
  const answer = await api.call<T>(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

async function token(namespace: string, account: string, spec: object = {}): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  return (await create<TokenRequest>(path, { spec })).status.token;
}

function pod(name: string, spec: object = {}): object {
  return {
    metadata: { name },
    spec: { containers: [{ name: "main", image: "busybox" }], serviceAccountName: "default", ...spec },
  };
}

beforeAll(async () => {
  api = await createTestCluster({ platform: { clock: { now: () => nowMs } } });
  await create("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const askToken = (spec: object, account = "default") =>
  api.call(`/api/v1/namespaces/default/serviceaccounts/${account}/token`, { method: "POST", body: { spec } });

describe("service account tokens", () => {
  it("name their user and groups", async () => {
    const answer = await create<TokenRequest>("/api/v1/namespaces/default/serviceaccounts/default/token", {});
    expect(answer).toMatchObject({ kind: "TokenRequest", apiVersion: "authentication.k8s.io/v1" });
    expect(answer.spec).toMatchObject({ audiences: [api.cluster.config.issuer], expirationSeconds: 3600 });
    expect(Date.parse(answer.status.expirationTimestamp)).toBe(Math.floor(nowMs / 1000) * 1000 + 3_600_000);
    const me = await api.call<{ status: { userInfo: { username: string; groups: string[] } } }>(
      "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      { method: "POST", body: {}, token: answer.status.token },
    );
    expect(me.status).toBe(201);
    expect(me.body.status.userInfo).toMatchObject({
      username: "system:serviceaccount:default:default",
      groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
    });
  });

  it("may do nothing by default, and are told so", async () => {
    const answer = await api.call(MAPS, { token: await token("default", "default") });
    assertFailure(answer, {
      code: 403,
      reason: "Forbidden",
      message:
        'configmaps is forbidden: User "system:serviceaccount:default:default" cannot list resource "configmaps" in API group "" in the namespace "default"',
    });
  });

  it("end with their time, their account and their pod", async () => {
    const works = async (bearer: string): Promise<number> => (await api.call("/apis", { token: bearer })).status;
    const short = await token("default", "default", { expirationSeconds: 600 });
    expect(await works(short)).toBe(200);
    nowMs += 601_000;
    expect(await works(short)).toBe(401);

    await create("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "temporary" } });
    const orphan = await token("default", "temporary");
    expect(await works(orphan)).toBe(200);
    await api.call("/api/v1/namespaces/default/serviceaccounts/temporary", { method: "DELETE" });
    await create("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "temporary" } });
    nowMs += 6_000;
    expect(await works(orphan), "an account of the same name is another one").toBe(401);

    const { metadata } = await create("/api/v1/namespaces/default/pods", pod("bound"));
    const ref = { kind: "Pod", apiVersion: "v1", name: "bound", uid: metadata.uid };
    const ofPod = await token("default", "default", { boundObjectRef: ref });
    expect(await works(ofPod)).toBe(200);
    await api.call("/api/v1/namespaces/default/pods/bound?gracePeriodSeconds=0", { method: "DELETE" });
    nowMs += 6_000;
    expect(await works(ofPod)).toBe(401);
  });

  it("for another audience are no key to this API", async () => {
    const elsewhere = await token("default", "default", { audiences: ["vault"] });
    expect((await api.call("/apis", { token: elsewhere })).status).toBe(401);
    const review = (audiences: string[]) =>
      create<{ status: { authenticated?: boolean; user: { username?: string } } }>(
        "/apis/authentication.k8s.io/v1/tokenreviews",
        { spec: { token: elsewhere, audiences } },
      );
    expect((await review(["other", "vault"])).status).toMatchObject({
      authenticated: true,
      audiences: ["vault"],
      user: { username: "system:serviceaccount:default:default" },
    });
    expect((await review(["other"])).status.authenticated).toBeUndefined();
  });

  it("signed by somebody else are refused", async () => {
    const other = await createTestCluster();
    await other.call("/api/v1/namespaces/default/serviceaccounts", {
      method: "POST",
      body: { metadata: { name: "default" } },
    });
    const foreign = await other.call<TokenRequest>("/api/v1/namespaces/default/serviceaccounts/default/token", {
      method: "POST",
      body: {},
    });
    expect((await api.call("/apis", { token: foreign.body.status.token })).status).toBe(401);
    const mine = await token("default", "default");
    expect((await api.call("/apis", { token: `${mine.slice(0, -4)}AAAA` })).status).toBe(401);
    await other.stop();
  });

  it("refuse nonsense", async () => {
    assertFailure(await askToken({ expirationSeconds: 5 }), {
      code: 422,
      reason: "Invalid",
      message: /may not specify a duration less than 10 minutes/,
    });
    assertFailure(await askToken({}, "ghost"), { code: 404, reason: "NotFound" });
    assertFailure(await askToken({ boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "ghost" } }), {
      code: 404,
      reason: "NotFound",
    });
    assertFailure(await askToken({ boundObjectRef: { kind: "Service", apiVersion: "v1", name: "x" } }), {
      code: 400,
      reason: "BadRequest",
    });
  });
});

describe("nodes", () => {
  it("see their own pods and what these refer to", async () => {
    const credentials = createNodeCredentials({
      keys: api.cluster.keys,
      clock: api.cluster.platform.clock,
      issuer: api.cluster.config.issuer,
    });
    const { credential } = await credentials.issue({ nodeName: "n1", keyThumbprint: "t" });
    for (const name of ["n1", "n2"])
      await create("/api/v1/nodes", { metadata: { name, annotations: { [NODE_KEY_ANNOTATION]: "t" } } });
    for (const name of ["s1", "s2"]) await create("/api/v1/namespaces/default/secrets", { metadata: { name } });
    for (const [name, node] of [
      ["mine", "n1"],
      ["theirs", "n2"],
    ] as const) {
      await create(
        "/api/v1/namespaces/default/pods",
        pod(name, { volumes: [{ name: "v", secret: { secretName: name === "mine" ? "s1" : "s2" } }] }),
      );
      await create(`/api/v1/namespaces/default/pods/${name}/binding`, {
        metadata: { name },
        target: { kind: "Node", name: node },
      });
    }
    const get = async (path: string): Promise<number> => (await api.call(path, { token: credential })).status;
    expect(await get("/api/v1/namespaces/default/pods/mine")).toBe(200);
    expect(await get("/api/v1/namespaces/default/pods/theirs")).toBe(403);
    expect(await get("/api/v1/namespaces/default/secrets/s1")).toBe(200);
    expect(await get("/api/v1/namespaces/default/secrets/s2")).toBe(403);
    expect(await get("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1")).toBe(200);
    expect(await get("/api/v1/pods")).toBe(403);
    const ask = async (name: string, known = true): Promise<number> => {
      const { uid } = (await api.call(`/api/v1/namespaces/default/pods/${name}`)).body.metadata;
      const boundObjectRef = { kind: "Pod", apiVersion: "v1", name, ...(known ? { uid } : {}) };
      const body = { spec: { boundObjectRef } };
      const path = "/api/v1/namespaces/default/serviceaccounts/default/token";
      return (await api.call(path, { method: "POST", token: credential, body })).status;
    };
    expect(await ask("mine")).toBe(201);
    // By its name alone it might be an older pod.
    expect(await ask("mine", false)).toBe(403);
    expect(await ask("theirs")).toBe(403);
  });
});

describe("access reviews", () => {
  const MINE = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const listPods = { resourceAttributes: { verb: "list", resource: "pods", namespace: "default" } };

  it("tell what the asker and what others may do", async () => {
    const admin = await create<{ status: object }>(MINE, { spec: listPods });
    expect(admin.status).toEqual({ allowed: true });
    const account = await api.call<{ status: object }>(MINE, {
      method: "POST",
      token: await token("default", "default"),
      body: { spec: listPods },
    });
    expect(account.body.status).toEqual({ allowed: false });
    const other = await create<{ status: object }>("/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      spec: { user: "system:serviceaccount:kube-system:replicaset-controller", ...listPods },
    });
    expect(other.status).toMatchObject({ allowed: true });
    const path = await create<{ status: object }>(MINE, {
      spec: { nonResourceAttributes: { verb: "get", path: "/metrics" } },
    });
    expect(path.status).toEqual({ allowed: true });
  });

  it("are created and nothing else", async () => {
    assertFailure(await api.call(MINE), { code: 405, reason: "MethodNotAllowed" });
    assertFailure(await api.call(MINE, { method: "POST", body: { spec: {} } }), { code: 422, reason: "Invalid" });
    const table = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
    assertFailure(await api.call(MINE, { method: "POST", body: { spec: listPods }, headers: table }), {
      code: 406,
      reason: "NotAcceptable",
    });
  });
});

const whoAmI = (headers: Record<string, string>, as?: string) =>
  api.call<KubeObject & { status: { userInfo: object } }>("/apis/authentication.k8s.io/v1/selfsubjectreviews", {
    method: "POST",
    body: {},
    headers,
    ...(as === undefined ? {} : { token: as }),
  });

describe("acting as somebody else", () => {
  it("gives an administrator the other's name and rights, and no more", async () => {
    const headers = { "Impersonate-User": "bob", "Impersonate-Group": "developers" };
    const { status, body } = await whoAmI(headers);
    expect([status, body.status.userInfo]).toEqual([
      201,
      { username: "bob", groups: ["developers", "system:authenticated"] },
    ]);
    const message =
      'configmaps is forbidden: User "bob" cannot list resource "configmaps" in API group "" in the namespace "default"';
    assertFailure(await api.call(MAPS, { headers }), { code: 403, reason: "Forbidden", message });
  });

  it("is refused to who may not", async () => {
    const bearer = await token("default", "default");
    const message =
      'users "bob" is forbidden: User "system:serviceaccount:default:default" cannot impersonate resource "users" in API group "" at the cluster scope';
    assertFailure(await whoAmI({ "Impersonate-User": "bob" }, bearer), { code: 403, reason: "Forbidden", message });
    const groups = { "Impersonate-Group": "system:masters" };
    assertFailure(await whoAmI(groups, bearer), { code: 400, reason: "BadRequest" });
  });
});

const getPods = (namespace: string) => ({
  spec: { user: "bob", resourceAttributes: { namespace, verb: "get", resource: "pods" } },
});

describe("reviews of rules and in one namespace", () => {
  const RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
  const LOCAL = "/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews";
  interface Rules {
    status: { resourceRules: object[]; nonResourceRules: object[]; incomplete: boolean };
  }

  it("an administrator may do everything, and is told so", async () => {
    const { status } = await create<Rules>(RULES, { spec: { namespace: "default" } });
    expect(status.resourceRules).toContainEqual({ verbs: ["*"], apiGroups: ["*"], resources: ["*"] });
    expect(status.nonResourceRules).toContainEqual({ verbs: ["*"], nonResourceURLs: ["*"] });
    expect(status.incomplete).toBe(false);
  });

  it("others are told what they may, and nothing more", async () => {
    const bearer = await token("default", "default");
    const answer = await api.call<Rules>(RULES, {
      method: "POST",
      body: { spec: { namespace: "default" } },
      token: bearer,
    });
    const { resourceRules } = answer.body.status;
    expect(resourceRules).toContainEqual({
      verbs: ["create"],
      apiGroups: ["authentication.k8s.io"],
      resources: ["selfsubjectreviews"],
    });
    expect(resourceRules).not.toContainEqual({ verbs: ["*"], apiGroups: ["*"], resources: ["*"] });
    const body = { spec: {} };
    assertFailure(await api.call(RULES, { method: "POST", body, token: bearer }), {
      code: 400,
      reason: "BadRequest",
      message: "no namespace on request",
    });
  });

  it("a local review answers about its own namespace only", async () => {
    const answer = await create<{ status: object }>(LOCAL, getPods("default"));
    expect(answer.status).toEqual({ allowed: false });
    const refused = await api.call(LOCAL, { method: "POST", body: getPods("kube-system") });
    assertFailure(refused, { code: 422, reason: "Invalid" });
  });
});
