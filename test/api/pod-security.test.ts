/** Pod security at work: levels by labels of namespaces, refusals, warnings as headers. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { assertFailure, createTestCluster, type Answer, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
let namespace = "";
let counter = 0;

const PREFIX = "pod-security.kubernetes.io/";
const at = (resource: string) => `/api/v1/namespaces/${namespace}/${resource}`;

function warningsOf({ headers }: Answer): string[] {
  const sent = headers.get("warning") ?? "";
  return [...sent.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text.replaceAll('\\"', '"'));
}

function pod(name: string, context: object = {}): object {
  return { metadata: { name }, spec: { containers: [{ name: "c", image: "busybox", securityContext: context }] } };
}

async function label(labels: Record<string, string | null>): Promise<Answer> {
  const prefixed = Object.fromEntries(Object.entries(labels).map(([key, value]) => [PREFIX + key, value]));
  return await api.call(`/api/v1/namespaces/${namespace}`, {
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
    body: { metadata: { labels: prefixed } },
  });
}

const patchOld = (subresource: string, body: object) =>
  api.call(`${at("pods")}/old${subresource}`, {
    method: "PATCH",
    headers: { "content-type": "application/strategic-merge-patch+json" },
    body,
  });

const createPod = (body: object, headers: Record<string, string> = {}) =>
  api.call(at("pods"), { method: "POST", body, headers });

beforeAll(async () => {
  api = await createTestCluster({
    config: { podSecurity: { exemptions: { usernames: ["system:serviceaccount:kube-system:free"] } } },
  });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});
beforeEach(async () => {
  namespace = `secured-${++counter}`;
  await api.call("/api/v1/namespaces", { method: "POST", body: { metadata: { name: namespace } } });
  const account = await api.call(at("serviceaccounts"), { method: "POST", body: { metadata: { name: "default" } } });
  expect(account.status).toBe(201);
});

const RESTRICTED =
  'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")';

describe("pod security", () => {
  it("refuses pods below the level that is enforced, from the label on until it goes", async () => {
    expect((await createPod(pod("before", { privileged: true }))).status).toBe(201);
    const labelled = await label({ enforce: "restricted", "enforce-version": "v1.30" });
    expect(labelled.status).toBe(200);
    expect(warningsOf(labelled)).toEqual([
      `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "restricted:v1.30"`,
      "before: privileged, allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile",
    ]);
    assertFailure(await createPod(pod("plain")), {
      code: 403,
      reason: "Forbidden",
      message: `pods "plain" is forbidden: violates PodSecurity "restricted:v1.30": ${RESTRICTED}`,
    });
    const safe = {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    };
    const answer = await createPod(pod("safe", safe));
    expect([answer.status, warningsOf(answer)]).toEqual([201, []]);
    expect((await label({ enforce: null, "enforce-version": null })).status).toBe(200);
    expect((await createPod(pod("after", { privileged: true }))).status).toBe(201);
  });

  it("warns of pods and of templates, and lets them through", async () => {
    await label({ warn: "baseline" });
    const warning =
      'would violate PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)';
    const made = await createPod(pod("loud", { privileged: true }));
    expect([made.status, warningsOf(made)]).toEqual([201, [warning]]);
    const { spec } = pod("", { privileged: true }) as { spec: object };
    const deployment = {
      metadata: { name: "web" },
      spec: { selector: { matchLabels: { a: "b" } }, template: { metadata: { labels: { a: "b" } }, spec } },
    };
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
    const templated = await api.call(path, { method: "POST", body: deployment });
    expect([templated.status, warningsOf(templated)]).toEqual([201, [warning]]);
  });

  it("refuses labels that say nothing", async () => {
    assertFailure(await label({ enforce: "strict", "warn-version": "1.2" }), {
      code: 422,
      reason: "Invalid",
      message: `Namespace "${namespace}" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.2": must be "latest" or "v1.x"]`,
    });
  });

  it("judges ephemeral containers, and no other change of a pod that is there", async () => {
    await createPod(pod("old", { privileged: true }));
    await label({ enforce: "baseline" });
    expect((await patchOld("", { metadata: { labels: { a: "b" } } })).status).toBe(200);
    const ephemeral = { name: "debug", image: "busybox", securityContext: { privileged: true } };
    assertFailure(await patchOld("/ephemeralcontainers", { spec: { ephemeralContainers: [ephemeral] } }), {
      code: 403,
      reason: "Forbidden",
      message:
        'pods "old" is forbidden: violates PodSecurity "baseline:latest": privileged (containers "c", "debug" must not set securityContext.privileged=true)',
    });
  });
});

it("users that are exempt by configuration are not held to it", async () => {
  await label({ enforce: "baseline" });
  const impersonated = {
    "impersonate-user": "system:serviceaccount:kube-system:free",
    "impersonate-group": "system:masters",
  };
  expect((await createPod(pod("free", { privileged: true }))).status).toBe(403);
  expect((await createPod(pod("free", { privileged: true }), impersonated)).status).toBe(201);
});
