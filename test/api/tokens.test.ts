/** What tokens of service accounts are bound to, and those that a Secret holds. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signSecretToken } from "../../src/authn/service-account.ts";
import { createLoops } from "../../src/loops.ts";
import { textFromBase64, textToBase64 } from "../../src/machinery/base64.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { readWatch, type WatchClient } from "../harness/watch-client.ts";
import { testRuntime } from "../harness/test-runtime.ts";

let nowMs = Date.now();
let api: TestCluster;
const CORE = "/api/v1/namespaces/default";
const ACCOUNTS = `${CORE}/serviceaccounts`;
const SECRETS = `${CORE}/secrets`;

interface Secret extends KubeObject {
  data?: Record<string, string>;
}

async function create<T = KubeObject>(path: string, body: object): Promise<T> {
  const answer = await api.call<T>(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

const remove = (path: string) => api.call(path, { method: "DELETE" });
const ask = (spec: object) => api.call(`${ACCOUNTS}/default/token`, { method: "POST", body: { spec } });

async function bound(kind: string, { metadata }: KubeObject): Promise<string> {
  const boundObjectRef = { kind, apiVersion: "v1", name: metadata.name, uid: metadata.uid };
  return (await create<{ status: { token: string } }>(`${ACCOUNTS}/default/token`, { spec: { boundObjectRef } })).status
    .token;
}

async function statusFor(token: string): Promise<number> {
  return (await api.call("/apis", { token })).status;
}

/** Where commits are not heard of, a token is remembered for five seconds. */
function passMemory(): void {
  if (!testRuntime.cachesReads) nowMs += 6_000;
}

async function bindTo(name: string): Promise<void> {
  await create("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", {
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
    subjects: [{ kind: "ServiceAccount", name: "default", namespace: "default" }],
  });
}

/** A watch of ConfigMaps from now on. */
async function watching(token: string): Promise<WatchClient> {
  const { metadata } = (await api.call(`${CORE}/configmaps`)).body;
  const query = `watch=true&resourceVersion=${metadata.resourceVersion}`;
  const response = await api.fetch(`${CORE}/configmaps?${query}`, { token });
  expect(response.status).toBe(200);
  return readWatch(response.body ?? new ReadableStream());
}

const refuse = async (boundObjectRef: object, code: number, message: string | RegExp) =>
  assertFailure(await ask({ boundObjectRef }), {
    code,
    reason: code === 404 ? "NotFound" : code === 409 ? "Conflict" : "BadRequest",
    message,
  });

const runLoops = async (): Promise<void> => {
  const loops = createLoops({ cluster: api.cluster, app: api.app });
  for (let before = -1; before !== (await api.storage.revision());) {
    before = await api.storage.revision();
    await loops.runOnce({ deadline: nowMs + 20_000 });
  }
  await loops.stop();
};
const tokenSecret = (name: string, account: string, annotations: object = {}) => ({
  metadata: { name, annotations: { "kubernetes.io/service-account.name": account, ...annotations } },
  type: "kubernetes.io/service-account-token",
});

beforeAll(async () => {
  api = await createTestCluster({ platform: { clock: { now: () => nowMs } } });
  await create(ACCOUNTS, { metadata: { name: "default" } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

describe("a bound token", () => {
  it("ends with its Secret", async () => {
    const token = await bound("Secret", await create(SECRETS, { metadata: { name: "leash" } }));
    expect(await statusFor(token)).toBe(200);
    await remove(`${SECRETS}/leash`);
    passMemory();
    expect(await statusFor(token)).toBe(401);
    await create(SECRETS, { metadata: { name: "leash" } });
    nowMs += 6_000;
    expect(await statusFor(token), "another Secret of that name").toBe(401);
  });

  it("ends with its node, and names it", async () => {
    const token = await bound("Node", await create("/api/v1/nodes", { metadata: { name: "machine" } }));
    const me = await api.call<{ status: { userInfo: { extra: Record<string, string[]> } } }>(
      "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      { method: "POST", body: {}, token },
    );
    expect(me.body.status.userInfo.extra["authentication.kubernetes.io/node-name"]).toEqual(["machine"]);
    await remove("/api/v1/nodes/machine");
    passMemory();
    expect(await statusFor(token)).toBe(401);
  });

  it("of a pod outlives the node that the pod ran on", async () => {
    await create("/api/v1/nodes", { metadata: { name: "lost" } });
    const pod = await create(`${CORE}/pods`, {
      metadata: { name: "bound" },
      spec: { containers: [{ name: "main", image: "busybox" }], serviceAccountName: "default", nodeName: "lost" },
    });
    const token = await bound("Pod", pod);
    await remove("/api/v1/nodes/lost");
    nowMs += 6_000;
    expect(await statusFor(token)).toBe(200);
    await remove(`${CORE}/pods/bound?gracePeriodSeconds=0`);
    passMemory();
    expect(await statusFor(token)).toBe(401);
  });

  it("ends at once with its account where commits are heard of", async () => {
    await create(ACCOUNTS, { metadata: { name: "brief" } });
    const { status } = await create<{ status: { token: string } }>(`${ACCOUNTS}/brief/token`, {});
    expect(await statusFor(status.token)).toBe(200);
    await remove(`${ACCOUNTS}/brief`);
    passMemory();
    expect(await statusFor(status.token)).toBe(401);
  });

  it("cuts what it has opened when what it is bound to goes", async () => {
    await bindTo("reader");
    const secret = await create(SECRETS, { metadata: { name: "cut" } });
    const cut = await watching(await bound("Secret", secret));
    const other = await watching(await bound("Secret", await create(SECRETS, { metadata: { name: "uncut" } })));
    expect((await remove(`${SECRETS}/cut`)).status).toBe(200);
    expect(await cut.next()).toBeUndefined();
    await create(`${CORE}/configmaps`, { metadata: { name: "after-the-cut" } });
    expect((await other.next())?.name).toBe("after-the-cut");
    await other.cancel();
  });

  it("opens nothing more when it has expired; what it has opened goes on", async () => {
    const { status } = await create<{ status: { token: string } }>(`${ACCOUNTS}/default/token`, {
      spec: { expirationSeconds: 600 },
    });
    const open = await watching(status.token);
    nowMs += 601_000;
    expect(await statusFor(status.token)).toBe(401);
    await create(`${CORE}/configmaps`, { metadata: { name: "after-the-end" } });
    expect((await open.next())?.name).toBe("after-the-end");
    await open.cancel();
  });

  it("is refused for what it cannot be bound to", async () => {
    await refuse(
      { kind: "ConfigMap", apiVersion: "v1", name: "x" },
      400,
      "cannot bind token to object of type /v1, Kind=ConfigMap",
    );
    await refuse(
      { kind: "Pod", apiVersion: "apps/v1", name: "x" },
      400,
      "cannot bind token to object of type apps/v1, Kind=Pod",
    );
    await refuse(
      { kind: "__proto__", apiVersion: "v1", name: "x" },
      400,
      "cannot bind token to object of type /v1, Kind=__proto__",
    );
    await refuse({ kind: "Secret", apiVersion: "v1", name: "missing" }, 404, 'secrets "missing" not found');
    await refuse({ kind: "Node", apiVersion: "v1", name: "missing" }, 404, 'nodes "missing" not found');
    await create(SECRETS, { metadata: { name: "other" } });
    await refuse(
      { kind: "Secret", apiVersion: "v1", name: "other", uid: "not-this" },
      409,
      /does not match the UID in record/,
    );
  });
});

describe("a Secret of type kubernetes.io/service-account-token", () => {
  it("gets a token without an end, the cluster's CA and its namespace", async () => {
    const account = await create(ACCOUNTS, { metadata: { name: "robot" } });
    await create(SECRETS, tokenSecret("robot-token", "robot"));
    await runLoops();
    const { body } = await api.call<Secret>(`${SECRETS}/robot-token`);
    const { token = "", namespace = "", "ca.crt": ca = "" } = body.data ?? {};
    expect(textFromBase64(namespace)).toBe("default");
    expect(textFromBase64(ca)).toBe(api.cluster.keys.clusterCa);
    expect(body.metadata.annotations?.["kubernetes.io/service-account.uid"]).toBe(account.metadata.uid);
    nowMs += 10 * 365 * 24 * 3_600_000;
    const me = await api.call<{ status: { userInfo: object } }>("/apis/authentication.k8s.io/v1/selfsubjectreviews", {
      method: "POST",
      body: {},
      token: textFromBase64(token),
    });
    expect(me.body.status.userInfo).toMatchObject({
      username: "system:serviceaccount:default:robot",
      uid: account.metadata.uid,
      groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
    });
  });

  it("is the only place its token is good in", async () => {
    const { body } = await api.call<Secret>(`${SECRETS}/robot-token`);
    const held = textFromBase64(body.data?.["token"] ?? "");
    const { metadata } = await api.call(`${ACCOUNTS}/robot`).then((answer) => answer.body);
    const serviceAccount = { name: "robot", uid: metadata.uid ?? "" };
    const elsewhere = await signSecretToken(api.cluster.keys, {
      namespace: "default",
      serviceAccount,
      secret: "other",
    });
    expect(await statusFor(elsewhere), "no Secret holds it").toBe(401);
    const patch = { data: { token: textToBase64("gone") } };
    await api.call(`${SECRETS}/robot-token`, {
      method: "PATCH",
      body: patch,
      headers: { "content-type": "application/merge-patch+json" },
    });
    nowMs += 6_000;
    expect(await statusFor(held), "the Secret holds another one").toBe(401);
  });

  it("is good for no other audience", async () => {
    await create(SECRETS, tokenSecret("robot-second", "robot"));
    await runLoops();
    const { body } = await api.call<Secret>(`${SECRETS}/robot-second`);
    const token = textFromBase64(body.data?.["token"] ?? "");
    const review = async (audiences: string[]) =>
      (
        await create<{ status: { authenticated?: boolean } }>("/apis/authentication.k8s.io/v1/tokenreviews", {
          spec: { token, audiences },
        })
      ).status.authenticated;
    expect(await review([])).toBe(true);
    expect(await review([api.cluster.config.issuer])).toBe(true);
    expect(await review(["vault"])).toBeUndefined();
  });

  it("goes with its account, and is refused another one's uid", async () => {
    await create(SECRETS, tokenSecret("stranger", "robot", { "kubernetes.io/service-account.uid": "not-this" }));
    await create(SECRETS, tokenSecret("nobody", "missing"));
    await runLoops();
    expect((await api.call(`${SECRETS}/stranger`)).status).toBe(404);
    expect((await api.call(`${SECRETS}/nobody`)).status).toBe(404);
    const { body } = await api.call<Secret>(`${SECRETS}/robot-second`);
    const token = textFromBase64(body.data?.["token"] ?? "");
    expect(await statusFor(token)).toBe(200);
    await remove(`${ACCOUNTS}/robot`);
    passMemory();
    expect(await statusFor(token)).toBe(401);
    await runLoops();
    expect((await api.call(`${SECRETS}/robot-second`)).status).toBe(404);
  });
});
