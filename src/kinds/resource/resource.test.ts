import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../machinery/meta.ts";
import type { KindDefinition } from "../../registry/kind.ts";
import { cellsOf, faultsOf, prepared, updateFaults, type Loose } from "../testing/prepare.ts";
import { deviceClassKind } from "./deviceclasses/kind.ts";
import { resourceClaimKind } from "./resourceclaims/kind.ts";
import { resourceClaimTemplateKind } from "./resourceclaimtemplates/kind.ts";
import { resourceSliceKind } from "./resourceslices/kind.ts";

const any = <T extends KubeObject>(kind: KindDefinition<T>) => kind as unknown as KindDefinition;
const claim = (request: Loose = {}, devices: Loose = {}): Loose => ({
  spec: {
    devices: { requests: [{ name: "gpu", exactly: { deviceClassName: "gpu.example.com" }, ...request }], ...devices },
  },
});
const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const slice = (change: Loose = {}): Loose => ({
  spec: {
    driver: "gpu.example.com",
    pool: { name: "n", generation: 1, resourceSliceCount: 1 },
    nodeName: "n",
    devices: [{ name: "gpu-0" }],
    ...change,
  },
});

describe("kinds of devices", () => {
  it("are completed as Kubernetes does", () => {
    const exactly = { deviceClassName: "gpu.example.com", allocationMode: "ExactCount", count: 1 };
    expect(prepared(resourceClaimKind, claim()).spec.devices?.requests).toEqual([{ name: "gpu", exactly }]);
    expect(prepared(resourceClaimTemplateKind, { spec: claim() }).spec.spec.devices?.requests?.[0]).toEqual({
      name: "gpu",
      exactly,
    });
    expect(prepared(resourceClaimKind, { ...claim(), status: { reservedFor: [] } }).status).toEqual({});
  });

  it.each<[string, KindDefinition, Loose, string[]]>([
    ["a claim", any(resourceClaimKind), claim(), []],
    [
      "a claim of nothing",
      any(resourceClaimKind),
      claim({ name: "", exactly: undefined }),
      [
        `spec.devices.requests[0].name: Invalid value: "": ${LABEL}`,
        "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
      ],
    ],
    [
      "a claim with faults",
      any(resourceClaimKind),
      claim(
        {
          exactly: {
            deviceClassName: "",
            allocationMode: "All",
            count: 2,
            selectors: [{}],
            tolerations: [{ operator: "In" }],
          },
        },
        { constraints: [{ requests: ["cpu"], matchAttribute: "example.com/numa" }] },
      ),
      [
        "spec.devices.requests[0].exactly.deviceClassName: Required value",
        "spec.devices.requests[0].exactly.selectors[0].cel: Required value",
        "spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'",
        'spec.devices.requests[0].exactly.tolerations[0].operator: Unsupported value: "In": supported values: "Equal", "Exists"',
        "spec.devices.constraints[0].requests[0]: Invalid value: \"cpu\": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
      ],
    ],
    [
      "a class",
      any(deviceClassKind),
      { spec: { selectors: [{ cel: { expression: "" } }] } },
      ["spec.selectors[0].cel.expression: Required value"],
    ],
    ["a slice", any(resourceSliceKind), slice(), []],
    [
      "a slice of no node",
      any(resourceSliceKind),
      slice({ nodeName: undefined, driver: "", pool: { name: "", generation: -1, resourceSliceCount: 0 } }),
      [
        "spec.driver: Required value",
        "spec.pool.name: Required value",
        "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
        "spec.pool.generation: Invalid value: -1: must be greater than or equal to zero",
        "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required",
      ],
    ],
    [
      "a slice of nodes that are not selected",
      any(resourceSliceKind),
      slice({ nodeName: undefined, nodeSelector: {} }),
      [
        "spec.nodeSelector.nodeSelectorTerms: Required value: must have at least one node selector term",
        "spec.nodeSelector.nodeSelectorTerms: Invalid value: []: must have exactly one node selector term",
      ],
    ],
    [
      "one device twice",
      any(resourceSliceKind),
      slice({ devices: [{ name: "gpu-0" }, { name: "gpu-0" }] }),
      ['spec.devices[1]: Duplicate value: "gpu-0"'],
    ],
  ])("%s", (_, kind, object, faults) => expect(faultsOf(kind, object)).toEqual(faults));

  it("keep what was claimed", () => {
    const [fault] = updateFaults(resourceClaimKind, { now: claim({ name: "other" }), old: claim() });
    expect(fault).toMatch(/^spec: Invalid value: .*: field is immutable$/);
    const reserved = { ...claim(), status: { reservedFor: [{ resource: "pods", name: "p", uid: "1" }] } };
    expect(updateFaults(resourceClaimKind, { now: reserved, old: claim(), subresource: "status" })).toEqual([
      "status.reservedFor: Forbidden: may not be specified when `allocated` is not set",
    ]);
  });

  it("are shown as by kubectl", () => {
    expect(cellsOf(resourceClaimKind, claim())["State"]).toBe("pending");
    const status = { allocation: {}, reservedFor: [{ resource: "pods", name: "p", uid: "1" }] };
    expect(cellsOf(resourceClaimKind, { ...claim(), status })["State"]).toBe("allocated,reserved");
    expect(cellsOf(resourceSliceKind, slice())).toMatchObject({ Node: "n", Driver: "gpu.example.com", Pool: "n" });
  });
});
