import { describe, expect, it } from "vitest";
import { createSchema } from "../schema/schema.ts";
import { createFieldFacts, type TypeFact } from "./field-facts.ts";

const facts = createFieldFacts();

function fieldOf(definition: string, name: string) {
  const struct = facts.struct(definition);
  return struct?.fields[struct.index.get(name) ?? -1];
}

describe("field facts", () => {
  it.each([
    ["io.k8s.api.apps.v1.DeploymentSpec", "replicas", { number: 1, omitEmpty: true }, { form: "int32", pointer: true }],
    ["io.k8s.api.core.v1.PodSpec", "hostNetwork", { number: 11, omitEmpty: true }, { form: "bool", pointer: false }],
    ["io.k8s.api.core.v1.Container", "imagePullPolicy", { number: 14 }, { form: "string", goType: "v1.PullPolicy" }],
    ["io.k8s.api.core.v1.ResourceRequirements", "limits", { number: 1 }, { form: "map", goType: "v1.ResourceList" }],
    ["io.k8s.api.core.v1.ConfigMap", "data", { number: 2 }, { form: "map", goType: "map[string]string" }],
    ["io.k8s.api.core.v1.ConfigMap", "binaryData", { number: 3 }, { form: "map", goType: "map[string][]uint8" }],
    ["io.k8s.api.apps.v1.ReplicaSetStatus", "replicas", { omitEmpty: false }, { form: "int32", pointer: false }],
    ["io.k8s.api.core.v1.PodSpec", "containers", { number: 2 }, { form: "list", goType: "[]v1.Container" }],
    ["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "creationTimestamp", { omitZero: true }, { special: "time" }],
  ])("%s.%s", (definition, name, field, type) => {
    expect(fieldOf(definition, name)).toMatchObject({ ...field, type });
  });

  it("spreads embedded structs in JSON and numbers them in protobuf", () => {
    const volume = facts.struct("io.k8s.api.core.v1.Volume");
    expect(volume?.index.has("configMap")).toBe(true);
    expect(volume?.byNumber.get(2)).toMatchObject({ name: "", type: { form: "struct" } });
  });

  it("agrees with OpenAPI on the members of every type", () => {
    const schema = createSchema();
    const differences: string[] = [];
    for (const definition of facts.definitions()) {
      const declared = schema.definition(definition);
      if (!declared) continue;
      const members = Object.keys(declared.properties ?? {}).toSorted();
      const known = (facts.struct(definition)?.fields ?? []).map((field) => field.name).toSorted();
      if (members.join() !== known.join()) differences.push(`${definition}: ${members.join()} ≠ ${known.join()}`);
    }
    expect(differences).toEqual([]);
  });

  it("has facts of every type it refers to", () => {
    const check = (type: TypeFact): void => {
      if (type.form === "list" || type.form === "map") check(type.of);
      if (type.form === "struct") expect(facts.struct(type.definition), type.definition).toBeDefined();
    };
    for (const definition of facts.definitions())
      facts.struct(definition)?.fields.forEach((field) => check(field.type));
  });

  it("knows nothing of other names", () => {
    expect(facts.struct("io.k8s.api.core.v1.Nothing")).toBeUndefined();
    expect(facts.struct("io.k8s.api.core.v1.constructor")).toBeUndefined();
    expect(facts.struct("Pod")).toBeUndefined();
  });
});
