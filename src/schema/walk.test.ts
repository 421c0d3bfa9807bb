import { describe, expect, it } from "vitest";
import { createSchema } from "./schema.ts";
import { walkSchema } from "./walk.ts";

const node = createSchema().node("io.k8s.api.apps.v1.Deployment");
if (!node) throw new Error("no schema of a Deployment");

const container = { name: "c", resources: { limits: { cpu: 1, memory: "1Gi" } } };
const good = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "d", labels: { a: "b" } },
  spec: { replicas: 0, template: { spec: { containers: [container] } } },
};

describe("walkSchema", () => {
  it("copies a valid object without a fault", () => {
    const result = walkSchema(good, node);
    expect(result).toEqual({ value: good, unknownFields: [], mismatches: [] });
    expect(result.value).not.toBe(good);
  });

  it("prunes and names what is undeclared, in order", () => {
    const object = {
      ...good,
      foo: 1,
      spec: { bar: {}, template: { spec: { containers: [container, { ...container, baz: [] }] } } },
    };
    const result = walkSchema(object, node);
    expect(result.unknownFields).toEqual(["spec.bar", "spec.template.spec.containers[1].baz", "foo"]);
    expect(JSON.stringify(result.value)).not.toMatch(/foo|bar|baz/);
  });

  it("drops nulls unless told to keep them", () => {
    expect(walkSchema({ spec: { replicas: null } }, node).value).toEqual({ spec: {} });
    expect(walkSchema({ spec: { replicas: null } }, node, { keepNulls: true }).value).toEqual({
      spec: { replicas: null },
    });
  });

  it.each([
    [{ spec: { replicas: "3" } }, "spec.replicas", "integer", "string"],
    [{ spec: { replicas: 1.5 } }, "spec.replicas", "integer", "number"],
    [{ spec: [] }, "spec", "object", "array"],
    [{ spec: { paused: "true" } }, "spec.paused", "boolean", "string"],
    [{ metadata: { labels: { a: 1 } } }, "metadata.labels.a", "string", "number"],
    [{ metadata: { finalizers: "x" } }, "metadata.finalizers", "array", "string"],
    [[], "", "object", "array"],
    ["text", "", "object", "string"],
  ])("finds the wrong type in %j", (object, path, expected, found) => {
    expect(walkSchema(object, node).mismatches).toMatchObject([{ path, expected, found }]);
  });

  it("bounds the faults it collects", () => {
    const object = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`x${i}`, 1]));
    expect(walkSchema(object, node).unknownFields).toHaveLength(100);
  });
});
