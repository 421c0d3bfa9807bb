/**
 * Terraform's provider for Kubernetes, request by request: `kubernetes_manifest` finds the type of everything that can be created, plans
 * and applies it, and then has nothing left to do; what its typed resources send is taken as well.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kinds } from "../../src/kinds/index.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import {
  createTerraformProvider,
  ProviderError,
  type Configuration,
  type TerraformProvider,
} from "../harness/terraform/provider.ts";
import { createFoundry, type Foundry, type SchemaNode, type TerraformType } from "../harness/terraform/types.ts";
import { isFields, UNKNOWN, type Value } from "../harness/terraform/values.ts";
import { manifests, type Manifest } from "../manifests/index.ts";

let api: TestCluster;
let terraform: TerraformProvider;
let foundry: Foundry;
beforeAll(async () => {
  api = await createTestCluster({ config: { plugins: { enable: [], disable: ["DenyServiceExternalIPs"] } } });
  for (const namespace of ["default", "kube-system"]) {
    const body = { metadata: { name: "default" } };
    await api.call(`/api/v1/namespaces/${namespace}/serviceaccounts`, { method: "POST", body });
  }
  terraform = await createTerraformProvider((path, init) => api.call(path, init));
  foundry = createFoundry((await api.call<{ definitions: Record<string, SchemaNode> }>("/openapi/v2")).body);
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const nameOf = ({ group, version, kind }: { group: string; version: string; kind: string }) =>
  `${group === "" ? version : `${group}/${version}`} ${kind}`;

/** What any JSON may be, by kind: everything else has a type. */
const UNTYPED: Readonly<Record<string, readonly string[]>> = {
  "apps/v1 ControllerRevision": [".data"],
  "apiextensions.k8s.io/v1 CustomResourceDefinition": [
    ".spec.versions[].schema.openAPIV3Schema",
    ".spec.versions[].subresources.status",
  ],
  "resource.k8s.io/v1 DeviceClass": [".spec.config[].opaque.parameters"],
  "resource.k8s.io/v1 ResourceClaim": [".spec.devices.config[].opaque.parameters"],
  "resource.k8s.io/v1 ResourceClaimTemplate": [".spec.spec.devices.config[].opaque.parameters"],
};

describe("the type of", () => {
  it.each(kinds.map((kind) => [nameOf(kind), kind] as const))("%s is known to its leaves", (name, kind) => {
    const type = foundry.typeOf(kind);
    if (type.form !== "object") throw new Error(`a ${type.form}`);
    expect(type.attributes).toMatchObject({
      apiVersion: { form: "string" },
      kind: { form: "string" },
      metadata: { form: "object", attributes: { labels: { form: "map", element: { form: "string" } } } },
    });
    const untyped = untypedPaths(type).filter((path) => !path.endsWith(".metadata.managedFields[].fieldsV1"));
    expect(untyped).toEqual(UNTYPED[name] ?? []);
  });

  it("amounts and ports is a string, and a port is known to be a number, too", () => {
    const type = foundry.typeOf({ group: "", version: "v1", kind: "Service" });
    expect(partOf(type, "spec.ports[].targetPort")).toEqual({ form: "string", isIntOrString: true });
    const pod = foundry.typeOf({ group: "", version: "v1", kind: "Pod" });
    expect(partOf(pod, "spec.containers[].resources.limits{}")).toEqual({ form: "string" });
  });

  it("what a definition defines is read from the definition as it is stored", async () => {
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    const made = await api.call(path, { method: "POST", body: widgets });
    expect(made.status).toBe(201);
    const { body } = await api.call<{ items: (typeof widgets)[] }>(path, { headers: { accept: "application/json" } });
    const stored = body.items.find(({ spec }) => spec.group === "shop.example.com");
    const type = foundry.typeOfSchema(stored?.spec.versions[0]?.schema.openAPIV3Schema ?? {});
    expect(partOf(type, "spec")).toEqual({
      form: "object",
      attributes: {
        port: { form: "string", isIntOrString: true },
        free: { form: "dynamic" },
        sizes: { form: "list", element: { form: "number" } },
        mixed: { form: "tuple", element: { form: "object", attributes: { any: { form: "dynamic" } } } },
        notes: { form: "map", element: { form: "string" } },
      },
    });
    expect(partOf(type, "metadata")).toMatchObject({ form: "object" });
    await api.call(`${path}/widgets.shop.example.com`, { method: "DELETE" });
  });
});

const widgets = {
  metadata: { name: "widgets.shop.example.com" },
  spec: {
    group: "shop.example.com",
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                properties: {
                  port: { "x-kubernetes-int-or-string": true },
                  free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
                  sizes: { type: "array", items: { type: "integer" } },
                  mixed: {
                    type: "array",
                    items: { type: "object", properties: { any: { "x-kubernetes-preserve-unknown-fields": true } } },
                  },
                  notes: { type: "object", additionalProperties: { type: "string" } },
                },
              },
            },
          },
        },
      },
    ],
  },
};

/**
 * What the server makes of the manifest is not what it says, with any server: other spellings, or lists and maps that it adds to. The
 * provider then reports an error, after all is stored.
 */
const INCONSISTENT: Readonly<Record<string, readonly string[]>> = {
  "apps/v1 Deployment/written-loosely": [
    "spec.template.spec.containers[0].resources.limits.cpu",
    "spec.template.spec.containers[0].resources.limits.memory",
    "spec.template.spec.containers[0].resources.requests.cpu",
    "spec.template.spec.containers[0].resources.requests.memory",
  ],
  "batch/v1 Job/indexed": [
    "spec.template.metadata.labels.batch.kubernetes.io/controller-uid",
    "spec.template.metadata.labels.batch.kubernetes.io/job-name",
    "spec.template.metadata.labels.controller-uid",
    "spec.template.metadata.labels.job-name",
  ],
  // It has finalizers, and the one that protects it is added to them.
  "v1 PersistentVolume/pvc-0b1a4d1e": ["metadata.finalizers"],
  "v1 Pod/dual-container": ["spec.containers[0].volumeMounts", "spec.containers[1].volumeMounts", "spec.volumes"],
  "v1 Pod/every-volume": ["spec.containers[0].volumeMounts", "spec.volumes"],
  "v1 Pod/security-context-demo": ["spec.containers[0].volumeMounts", "spec.volumes"],
  "v1 Pod/with-affinity": ["spec.tolerations"],
  "v1 Secret/from-strings": ["stringData"],
};

describe.each(manifests.map((manifest) => [manifest.id, manifest] as const))("%s", (id, manifest) => {
  const wanted = configured(manifest);

  it("is planned, created, found as it was left, changed, changed back and destroyed", async () => {
    const planned = await terraform.plan(wanted);
    expect(partsOf(planned)).toMatchObject({ apiVersion: wanted.apiVersion, kind: wanted.kind });
    expect(partsOf(partsOf(planned)["metadata"])["finalizers"]).toEqual(wanted.metadata.finalizers ?? UNKNOWN);

    const expected = INCONSISTENT[id];
    if (expected) {
      const report = `Provider produced inconsistent result after apply: ${expected.join(", ")}`;
      await expect(terraform.apply(wanted)).rejects.toThrow(report);
    } else {
      const made = await terraform.apply(wanted);
      expect(await terraform.refresh(made)).toEqual(made);
      expect(await terraform.plan(wanted, made)).toEqual(made.object);

      const labelled = withLabel(wanted);
      const change = await terraform.plan(labelled, made);
      expect(change).toEqual({ ...partsOf(made.object), metadata: { ...metadataOf(made.object), labels: UNKNOWN } });
      const changed = await terraform.apply(labelled, made);
      expect(metadataOf(changed.object)["labels"]).toMatchObject(labelled.metadata.labels ?? {});
      expect(await terraform.plan(labelled, changed)).toEqual(changed.object);

      const back = await terraform.apply(wanted, changed);
      expect(back.object).toEqual(made.object);
    }
    await terraform.destroy({ manifest: wanted, object: null });
    await release(wanted);
    expect(await terraform.refresh({ manifest: wanted, object: null })).toBeUndefined();
  });
});

const settings: Configuration = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "settings", namespace: "default" },
  data: { colour: "blue" },
};
const SETTINGS = "/api/v1/namespaces/default/configmaps/settings";

describe("an object that others change, too", () => {
  it("is planned to be as it is configured, and conflicts with who set the field, unless forced", async () => {
    const made = await terraform.apply(settings);
    const body = { data: { colour: "red" } };
    await api.call(`${SETTINGS}?fieldManager=kubectl-edit`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body,
    });
    const found = await terraform.refresh(made);
    if (!found) throw new Error("it is gone");
    expect(partsOf(found.object)["data"]).toEqual({ colour: "red" });
    expect(partsOf(await terraform.plan(settings, found))["data"]).toEqual({ colour: "blue" });

    const refused = await terraform.apply(settings, found).catch((error: unknown) => error);
    if (!(refused instanceof ProviderError)) throw new Error("it was not refused");
    expect(refused.status).toMatchObject({
      code: 409,
      reason: "Conflict",
      message: 'Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .data.colour',
      details: { causes: [{ reason: "FieldManagerConflict", field: ".data.colour" }] },
    });
    const forced = await terraform.apply(settings, found, { name: "Terraform", forceConflicts: true });
    expect(forced.object).toEqual(made.object);
    await terraform.destroy(forced);
  });

  it("is not created where it is already, and planned anew once it is gone", async () => {
    const made = await terraform.apply(settings);
    await expect(terraform.apply(settings)).rejects.toThrow("200, and it was to be created");
    await terraform.destroy(made);
    expect(await terraform.refresh(made)).toBeUndefined();
    await expect(terraform.destroy(made)).rejects.toThrow('configmaps "settings" not found');
  });

  it("loses what is no longer configured", async () => {
    const made = await terraform.apply({ ...settings, data: { colour: "blue", size: "7" } });
    const less = await terraform.apply(settings, made);
    expect(partsOf(less.object)["data"]).toEqual({ colour: "blue" });
    await terraform.destroy(less);
  });
});

describe("typed resources", () => {
  it("change labels and the whole spec with a JSON patch, and metadata with escaped names", async () => {
    const collection = "/apis/apps/v1/namespaces/default/deployments";
    const labels = { app: "typed" };
    const spec = {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "web", image: "nginx:1.27" }] } },
    };
    const made = await api.call(collection, { method: "POST", body: { metadata: { name: "typed", labels }, spec } });
    expect(made.status).toBe(201);
    const patched = await api.call(`${collection}/typed`, {
      method: "PATCH",
      headers: { "content-type": "application/json-patch+json" },
      body: [
        { path: "/metadata/annotations", value: { "example.com/owner": "shop" }, op: "add" },
        { path: "/metadata/labels/app.kubernetes.io~1name", value: "typed", op: "add" },
        { path: "/spec", value: { ...spec, replicas: 3 }, op: "replace" },
      ],
    });
    expect(patched.status).toBe(200);
    const { metadata, spec: after } = patched.body as KubeObject & { spec: Record<string, unknown> };
    expect(metadata.labels).toEqual({ ...labels, "app.kubernetes.io/name": "typed" });
    expect(metadata.annotations).toMatchObject({ "example.com/owner": "shop" });
    expect(after).toEqual({ ...(made.body["spec"] as object), replicas: 3 });
    await api.call(`${collection}/typed`, { method: "DELETE" });
  });
});

const namespaced = new Map(kinds.map((kind) => [nameOf(kind), kind.namespaced]));

/** With the namespace that the provider insists on. */
function configured({ object }: Manifest): Configuration {
  const { apiVersion, kind, metadata } = object;
  if (!namespaced.get(`${apiVersion} ${kind}`)) return object;
  return { ...object, metadata: { ...metadata, namespace: metadata.namespace ?? "default" } };
}

function withLabel(manifest: Configuration): Configuration {
  const { metadata } = manifest;
  return { ...manifest, metadata: { ...metadata, labels: { ...metadata.labels, proof: "terraform" } } };
}

/** Does what the holders of its finalizers would. */
async function release({ apiVersion, kind: name, metadata }: Configuration): Promise<void> {
  const kind = kinds.find((one) => nameOf(one) === `${apiVersion} ${name}`);
  if (!kind) return;
  const scope = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  const path = `${kind.group === "" ? "/api/v1" : `/apis/${apiVersion}`}${scope}/${kind.plural}/${metadata.name}`;
  const left = await api.call(path);
  if (left.status === 404) return;
  if (kind.kind === "Pod") await api.call(`${path}?gracePeriodSeconds=0`, { method: "DELETE" });
  if (kind.kind === "Namespace") {
    await api.call(`${path}/finalize`, { method: "PUT", body: { ...left.body, spec: { finalizers: [] } } });
  } else {
    const headers = { "content-type": "application/merge-patch+json" };
    await api.call(path, { method: "PATCH", headers, body: { metadata: { finalizers: null } } });
  }
}

function partsOf(value: Value | undefined): Record<string, Value> {
  return isFields(value) ? value : {};
}

function metadataOf(object: Value): Record<string, Value> {
  return partsOf(partsOf(object)["metadata"]);
}

/** "spec.ports[].targetPort" of a type. */
function partOf(type: TerraformType, path: string): TerraformType | undefined {
  let found: TerraformType | undefined = type;
  for (const key of path.match(/[^.[\]{}]+|\[\]|\{\}/g) ?? []) {
    if (!found) return undefined;
    found = found.form === "object" ? found.attributes[key] : "element" in found ? found.element : undefined;
  }
  return found;
}

/** Where anything may stand. */
function untypedPaths(type: TerraformType, path = ""): string[] {
  switch (type.form) {
    case "dynamic":
      return [path];
    case "list":
    case "tuple":
      return untypedPaths(type.element, `${path}[]`);
    case "map":
      return untypedPaths(type.element, `${path}{}`);
    case "object":
      return Object.entries(type.attributes).flatMap(([key, of]) => untypedPaths(of, `${path}.${key}`));
    default:
      return [];
  }
}
