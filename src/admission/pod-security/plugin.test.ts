import { describe, expect, it } from "vitest";
import type { Container, Pod, PodSpec } from "../../kinds/core/pods/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import type { AdmissionAttributes } from "../admission.ts";
import { attributesOf, podWith, refusalOf, rulesWith } from "../testing/attributes.ts";
import { createPodSecurity, type PodSecurityConfiguration } from "./plugin.ts";

interface Given {
  /** Of the namespace, without their prefix. */
  labels?: Record<string, string>;
  configuration?: PodSecurityConfiguration;
  pods?: Pod[];
  total?: number;
}

interface Said {
  refusal: string;
  warnings: string[];
  audit: Record<string, string>;
}

function labelled(name: string, labels: Record<string, string> = {}): KubeObject {
  const entries = Object.entries(labels).map(([label, value]) => [`pod-security.kubernetes.io/${label}`, value]);
  return { metadata: { name, labels: Object.fromEntries(entries) as Record<string, string> } };
}

async function said(parts: Partial<AdmissionAttributes>, given: Given = {}): Promise<Said> {
  const { labels, configuration, pods = [], total = pods.length } = given;
  const warnings: string[] = [];
  const audit: Record<string, string> = {};
  const plugin = createPodSecurity({
    rules: rulesWith({ namespace: labelled("ns", labels) }),
    listPods: async () => ({ pods, total }),
    ...(configuration ? { configuration } : {}),
  });
  const attributes = attributesOf({
    ...parts,
    warn: (text) => warnings.push(text),
    annotate: (key, text) => void (audit[key] = text),
  });
  const refusal = await refusalOf(() => plugin.validate?.(attributes));
  return { refusal, warnings, audit };
}

const PRIVILEGED: Container = { name: "c", image: "a", securityContext: { privileged: true } };
const privileged = (spec: Partial<PodSpec> = {}): Pod => podWith({ containers: [PRIVILEGED], ...spec });
const DETAIL = 'privileged (container "c" must not set securityContext.privileged=true)';
const REFUSAL = `pods "p" is forbidden: violates PodSecurity "baseline:latest": ${DETAIL}`;

describe("pods", () => {
  it("are held to what is enforced", async () => {
    expect(await said({ object: privileged() }, { labels: { enforce: "baseline" } })).toMatchObject({
      refusal: REFUSAL,
      warnings: [],
    });
    expect(await said({ object: privileged() })).toEqual({
      refusal: "",
      warnings: [],
      audit: { "pod-security.kubernetes.io/enforce-policy": "privileged:latest" },
    });
  });

  it("are warned of, and noted down", async () => {
    const answer = await said({ object: privileged() }, { labels: { audit: "baseline", warn: "baseline" } });
    const would = `would violate PodSecurity "baseline:latest": ${DETAIL}`;
    expect(answer).toEqual({
      refusal: "",
      warnings: [would],
      audit: {
        "pod-security.kubernetes.io/enforce-policy": "privileged:latest",
        "pod-security.kubernetes.io/audit-violations": would,
      },
    });
  });

  it("are held to the defaults where the namespace says nothing", async () => {
    const configuration = { defaults: { enforce: "baseline", "enforce-version": "v1.30" } };
    expect((await said({ object: privileged() }, { configuration })).refusal).toMatch(/"baseline:v1\.30"/);
    expect(() =>
      createPodSecurity({
        rules: rulesWith({}),
        listPods: async () => ({ pods: [], total: 0 }),
        configuration: { defaults: { warn: "strict" } },
      }),
    ).toThrow(/warn/);
  });

  it.each<[string, PodSecurityConfiguration["exemptions"]]>([
    ["the namespace", { namespaces: ["ns"] }],
    ["the user", { usernames: ["someone"] }],
    ["the runtime class", { runtimeClasses: ["vm"] }],
  ])("are free where %s is exempt", async (_, exemptions) => {
    const object = privileged({ runtimeClassName: "vm" });
    const given = { labels: { enforce: "baseline" }, configuration: { exemptions: exemptions ?? {} } };
    expect(await said({ object }, given)).toMatchObject({ refusal: "", warnings: [] });
    expect((await said({ object }, { labels: { enforce: "baseline" } })).refusal).toBe(REFUSAL);
  });

  it.each<[string, Partial<PodSpec>, string, boolean]>([
    ["a label", {}, "", false],
    ["an image", { containers: [{ ...PRIVILEGED, image: "b" }] }, "", true],
    ["an ephemeral container", { ephemeralContainers: [{ name: "e" }] }, "ephemeralcontainers", true],
    ["a status", { containers: [{ ...PRIVILEGED, image: "b" }] }, "status", false],
  ])("that change %s", async (_, spec, subresource, judged) => {
    const parts = { operation: "UPDATE" as const, subresource, object: privileged(spec), oldObject: privileged() };
    expect((await said(parts, { labels: { enforce: "baseline" } })).refusal !== "").toBe(judged);
  });
});

describe("templates", () => {
  const template = { metadata: {}, spec: { containers: [PRIVILEGED] } };
  it.each<[string, string, object]>([
    ["", "podtemplates", { template }],
    ["", "replicationcontrollers", { spec: { template } }],
    ["apps", "deployments", { spec: { template } }],
    ["apps", "replicasets", { spec: { template } }],
    ["apps", "statefulsets", { spec: { template } }],
    ["apps", "daemonsets", { spec: { template } }],
    ["batch", "jobs", { spec: { template } }],
    ["batch", "cronjobs", { spec: { jobTemplate: { spec: { template } } } }],
  ])("of %s %s are warned of, never refused", async (group, resource, rest) => {
    const object = { metadata: { name: "x" }, ...rest } as KubeObject;
    const answer = await said({ group, resource, object }, { labels: { enforce: "baseline" } });
    expect(answer).toMatchObject({ refusal: "", warnings: [`would violate PodSecurity "baseline:latest": ${DETAIL}`] });
    expect(
      (await said({ group, resource, object, subresource: "status" }, { labels: { enforce: "baseline" } })).warnings,
    ).toEqual([]);
  });

  it("that are none are let through", async () => {
    const object = { metadata: { name: "x" }, spec: {} } as KubeObject;
    const answer = await said({ resource: "replicationcontrollers", object }, { labels: { enforce: "baseline" } });
    expect(answer).toEqual({ refusal: "", warnings: [], audit: {} });
  });
});

const changed = (from: Record<string, string>, to: Record<string, string>, given: Given = {}) =>
  said(
    { resource: "namespaces", operation: "UPDATE", oldObject: labelled("ns", from), object: labelled("ns", to) },
    given,
  );
const podNamed = (name: string, spec?: Partial<PodSpec>) => ({ ...privileged(spec), metadata: { name } });

describe("namespaces", () => {
  it("with labels that cannot be read are refused, unless they had them before", async () => {
    const why =
      'Namespace "ns" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "x": must be one of privileged, baseline, restricted';
    expect((await said({ resource: "namespaces", object: labelled("ns", { enforce: "x" }) })).refusal).toBe(why);
    expect((await changed({}, { enforce: "x" })).refusal).toBe(why);
    expect((await changed({ enforce: "x" }, { enforce: "x" })).refusal).toBe("");
  });

  it("that become stricter are told of pods that would not come in now", async () => {
    const pods = [
      podNamed("b"),
      podNamed("a"),
      podNamed("c", { hostPID: true }),
      { ...podWith(), metadata: { name: "ok" } },
    ];
    expect((await changed({}, { enforce: "baseline" }, { pods })).warnings).toEqual([
      'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
      "a (and 1 other pod): privileged",
      "c: host namespaces, privileged",
    ]);
    expect((await changed({}, { enforce: "baseline" }, { pods: [podNamed("a")], total: 9 })).warnings).toEqual([
      "new PodSecurity enforce level only checked against the first 1 of 9 existing pods",
      'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
      "a: privileged",
    ]);
  });

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ["the same", { enforce: "baseline" }, { enforce: "baseline", audit: "restricted" }],
    ["less", { enforce: "restricted" }, { enforce: "baseline" }],
    ["nothing any more", { enforce: "restricted" }, { enforce: "privileged", "enforce-version": "v1.30" }],
  ])("that ask for %s are told of none", async (_, from, to) => {
    expect((await changed(from, to, { pods: [podNamed("a")] })).warnings).toEqual([]);
  });

  it("that are exempt are told that nobody minds their labels", async () => {
    const configuration = { exemptions: { namespaces: ["ns"] } };
    const warning =
      'namespace "ns" is exempt from Pod Security, and the policy (enforce=baseline:latest) will be ignored';
    const object = labelled("ns", { enforce: "baseline" });
    expect((await said({ resource: "namespaces", object }, { configuration })).warnings).toEqual([warning]);
    expect((await changed({}, { enforce: "baseline" }, { configuration, pods: [podNamed("a")] })).warnings).toEqual([
      warning,
    ]);
  });
});
