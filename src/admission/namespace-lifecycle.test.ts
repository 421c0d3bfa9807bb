import { describe, expect, it } from "vitest";
import { isStatusError } from "../machinery/status-error.ts";
import { createNamespaceLifecycle } from "./namespace-lifecycle.ts";
import { attributesOf, podWith } from "./testing/attributes.ts";

const plugin = createNamespaceLifecycle();

describe("NamespaceLifecycle", () => {
  it("has the write of a create check its namespace", () => {
    const attributes = attributesOf({ object: podWith() });
    void plugin.mutate?.(attributes);
    expect(attributes.conditions).toEqual([{ kind: "namespace-active", name: "ns" }]);
  });

  it.each([
    ["an update", { operation: "UPDATE" as const }],
    ["a deletion", { operation: "DELETE" as const }],
    ["an object without a namespace", { namespace: "", resource: "nodes" }],
    ["a subresource, which a namespace needs on its way out", { subresource: "eviction" }],
  ])("asks nothing of %s", (_, parts) => {
    const attributes = attributesOf(parts);
    void plugin.mutate?.(attributes);
    expect(attributes.conditions).toEqual([]);
  });

  it.each(["default", "kube-system", "kube-public", "kube-node-lease"])("keeps %s", (name) => {
    let refusal: unknown;
    try {
      void plugin.validate?.(attributesOf({ operation: "DELETE", resource: "namespaces", namespace: name, name }));
    } catch (error) {
      refusal = error;
    }
    expect(isStatusError(refusal, "Forbidden") && refusal.toStatus()).toMatchObject({
      message: `namespaces "${name}" is forbidden: this namespace may not be deleted`,
      code: 403,
      details: { name, kind: "namespaces" },
    });
  });

  it.each([
    ["another namespace", { operation: "DELETE" as const, resource: "namespaces", name: "mine" }],
    ["an update of default", { operation: "UPDATE" as const, resource: "namespaces", name: "default" }],
    ["a pod named default", { operation: "DELETE" as const, name: "default" }],
    [
      "namespaces of another group",
      { operation: "DELETE" as const, group: "x.io", resource: "namespaces", name: "default" },
    ],
  ])("lets pass %s", (_, parts) => {
    expect(() => plugin.validate?.(attributesOf(parts))).not.toThrow();
  });
});
