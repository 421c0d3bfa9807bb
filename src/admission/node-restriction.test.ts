import { describe, expect, it } from "vitest";
import type { Node } from "../kinds/core/nodes/types.ts";
import type { Pod, PodSpec } from "../kinds/core/pods/types.ts";
import type { KubeObject, OwnerReference } from "../machinery/meta.ts";
import type { AdmissionAttributes } from "./admission.ts";
import { createNodeRestriction } from "./node-restriction.ts";
import { attributesOf, refusalOf } from "./testing/attributes.ts";

const user = { name: "system:node:n1", groups: ["system:nodes", "system:authenticated"] };
const plugin = createNodeRestriction({
  lookup: async ({ resource, name }) => {
    if (resource === "nodes") return name === "n1" ? { metadata: { name, uid: "uid-of-n1" } } : undefined;
    const nodeName = { mine: "n1", another: "n2" }[name];
    return nodeName === undefined ? undefined : { metadata: { name }, spec: { nodeName } };
  },
});
const said = (parts: Partial<AdmissionAttributes>) =>
  refusalOf(() => plugin.mutate?.(attributesOf({ user, ...parts })));

const OWNER: OwnerReference = { apiVersion: "v1", kind: "Node", name: "n1", uid: "uid-of-n1", controller: true };

function mirror(spec: Partial<PodSpec> = {}, metadata: Partial<Pod["metadata"]> = {}): Pod {
  return {
    metadata: {
      name: "p",
      annotations: { "kubernetes.io/config.mirror": "hash" },
      ownerReferences: [OWNER],
      ...metadata,
    },
    spec: { nodeName: "n1", containers: [{ name: "c" }], ...spec },
  };
}

const owned = (parts: Partial<OwnerReference>) => mirror({}, { ownerReferences: [{ ...OWNER, ...parts }] });

describe("pods of a node's making", () => {
  it.each<[string, Pod, string]>([
    ["its mirror", mirror(), ""],
    [
      "no mirror",
      mirror({}, { annotations: {} }),
      'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
    ],
    ["elsewhere", mirror({ nodeName: "n2" }), 'node "n1" can only create pods with spec.nodeName set to itself'],
    [
      "nobody's",
      mirror({}, { ownerReferences: [] }),
      'node "n1" can only create pods with an owner reference set to itself',
    ],
    [
      "of several owners",
      mirror({}, { ownerReferences: [OWNER, OWNER] }),
      'node "n1" can only create pods with a single owner reference set to itself',
    ],
    ["another's", owned({ name: "n2" }), 'node "n1" can only create pods with an owner reference set to itself'],
    [
      "not controlled",
      owned({ controller: false }),
      'node "n1" can only create pods with a controller owner reference set to itself',
    ],
    [
      "blocking",
      owned({ blockOwnerDeletion: true }),
      'node "n1" must not set blockOwnerDeletion on an owner reference',
    ],
    ["of an older node", owned({ uid: "other" }), "node n1 UID mismatch: expected other got uid-of-n1"],
    [
      "as an account",
      mirror({ serviceAccountName: "x" }),
      'node "n1" can not create pods that reference a service account',
    ],
    [
      "with a secret",
      mirror({ imagePullSecrets: [{ name: "x" }] }),
      'node "n1" can not create pods that reference secrets',
    ],
    ...[
      { csi: { driver: "d", nodePublishSecretRef: { name: "x" } } },
      { rbd: { monitors: ["m"], image: "i", secretRef: { name: "x" } } },
      { azureFile: { secretName: "x", shareName: "s" } },
    ].map((source): [string, Pod, string] => [
      `with the secret of ${Object.keys(source)[0]}`,
      mirror({ volumes: [{ name: "v", ...source }] }),
      'node "n1" can not create pods that reference secrets',
    ]),
    [
      "with a config map",
      mirror({ containers: [{ name: "c", envFrom: [{ configMapRef: { name: "x" } }] }] }),
      'node "n1" can not create pods that reference configmaps',
    ],
    [
      "with a claim",
      mirror({ volumes: [{ name: "v", persistentVolumeClaim: { claimName: "x" } }] }),
      'node "n1" can not create pods that reference persistentvolumeclaims',
    ],
  ])("%s", async (_, object, why) => {
    expect(await said({ object })).toBe(why === "" ? "" : `pods "p" is forbidden: ${why}`);
  });

  it("are no one else's business", async () => {
    const admin = { name: "admin", groups: ["system:masters"] };
    expect(
      await refusalOf(() => plugin.mutate?.(attributesOf({ user: admin, object: mirror({}, { annotations: {} }) }))),
    ).toBe("");
    const nobody = { name: "kubelet", groups: ["system:nodes"] };
    expect(await refusalOf(() => plugin.mutate?.(attributesOf({ user: nobody, object: mirror() })))).toBe(
      'pods "p" is forbidden: could not determine node from user "kubelet"',
    );
  });
});

describe("pods on a node", () => {
  it.each<[string, Partial<AdmissionAttributes>, string]>([
    ["its own, deleted", { operation: "DELETE", oldObject: mirror() }, ""],
    [
      "another's, deleted",
      { operation: "DELETE", oldObject: mirror({ nodeName: "n2" }) },
      'node "n1" can only delete pods with spec.nodeName set to itself',
    ],
    [
      "changed",
      { operation: "UPDATE", object: mirror(), oldObject: mirror() },
      'unexpected operation "UPDATE", node "n1" can only create and delete mirror pods',
    ],
    ["their status", { operation: "UPDATE", subresource: "status", object: mirror(), oldObject: mirror() }, ""],
    [
      "another's status",
      { operation: "UPDATE", subresource: "status", object: mirror(), oldObject: mirror({ nodeName: "n2" }) },
      'node "n1" can only update pod status for pods with spec.nodeName set to itself',
    ],
    [
      "labels with the status",
      { operation: "UPDATE", subresource: "status", object: mirror({}, { labels: { a: "b" } }), oldObject: mirror() },
      'node "n1" cannot update labels through pod status',
    ],
    [
      "claims with the status",
      {
        operation: "UPDATE",
        subresource: "status",
        object: { ...mirror(), status: { resourceClaimStatuses: [{ name: "c", resourceClaimName: "x" }] } },
        oldObject: mirror(),
      },
      'node "n1" cannot update resource claim statues',
    ],
    [
      "resizes",
      { operation: "UPDATE", subresource: "resize", object: mirror(), oldObject: mirror() },
      "unexpected pod subresource \"resize\", only 'status' and 'eviction' are allowed",
    ],
  ])("%s", async (_, parts, why) => {
    expect(await said({ name: "p", ...parts })).toBe(why === "" ? "" : `pods "p" is forbidden: ${why}`);
  });
});

const node = (name: string, labels: Record<string, string> = {}, taints: NonNullable<Node["spec"]>["taints"] = []) =>
  ({ metadata: { name, labels }, spec: { taints } }) as KubeObject;
const created = (object: KubeObject) =>
  said({ resource: "nodes", namespace: "", name: object.metadata.name ?? "", object });
const updated = (from: KubeObject, object: KubeObject, subresource = "") =>
  said({ resource: "nodes", namespace: "", operation: "UPDATE", subresource, name: "n1", object, oldObject: from });

describe("nodes", () => {
  const OWN = {
    "kubernetes.io/hostname": "n1",
    "node.kubernetes.io/instance-type": "m",
    "own.node.kubernetes.io/x": "y",
    "example.org/rack": "3",
    plain: "yes",
  };

  it("register as themselves, with their own labels and taints", async () => {
    expect(await created(node("n1", OWN, [{ key: "k", effect: "NoSchedule" }]))).toBe("");
    expect(await created(node("n2"))).toBe('nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"');
    const others = {
      "node-restriction.kubernetes.io/fips": "1",
      "node-role.kubernetes.io/master": "",
      "x.k8s.io/y": "",
    };
    expect(await created(node("n1", { ...OWN, ...others }))).toBe(
      'nodes "n1" is forbidden: node "n1" is not allowed to set the following labels: node-restriction.kubernetes.io/fips, node-role.kubernetes.io/master, x.k8s.io/y',
    );
  });

  it("change neither taints nor owners nor what labels others gave them", async () => {
    const given = node("n1", { "node-role.kubernetes.io/worker": "" }, [{ key: "k", effect: "NoSchedule" }]);
    const same = structuredClone(given);
    same.metadata.labels = { ...same.metadata.labels, plain: "new" };
    expect(await updated(given, same)).toBe("");
    expect(await updated(given, node("n1", given.metadata.labels))).toBe(
      'nodes "n1" is forbidden: node "n1" is not allowed to modify taints',
    );
    const adopted = structuredClone(given);
    adopted.metadata.ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "gone", uid: "gone" }];
    for (const [old, next] of [
      [given, adopted],
      [adopted, given],
    ] as const)
      expect(await updated(old, next)).toBe(
        'nodes "n1" is forbidden: node "n1" is not allowed to modify ownerReferences',
      );
    expect(await updated(node("n1", { "node-role.kubernetes.io/worker": "" }), node("n1"))).toBe(
      'nodes "n1" is forbidden: is not allowed to modify labels: node-role.kubernetes.io/worker',
    );
  });
});

it.each<[string, Partial<AdmissionAttributes>, string]>([
  ["its lease", { namespace: "kube-node-lease", name: "n1" }, ""],
  [
    "another's lease",
    { namespace: "kube-node-lease", name: "n2" },
    'leases.coordination.k8s.io "n2" is forbidden: can only access node lease with the same name as the requesting node',
  ],
  [
    "a lease elsewhere",
    { namespace: "kube-system", name: "n1" },
    'leases.coordination.k8s.io "n1" is forbidden: can only access leases in the "kube-node-lease" system namespace',
  ],
])("%s", async (_, parts, expected) => {
  expect(await said({ group: "coordination.k8s.io", resource: "leases", operation: "UPDATE", ...parts })).toBe(
    expected,
  );
});

it("a node evicts what it runs", async () => {
  const eviction = { operation: "CREATE" as const, subresource: "eviction" };
  expect(await said({ ...eviction, name: "mine" })).toBe("");
  expect(await said({ ...eviction, name: "another" })).toBe(
    'pods "another" is forbidden: node n1 can only evict pods with spec.nodeName set to itself',
  );
  expect(await said({ ...eviction, name: "none" })).toBe('pods "none" not found');
});

const claim = (status: object, metadata: object = {}, spec: object = {}) =>
  ({ metadata: { name: "c", ...metadata }, spec, status }) as KubeObject;

describe("of claims a node says how large they are", () => {
  const request = { resource: "persistentvolumeclaims", operation: "UPDATE" as const, name: "c" };
  const before = claim({ phase: "Bound", capacity: { storage: "1Gi" } }, { resourceVersion: "1" });

  it.each<[string, KubeObject, string]>([
    ["their capacity", claim({ phase: "Bound", capacity: { storage: "2Gi" }, conditions: [] }), ""],
    ["how they grow", claim({ phase: "Bound", allocatedResourceStatuses: { storage: "NodeResizePending" } }), ""],
    ["no phase", claim({ phase: "Lost", capacity: { storage: "1Gi" } }), "status.phase"],
    ["no label", claim({ phase: "Bound" }, { labels: { a: "b" } }), "metadata.labels"],
    ["no spec", claim({ phase: "Bound" }, {}, { volumeName: "v" }), "spec.volumeName"],
  ])("%s", async (_, object, changed) => {
    const why = `persistentvolumeclaims "c" is forbidden: node "n1" is not allowed to update fields other than status.quantity and status.conditions: ${changed}`;
    expect(await said({ ...request, subresource: "status", object, oldObject: before })).toBe(
      changed === "" ? "" : why,
    );
  });

  it("nothing else", async () => {
    expect(await said(request)).toBe('persistentvolumeclaims "c" is forbidden: may only update PVC status');
  });
});
