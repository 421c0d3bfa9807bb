/** Definitions as operators ship them, and those that nobody should: over the API, with every way to write. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CustomResourceDefinition } from "../../src/kinds/apiextensions/customresourcedefinitions/types.ts";
import type { Status } from "../../src/machinery/status-error.ts";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { operatorDefinitions } from "../manifests/operators.ts";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const APPLY = { "content-type": "application/apply-patch+yaml" };

function nameOf(definition: CustomResourceDefinition): string {
  return definition.metadata.name ?? "";
}

describe.each(operatorDefinitions.map((definition) => [nameOf(definition), definition] as const))(
  "%s",
  (name, definition) => {
    it("is created, replaced and applied, and the same again changes nothing", async () => {
      const created = await api.call<CustomResourceDefinition>(`${PATH}?fieldValidation=Strict`, {
        method: "POST",
        body: definition,
      });
      expect([created.status, created.headers.get("warning")]).toEqual([201, null]);
      const { resourceVersion } = created.body.metadata;
      const replaced = await api.call<CustomResourceDefinition>(`${PATH}/${name}`, {
        method: "PUT",
        body: created.body,
      });
      expect([replaced.status, replaced.body.metadata.resourceVersion]).toEqual([200, resourceVersion]);
      const apply = `${PATH}/${name}?fieldManager=operator&force=true`;
      const applied = await api.call<CustomResourceDefinition>(apply, {
        method: "PATCH",
        headers: APPLY,
        body: definition,
      });
      expect(applied.status).toBe(200);
      const again = await api.call<CustomResourceDefinition>(apply, {
        method: "PATCH",
        headers: APPLY,
        body: definition,
      });
      expect([again.status, again.body.metadata.resourceVersion]).toEqual([200, applied.body.metadata.resourceVersion]);
      expect(again.body.spec.versions).toEqual(created.body.spec.versions);
      expect((await api.call(`${PATH}/${name}`, { method: "DELETE" })).status).toBe(200);
    });

    it("is created by applying", async () => {
      const path = `${PATH}/${name}?fieldManager=operator&fieldValidation=Strict`;
      const applied = await api.call<CustomResourceDefinition>(path, {
        method: "PATCH",
        headers: APPLY,
        body: definition,
      });
      expect(applied.status).toBe(201);
      expect(applied.body.metadata.generation).toBe(1);
    });
  },
);

describe("definitions that are refused", () => {
  const [certificates] = operatorDefinitions;
  const changed = (change: (version: Record<string, unknown>) => void): CustomResourceDefinition => {
    if (!certificates) throw new Error("no definition to change");
    const copy: CustomResourceDefinition = structuredClone(certificates);
    copy.metadata.name = "refused.certs.example.com";
    copy.spec.names = { plural: "refused", kind: "Refused" };
    change(copy.spec.versions?.[0] as unknown as Record<string, unknown>);
    return copy;
  };
  const refused = async (change: (version: Record<string, unknown>) => void): Promise<Status> => {
    const answer = await api.call<Status & CustomResourceDefinition>(PATH, { method: "POST", body: changed(change) });
    expect(answer.status).toBe(422);
    return answer.body;
  };

  it("have every fault told at its field", async () => {
    const status = await refused((version) => {
      version["schema"] = {
        openAPIV3Schema: {
          type: "object",
          properties: { spec: { type: "object", properties: { a: {}, b: { type: "string", pattern: "(" } } } },
        },
      };
      version["selectableFields"] = [];
      version["additionalPrinterColumns"] = [{ name: "A", type: "string", jsonPath: "a" }];
    });
    expect(status.details?.causes).toEqual([
      {
        reason: "FieldValueRequired",
        message: "Required value: must not be empty for specified object fields",
        field: "spec.validation.openAPIV3Schema.properties[spec].properties[a].type",
      },
      {
        reason: "FieldValueInvalid",
        message:
          'Invalid value: "(": must be a valid regular expression, but isn\'t: error parsing regexp: missing closing ): `(`',
        field: "spec.validation.openAPIV3Schema.properties[spec].properties[b].pattern",
      },
      {
        reason: "FieldValueInvalid",
        message: 'Invalid value: "a": must be a simple json path starting with .',
        field: "spec.additionalPrinterColumns[0].JSONPath",
      },
    ]);
  });

  it("are not those with formats that nobody knows, of which the client is told once", async () => {
    const definition = changed((version) => properties(version, [["a", { type: "string", format: "colour" }]]));
    const created = await api.call<CustomResourceDefinition>(PATH, { method: "POST", body: definition });
    expect([created.status, created.headers.get("warning")]).toEqual([201, '299 - "unrecognized format \\"colour\\""']);
    const path = `${PATH}/${nameOf(definition)}`;
    const replaced = await api.call(path, { method: "PUT", body: created.body });
    expect([replaced.status, replaced.headers.get("warning")]).toEqual([200, null]);
    await api.call(path, { method: "DELETE" });
  });

  it.each<[string, (version: Record<string, unknown>) => void]>([
    [
      "rules without end",
      (version) =>
        rules(
          version,
          Array.from({ length: 1_200 }, () => ({ rule: "self.nope == 'x'" })),
        ),
    ],
    ["a rule that is too long", (version) => rules(version, [{ rule: "a".repeat(200_000) }])],
    [
      "a rule that is too deep",
      (version) => rules(version, [{ rule: `${"(".repeat(5_000)}true${")".repeat(5_000)}` }]),
    ],
    [
      "a rule that costs too much",
      (version) => rules(version, [{ rule: "[1,2,3].all(a, self.metadata.name.contains(self.metadata.name))" }]),
    ],
    [
      "fields without end",
      (version) =>
        properties(
          version,
          Array.from({ length: 9_000 }, (_, index) => [`f${index}`, {}]),
        ),
    ],
  ])("%s", async (_, change) => {
    const status = await refused(change);
    expect(status.details?.causes?.length).toBeGreaterThan(0);
    expect(status.details?.causes?.length).toBeLessThanOrEqual(1_000);
  });
});

function rules(version: Record<string, unknown>, all: object[]): void {
  version["schema"] = { openAPIV3Schema: { type: "object", "x-kubernetes-validations": all } };
  version["selectableFields"] = [];
}

function properties(version: Record<string, unknown>, all: [string, object][]): void {
  version["schema"] = { openAPIV3Schema: { type: "object", properties: Object.fromEntries(all) } };
  version["selectableFields"] = [];
}
