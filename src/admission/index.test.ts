import { describe, expect, it } from "vitest";
import { chainOf, createAdmission } from "./index.ts";
import { attributesOf, podWith } from "./testing/attributes.ts";

describe("admission", () => {
  const admission = createAdmission({
    lookup: async ({ name }) => ({ metadata: { name } }),
    readMany: async (names) => names.map((name) => ({ ...name, object: { metadata: { name: name.name } } })),
    listClasses: () => Promise.resolve([]),
    listStorageClasses: () => Promise.resolve([]),
    listIngressClasses: () => Promise.resolve([]),
    listPods: () => Promise.resolve({ pods: [], total: 0 }),
    mayUseSigner: () => Promise.resolve({ allowed: true }),
    mayGrant: () => Promise.resolve({ revision: 0 }),
    cluster: { notReadyTolerationSeconds: 300 },
    random: { uuid: () => "", fraction: () => 0.5, bytes: (length) => new Uint8Array(length) },
    clock: { now: () => 0 },
  });

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
      "RoleEscalation",
      "DeviceAdminAccess",
      "ResourceQuota",
    ]);
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
