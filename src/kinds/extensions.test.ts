/** What adds to the API: definitions of resources and services that serve groups. */
import { describe, expect, it } from "vitest";
import { customResourceDefinitionKind } from "./apiextensions/customresourcedefinitions/kind.ts";
import { apiServiceKind } from "./apiregistration/apiservices/kind.ts";
import { cellsOf, faultsOf, prepared, updateFaults, type Loose } from "./testing/prepare.ts";

const v1 = { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } };
const definition = (change: Loose = {}, metadata: Loose = {}): Loose => ({
  metadata: { name: "crontabs.example.com", ...metadata },
  spec: {
    group: "example.com",
    names: { plural: "crontabs", kind: "CronTab" },
    scope: "Namespaced",
    versions: [v1],
    ...change,
  },
});

describe("definitions of resources", () => {
  it("are completed as Kubernetes does", () => {
    const made = prepared(customResourceDefinitionKind, definition());
    expect(made.spec.names).toEqual({
      plural: "crontabs",
      singular: "crontab",
      kind: "CronTab",
      listKind: "CronTabList",
    });
    expect(made.spec.conversion).toEqual({ strategy: "None" });
    expect(made.status).toMatchObject({ storedVersions: ["v1"] });
  });

  it.each<[string, Loose, string[]]>([
    ["a definition", definition(), []],
    [
      "another name than its own",
      definition({}, { name: "crontabs" }),
      ['metadata.name: Invalid value: "crontabs": must be spec.names.plural+"."+spec.group'],
    ],
    [
      "a group of Kubernetes",
      definition({ group: "x.k8s.io" }, { name: "crontabs.x.k8s.io" }),
      [
        'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
      ],
    ],
    [
      "versions with faults",
      definition({
        scope: "World",
        versions: [v1, { ...v1, storage: false, deprecationWarning: "old", schema: undefined }],
        preserveUnknownFields: true,
      }),
      [
        'spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"',
        "spec.versions[1].schema.openAPIV3Schema: Required value",
        'spec.versions[1].deprecationWarning: Invalid value: "old": can only be set for deprecated versions',
        expect.stringMatching(/^spec.versions: Invalid value: .*: must contain unique version names$/),
        "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
      ],
    ],
    [
      "columns and scale with faults",
      definition({
        versions: [
          {
            ...v1,
            additionalPrinterColumns: [{ name: "A", type: "text", jsonPath: "" }],
            subresources: { scale: { specReplicasPath: ".replicas", statusReplicasPath: "", labelSelectorPath: "a" } },
            selectableFields: [{ jsonPath: ".spec.a" }, { jsonPath: "['a']" }],
          },
        ],
      }),
      [
        'spec.subresources.scale.specReplicasPath: Invalid value: ".replicas": should be a json path under .spec',
        "spec.subresources.scale.statusReplicasPath: Required value",
        'spec.subresources.scale.labelSelectorPath: Invalid value: "a": must be a simple json path starting with .',
        'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
        "spec.additionalPrinterColumns[0].JSONPath: Required value",
        'spec.selectableFields[0].jsonPath: Invalid value: ".spec.a": is an invalid path: does not refer to a valid field',
        `spec.selectableFields[1].jsonPath: Invalid value: "['a']": is an invalid path: array notation is not allowed`,
      ],
    ],
    [
      "conversion by nobody",
      definition({ conversion: { strategy: "Webhook" } }),
      [
        "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
        "spec.conversion.conversionReviewVersions: Required value",
      ],
    ],
  ])("%s", (_, object, faults) => expect(faultsOf(customResourceDefinitionKind, object)).toEqual(faults));

  it("keep their group and plural", () => {
    const now = definition({ group: "example.org", names: { plural: "tabs", kind: "CronTab" } });
    expect(updateFaults(customResourceDefinitionKind, { now, old: definition() })).toEqual([
      'spec.group: Invalid value: "example.org": field is immutable',
      'spec.names.plural: Invalid value: "tabs": field is immutable',
    ]);
  });
});

const service = (change: Loose = {}, metadata: Loose = { name: "v1.example.com" }): Loose => ({
  metadata,
  spec: {
    group: "example.com",
    version: "v1",
    groupPriorityMinimum: 100,
    versionPriority: 10,
    service: { name: "api", namespace: "default" },
    caBundle: "AAAA",
    ...change,
  },
});

describe("API services", () => {
  it("are completed as Kubernetes does", () => {
    expect(prepared(apiServiceKind, service())).toMatchObject({ spec: { service: { port: 443 } }, status: {} });
    const local = prepared(apiServiceKind, service({ service: undefined, caBundle: undefined }));
    expect(local.status?.conditions).toMatchObject([{ type: "Available", status: "True", reason: "Local" }]);
  });
  it.each<[string, Loose, string[]]>([
    ["a service", service(), []],
    ["a local one", service({ service: undefined, caBundle: undefined }), []],
    [
      "faults, all at once",
      service(
        {
          groupPriorityMinimum: 0,
          versionPriority: 1001,
          insecureSkipTLSVerify: true,
          service: { name: "", namespace: "", port: 70_000 },
        },
        { name: "v1" },
      ),
      [
        'metadata.name: Invalid value: "v1": must be `spec.version+"."+spec.group`: "v1.example.com"',
        "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
        "spec.versionPriority: Invalid value: 1001: must be positive and less than 1000",
        "spec.service.namespace: Required value",
        "spec.service.name: Required value",
        "spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive",
        "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
      ],
    ],
  ])("%s", (_, object, faults) => expect(faultsOf(apiServiceKind, object)).toEqual(faults));
  it("are shown as by kubectl", () => {
    const down = { conditions: [{ type: "Available", status: "False", reason: "MissingEndpoints" }] };
    expect(cellsOf(apiServiceKind, { ...service(), status: down })).toMatchObject({
      Service: "default/api",
      Available: "False (MissingEndpoints)",
    });
  });
});
