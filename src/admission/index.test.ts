import { describe, expect, it } from "vitest";
import { chainOf, createAdmission } from "./index.ts";
import { parsePluginChoice, pluginChoiceFault, type PluginChoice } from "./plugin-choice.ts";
import { attributesOf, podWith } from "./testing/attributes.ts";

/** Those that are off by default. */
const SWITCHED_ON = [
  "LimitPodHardAntiAffinityTopology",
  "AlwaysPullImages",
  "PodNodeSelector",
  "PodTolerationRestriction",
  "ExtendedResourceToleration",
  "OwnerReferencesPermissionEnforcement",
];

/** What a kube-apiserver checks elsewhere than in a plugin. */
const ALWAYS_ON = ["RoleEscalation", "DeviceAdminAccess"];

const admissionWith = (plugins?: PluginChoice) =>
  createAdmission({
    lookup: async ({ name }) => ({ metadata: { name } }),
    readMany: async (names) => names.map((name) => ({ ...name, object: { metadata: { name: name.name } } })),
    listClasses: () => Promise.resolve([]),
    listStorageClasses: () => Promise.resolve([]),
    listIngressClasses: () => Promise.resolve([]),
    listPods: () => Promise.resolve({ pods: [], total: 0 }),
    mayUseSigner: () => Promise.resolve({ allowed: true }),
    mayGrant: () => Promise.resolve({ revision: 0 }),
    mayDo: () => Promise.resolve({ allowed: true }),
    findKind: () => undefined,
    cluster: { notReadyTolerationSeconds: 300, ...(plugins ? { plugins } : {}) },
    random: { uuid: () => "", fraction: () => 0.5, bytes: (length) => new Uint8Array(length) },
    clock: { now: () => 0 },
  });

describe("admission", () => {
  const admission = admissionWith();

  it("has a fixed order", () => {
    expect(admission.plugins.map(({ name }) => name)).toEqual([
      "NamespaceLifecycle",
      "LimitRanger",
      "ServiceAccount",
      "NodeRestriction",
      "TaintNodesByCondition",
      "PodSecurity",
      "Priority",
      "DefaultTolerationSeconds",
      "DefaultStorageClass",
      "StorageObjectInUseProtection",
      "PersistentVolumeClaimResize",
      "RuntimeClass",
      "CertificateApproval",
      "CertificateSigning",
      "CertificateSubjectRestriction",
      "DefaultIngressClass",
      "DenyServiceExternalIPs",
      "PodTopologyLabels",
      "PodResizeValidator",
      "RoleEscalation",
      "DeviceAdminAccess",
      "ResourceQuota",
    ]);
  });

  it("has what is switched on, and not what is switched off", () => {
    const choice = parsePluginChoice({
      enable: "AlwaysPullImages, PodNodeSelector,LimitRanger",
      disable: "DenyServiceExternalIPs,PodTolerationRestriction",
    });
    const names = admissionWith(choice).plugins.map(({ name }) => name);
    expect(names).toHaveLength(admission.plugins.length + 1);
    const changed = ["TaintNodesByCondition", "AlwaysPullImages", "PodSecurity", "PodNodeSelector", "Priority"];
    expect(names.slice(names.indexOf("TaintNodesByCondition"), names.indexOf("Priority") + 1)).toEqual(changed);
    expect(names).not.toContain("DenyServiceExternalIPs");
  });

  it.each([
    [
      "AlwaysPullImage",
      undefined,
      'enable-admission-plugins plugin "AlwaysPullImage" is unknown; those that there are: ',
    ],
    [
      undefined,
      "EventRateLimit",
      'disable-admission-plugins plugin "EventRateLimit" is unknown; those that there are: ',
    ],
    [
      undefined,
      "RoleEscalation",
      'disable-admission-plugins plugin "RoleEscalation" is unknown; those that there are: ',
    ],
    ["constructor", undefined, 'enable-admission-plugins plugin "constructor" is unknown; those that there are: '],
    [
      "PodNodeSelector,Priority",
      "Priority",
      "Priority in enable-admission-plugins and disable-admission-plugins overlapped",
    ],
  ])("refuses to start with %s on and %s off", (enable, disable, fault) => {
    expect(() => parsePluginChoice({ enable, disable })).toThrow(fault);
  });

  it("knows every plugin by its name", () => {
    const all = admissionWith({ enable: SWITCHED_ON, disable: [] }).plugins.map(({ name }) => name);
    const switchable = all.filter((name) => !ALWAYS_ON.includes(name));
    expect(pluginChoiceFault({ enable: [], disable: switchable })).toBeUndefined();
    expect(admissionWith({ enable: [], disable: switchable }).plugins.map(({ name }) => name)).toEqual(ALWAYS_ON);
  });

  it("completes a pod, and changes nothing of it a second time", async () => {
    const object = podWith();
    await admission.mutate(attributesOf({ object }));
    expect(object.spec).toMatchObject({ serviceAccountName: "default", priority: 0 });
    expect(object.spec.tolerations).toHaveLength(2);
    const once = structuredClone(object);
    await admission.mutate(attributesOf({ object }));
    expect(object).toEqual(once);
  });

  it("runs plugins in turn and stops at the first that refuses", async () => {
    const ran: string[] = [];
    const chain = chainOf([
      { name: "first", mutate: async () => void ran.push("first"), validate: () => void ran.push("checked") },
      {
        name: "second",
        mutate: () => {
          throw new Error("no");
        },
      },
      { name: "third", mutate: () => void ran.push("third") },
    ]);
    await expect(chain.mutate(attributesOf({}))).rejects.toThrow("no");
    await chain.validate(attributesOf({}));
    expect(ran).toEqual(["first", "checked"]);
  });
});
