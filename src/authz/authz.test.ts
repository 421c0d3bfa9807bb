import { describe, expect, it } from "vitest";
import { ANONYMOUS, AUTHENTICATED_GROUP, MASTERS_GROUP, NODES_GROUP, type User } from "../authn/authenticator.ts";
import { isStatusError } from "../machinery/status-error.ts";
import type { Attributes } from "./authorizer.ts";
import { defaultClusterPolicy, defaultNamespacePolicy } from "./defaults/index.ts";
import { assertAuthorized, createAuthorizer } from "./index.ts";
import type { NodeReferences } from "./node.ts";
import { indexOf } from "./rbac/testing/objects.ts";

const references: Record<string, NodeReferences> = {
  n1: {
    pods: new Set(["a/p1"]),
    secrets: new Set(["a/s1"]),
    configMaps: new Set(["a/c1"]),
    serviceAccounts: new Set(["a/default"]),
    persistentVolumeClaims: new Set(),
  },
};
const NOTHING: NodeReferences = {
  pods: new Set(),
  secrets: new Set(),
  configMaps: new Set(),
  serviceAccounts: new Set(),
  persistentVolumeClaims: new Set(),
};
const policy = indexOf(
  [...defaultClusterPolicy(), ...defaultNamespacePolicy()].map(({ ref, object }) => [ref, object]),
);
const authorizer = createAuthorizer({
  nodeReferences: async (node) => references[node] ?? NOTHING,
  policy: { current: () => policy },
});

const admin: User = { name: "admin", groups: [MASTERS_GROUP] };
const somebody: User = { name: "somebody", groups: [AUTHENTICATED_GROUP] };
const node: User = { name: "system:node:n1", groups: [NODES_GROUP, AUTHENTICATED_GROUP] };
const controller = (name: string): User => ({
  name: `system:serviceaccount:kube-system:${name}`,
  groups: [AUTHENTICATED_GROUP],
});

/** "get a/pods/p1/log", "list /nodes", "create apps:a/deployments": namespace before the slash, group before the colon. */
function ask(user: User, text: string, fieldSelector?: string): Attributes {
  const [verb = "", target = ""] = text.split(" ");
  const [group, rest] = target.includes(":") ? (target.split(":") as [string, string]) : ["", target];
  const [namespace = "", resource = "", name = "", subresource = ""] = rest.split("/");
  const what = { group, version: "v1", resource, subresource, namespace, name };
  return { user, verb, path: "", resource: what, ...(fieldSelector === undefined ? {} : { fieldSelector }) };
}

async function allowed(attributes: Attributes): Promise<boolean> {
  return (await authorizer.authorize(attributes)).verdict === "allow";
}

const getPath = (user: User, at: string): Attributes => ({ user, verb: "get", path: at });

const scheduler: User = { name: "system:kube-scheduler", groups: [AUTHENTICATED_GROUP] };

describe("the default policy", () => {
  it.each([
    [admin, "delete anything:x/y/z", true],
    [somebody, "list a/pods", false],
    [somebody, "create authorization.k8s.io:/selfsubjectaccessreviews", true],
    [ANONYMOUS, "create authorization.k8s.io:/selfsubjectaccessreviews", false],
    [controller("replicaset-controller"), "create a/pods", true],
    [controller("replicaset-controller"), "delete a/secrets/s", false],
    [controller("replicaset-controller"), "update apps:a/replicasets/r/status", true],
    [controller("deployment-controller"), "create apps:a/replicasets", true],
    [controller("deployment-controller"), "update apps:a/deployments/d/status", true],
    [controller("endpointslice-controller"), "create discovery.k8s.io:a/endpointslices", true],
    [controller("namespace-controller"), "update a/namespaces/a/finalize", true],
    [controller("generic-garbage-collector"), "delete apps:a/replicasets/r", true],
    [controller("root-ca-cert-publisher"), "create a/configmaps", true],
    [controller("node-controller"), "patch /nodes/n/status", true],
    [controller("disruption-controller"), "get x.io:a/things/t/scale", true],
    [scheduler, "create a/pods/p/binding", true],
    [scheduler, "create a/pods", false],
    [controller("made-up-controller"), "list a/pods", false],
  ])("$name: %s %s", async (user, text, expected) => {
    expect(await allowed(ask(user, text))).toBe(expected);
  });

  it("serves health to everyone and discovery to the authenticated", async () => {
    expect(await allowed(getPath(ANONYMOUS, "/healthz"))).toBe(true);
    expect(await allowed(getPath(ANONYMOUS, "/apis"))).toBe(false);
    expect(await allowed(getPath(somebody, "/apis/apps/v1"))).toBe(true);
    expect(await allowed(getPath(somebody, "/metrics"))).toBe(false);
    expect(await allowed({ user: somebody, verb: "post", path: "/apis" })).toBe(false);
  });
});

describe("the node authorizer", () => {
  it.each([
    ["get /nodes/n2", true],
    ["patch /nodes/n1/status", true],
    ["patch /nodes/n2/status", false],
    ["delete /nodes/n1", false],
    ["update coordination.k8s.io:kube-node-lease/leases/n1", true],
    ["update coordination.k8s.io:kube-node-lease/leases/n2", false],
    ["update coordination.k8s.io:a/leases/n1", false],
    ["get a/pods/p1", true],
    ["get a/pods/p2", false],
    ["update a/pods/p1/status", true],
    ["update a/pods/p2/status", false],
    ["delete a/pods/p1", true],
    ["update a/pods/p1", false],
    ["get a/secrets/s1", true],
    ["get a/secrets/s2", false],
    ["get b/secrets/s1", false],
    ["list a/secrets", false],
    ["update a/secrets/s1", false],
    ["get a/configmaps/c1", true],
    ["get a/configmaps/c2", false],
    ["create a/serviceaccounts/default/token", true],
    ["create a/serviceaccounts/other/token", false],
    ["list /services", true],
    ["list discovery.k8s.io:/endpointslices", true],
    ["create a/events", true],
    ["create apps:a/deployments", false],
  ])("%s: %s", async (text, expected) => {
    expect(await allowed(ask(node, text))).toBe(expected);
  });

  it("lists pods only by its own name", async () => {
    expect(await allowed(ask(node, "list /pods", "spec.nodeName=n1"))).toBe(true);
    expect(await allowed(ask(node, "watch /pods", "spec.nodeName=n1,status.phase!=Failed"))).toBe(true);
    expect(await allowed(ask(node, "list /pods", "spec.nodeName=n2"))).toBe(false);
    expect(await allowed(ask(node, "list /pods", "spec.nodeName!=n1"))).toBe(false);
    expect(await allowed(ask(node, "list /pods"))).toBe(false);
  });

  it("needs the group, not only the name", async () => {
    expect(await allowed(ask({ name: "system:node:n1", groups: [AUTHENTICATED_GROUP] }, "get a/secrets/s1"))).toBe(
      false,
    );
  });
});

const refusal = async (attributes: Attributes): Promise<string> => {
  try {
    await assertAuthorized(authorizer, attributes);
    return "allowed";
  } catch (error) {
    return isStatusError(error, "Forbidden") ? error.message : String(error);
  }
};

describe("a refusal", () => {
  it("says what Kubernetes says", async () => {
    expect(await refusal(ask(somebody, "list y/pods"))).toBe(
      'pods is forbidden: User "somebody" cannot list resource "pods" in API group "" in the namespace "y"',
    );
    expect(await refusal(ask(somebody, "get apps:y/deployments/d/status"))).toBe(
      'deployments.apps "d" is forbidden: User "somebody" cannot get resource "deployments/status" in API group "apps" in the namespace "y"',
    );
    expect(await refusal(ask(somebody, "list /nodes"))).toBe(
      'nodes is forbidden: User "somebody" cannot list resource "nodes" in API group "" at the cluster scope',
    );
    expect(await refusal({ user: ANONYMOUS, verb: "get", path: "/apis" })).toBe(
      'forbidden: User "system:anonymous" cannot get path "/apis"',
    );
  });
});
