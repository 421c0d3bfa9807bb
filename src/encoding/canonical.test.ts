import { describe, expect, it } from "vitest";
import { canonicalise, decodeTyped } from "./canonical.ts";

const DEPLOYMENT = "io.k8s.api.apps.v1.Deployment";
const POD = "io.k8s.api.core.v1.Pod";
const CRD = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition";

function podSpec(spec: object): Record<string, unknown> {
  return canonicalise({ spec }, POD).spec as Record<string, unknown>;
}

function container(members: object): unknown {
  const [first] = podSpec({ containers: [{ name: "c", ...members }] })["containers"] as object[];
  return first;
}

describe("canonicalise", () => {
  it.each([
    ["a quantity", { resources: { limits: { cpu: "1000m" } } }, { name: "c", resources: { limits: { cpu: "1" } } }],
    ["a quantity as number", { resources: { limits: { cpu: 2 } } }, { name: "c", resources: { limits: { cpu: "2" } } }],
    ["an empty list", { ports: [], args: [] }, { name: "c", resources: {} }],
    ["a null", { image: null, ports: null }, { name: "c", resources: {} }],
    ["zero of a plain field", { tty: false, image: "" }, { name: "c", resources: {} }],
    ["a required zero", { ports: [{}] }, { name: "c", ports: [{ containerPort: 0 }], resources: {} }],
    [
      "a plain quantity",
      { env: [{ name: "E", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } }] },
      {
        name: "c",
        env: [{ name: "E", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "0" } } }],
        resources: {},
      },
    ],
  ])("%s", (_what, sent, expected) => {
    expect(container(sent)).toEqual(expected);
  });

  it("keeps zero behind pointers and drops plain zeros", () => {
    const sent = {
      replicas: 0,
      paused: false,
      minReadySeconds: 0,
      revisionHistoryLimit: 0,
      progressDeadlineSeconds: null,
    };
    const { spec } = canonicalise({ metadata: {}, spec: sent }, DEPLOYMENT);
    expect(spec).toEqual({
      replicas: 0,
      revisionHistoryLimit: 0,
      strategy: {},
      template: { metadata: {}, spec: {} },
    });
    expect(podSpec({ hostNetwork: false, enableServiceLinks: false })).toEqual({ enableServiceLinks: false });
  });

  it("prints plain structs and required numbers of a status, as Go does", () => {
    expect(canonicalise({ metadata: { name: "r" } }, "io.k8s.api.apps.v1.ReplicaSet")).toEqual({
      metadata: { name: "r" },
      spec: { template: { metadata: {}, spec: {} } },
      status: { replicas: 0 },
    });
  });

  it("normalises times and drops Go's zero time", () => {
    const meta = { creationTimestamp: "2026-11-24T05:00:00+02:00", deletionTimestamp: null };
    expect(canonicalise({ metadata: meta }, POD).metadata).toEqual({ creationTimestamp: "2026-11-24T03:00:00Z" });
    const lease = { spec: { renewTime: "2026-11-24T05:00:00.100000+02:00" } };
    expect(canonicalise(lease, "io.k8s.api.coordination.v1.Lease").spec.renewTime).toBe("2026-11-24T03:00:00.100000Z");
  });

  it("keeps int-or-string as it came; zero reads like none", () => {
    const ports = [
      { port: 1, targetPort: "http" },
      { port: 2, targetPort: 8080 },
      { port: 3, targetPort: 0 },
    ];
    const service = canonicalise({ spec: { ports } }, "io.k8s.api.core.v1.Service");
    expect(service.spec.ports.map((port) => port.targetPort)).toEqual(["http", 8080, undefined]);
  });

  it("writes members in struct order", () => {
    const object = { spec: {}, metadata: { namespace: "n", name: "m" }, apiVersion: "v1", kind: "Pod" };
    const text = JSON.stringify(canonicalise(object, POD));
    expect(text).toBe('{"kind":"Pod","apiVersion":"v1","metadata":{"name":"m","namespace":"n"},"spec":{},"status":{}}');
  });

  it("leaves free-form parts alone", () => {
    const data = { a: { b: null, c: [], d: 0, e: "1000m" } };
    expect(canonicalise({ data }, "io.k8s.api.apps.v1.ControllerRevision").data).toEqual(data);
    const managed = [{ manager: "m", fieldsV1: { "f:spec": { "f:x": {} } } }];
    expect(canonicalise({ metadata: { managedFields: managed } }, POD).metadata.managedFields).toEqual(managed);
  });

  it("reads the unions of CRD schemas", () => {
    const schema = {
      type: "object",
      properties: { a: { type: "array", items: { type: "string", default: null, enum: ["x", null] } } },
      additionalProperties: false,
      maximum: 0,
    };
    const version = { name: "v1", served: false, storage: true, schema: { openAPIV3Schema: schema } };
    const spec = { group: "g", names: { plural: "p", kind: "K" }, scope: "Namespaced", versions: [version] };
    const { spec: canonical } = canonicalise({ spec }, CRD);
    expect(canonical.versions[0]?.schema.openAPIV3Schema).toEqual({
      ...schema,
      properties: { a: { type: "array", items: { type: "string", enum: ["x", null] } } },
    });
    expect(canonical.versions[0]?.served).toBe(false);
  });

  it("is idempotent", () => {
    const object = {
      metadata: { name: "x", labels: {}, annotations: { a: "" } },
      spec: {
        selector: {},
        template: {
          spec: { containers: [{ resources: { requests: { cpu: "0.5", memory: "1024Mi" } }, env: [{ name: "" }] }] },
        },
      },
    };
    const once = canonicalise(object, DEPLOYMENT);
    expect(JSON.stringify(canonicalise(once, DEPLOYMENT))).toBe(JSON.stringify(once));
    expect(JSON.stringify(once)).toContain('"requests":{"cpu":"500m","memory":"1Gi"}');
  });
});

describe("decodeTyped", () => {
  it("names unknown members in document order and drops them", () => {
    const object = {
      foo: 1,
      spec: { bar: {}, template: { spec: { containers: [{}, { name: "b", baz: 1 }] } }, replicas: 1 },
      metadata: { labels: { free: "x" }, Name: "case matters" },
    };
    const { value, unknownFields } = decodeTyped(object, DEPLOYMENT);
    expect(unknownFields).toEqual(["foo", "spec.bar", "spec.template.spec.containers[1].baz", "metadata.Name"]);
    expect(JSON.stringify(value)).not.toMatch(/foo|bar|baz|Name/);
  });

  it.each([
    [{ spec: { replicas: "3" } }, "string into Go struct field DeploymentSpec.spec.replicas of type int32"],
    [{ spec: { replicas: 1.5 } }, "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"],
    [{ spec: { replicas: 3e9 } }, "number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32"],
    [{ spec: "x" }, "string into Go struct field Deployment.spec of type v1.DeploymentSpec"],
    [{ spec: { paused: 1 } }, "number into Go struct field DeploymentSpec.spec.paused of type bool"],
    [{ metadata: [] }, "array into Go struct field Deployment.metadata of type v1.ObjectMeta"],
    [{ metadata: { labels: { a: 1 } } }, "number into Go struct field ObjectMeta.metadata.labels of type string"],
    [{ metadata: { labels: "a" } }, "string into Go struct field ObjectMeta.metadata.labels of type map[string]string"],
    [
      { spec: { template: { spec: { containers: {} } } } },
      "object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
    ],
    [
      { spec: { template: { spec: { containers: [{ imagePullPolicy: true }] } } } },
      "bool into Go struct field Container.spec.template.spec.containers.imagePullPolicy of type v1.PullPolicy",
    ],
    [[], "array into Go value of type v1.Deployment"],
  ])("refuses %j", (object, message) => {
    expect(() => decodeTyped(object, DEPLOYMENT)).toThrow(`json: cannot unmarshal ${message}`);
  });

  it.each([
    [POD, { metadata: { creationTimestamp: "now" } }, 'parsing time "now" as'],
    [POD, { metadata: { creationTimestamp: 5 } }, "json: cannot unmarshal number into Go value of type string"],
    [POD, { spec: { overhead: { cpu: "lots" } } }, "quantities must match the regular expression"],
    [POD, { spec: { overhead: { cpu: true } } }, "quantities must match the regular expression"],
    ["io.k8s.api.core.v1.Secret", { data: { a: "*" } }, "illegal base64 data at input byte 0"],
    ["io.k8s.api.core.v1.Secret", { data: { a: "YWI" } }, "illegal base64 data at input byte 0"],
  ])("%s: %j", (definition, object, message) => {
    expect(() => decodeTyped(object, definition)).toThrow(message);
  });
});
