import { describe, expect, it } from "vitest";
import { createSchema } from "./schema.ts";

const schema = createSchema();

describe("schema of the built-ins", () => {
  it("resolves a type with its members, references and merge rules", () => {
    const pod = schema.node("io.k8s.api.core.v1.Pod");
    const containers = pod?.properties?.get("spec")?.properties?.get("containers");
    expect(containers).toMatchObject({
      type: "array",
      listType: "map",
      listMapKeys: ["name"],
      patchStrategy: "merge",
      patchMergeKey: "name",
    });
    const ports = containers?.items?.properties?.get("ports");
    expect(ports?.listMapKeys).toEqual(["containerPort", "protocol"]);
  });

  it.each([
    ["io.k8s.api.core.v1.ResourceRequirements", "limits", "additional", { type: "string", format: "quantity" }],
    ["io.k8s.api.core.v1.ServicePort", "targetPort", undefined, { type: "string", format: "int-or-string" }],
    ["io.k8s.api.coordination.v1.LeaseSpec", "renewTime", undefined, { type: "string", format: "micro-time" }],
    ["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "creationTimestamp", undefined, { format: "date-time" }],
    ["io.k8s.api.apps.v1.ControllerRevision", "data", undefined, { type: "object", preserveUnknown: true }],
    ["io.k8s.api.core.v1.Secret", "data", "additional", { type: "string", format: "byte" }],
  ] as const)("%s.%s", (definition, field, member, expected) => {
    const node = schema.node(definition)?.properties?.get(field);
    expect(member ? node?.[member] : node).toMatchObject(expected);
  });

  it("keeps what the place of use says apart from the definition", () => {
    const strategy = schema.node("io.k8s.api.apps.v1.DeploymentSpec")?.properties?.get("strategy");
    expect(strategy?.patchStrategy).toBe("retainKeys");
    expect(strategy?.properties?.has("rollingUpdate")).toBe(true);
    expect(schema.node("io.k8s.api.apps.v1.DeploymentStrategy")?.patchStrategy).toBeUndefined();
  });

  it("gives the same node again and follows cycles", () => {
    const name = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
    const node = schema.node(name);
    expect(node?.properties?.get("not")).toBe(node);
    expect(schema.node(name)).toBe(node);
  });

  it("knows nothing of a name that is not defined", () => {
    expect(schema.node("io.k8s.api.core.v1.Nothing")).toBeUndefined();
    expect(schema.node("__proto__")).toBeUndefined();
  });

  it("resolves every reference of every definition", () => {
    expect(schema.names().length).toBe(771);
    const seen = new Set<object>();
    const visit = (node: ReturnType<typeof schema.node>): void => {
      if (!node || seen.has(node)) return;
      seen.add(node);
      node.properties?.forEach(visit);
      visit(node.additional);
      visit(node.items);
    };
    for (const name of schema.names()) visit(schema.node(name));
    expect(seen.size).toBeGreaterThan(3000);
  });
});
