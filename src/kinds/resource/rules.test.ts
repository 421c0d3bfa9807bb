/** Each rule of pkg/apis/resource/validation of Kubernetes by one object that breaks it. */
import { describe, expect, it } from "vitest";
import { faultsOf, updateFaults, type Loose } from "../testing/prepare.ts";
import { deviceClassKind } from "./deviceclasses/kind.ts";
import { resourceClaimKind } from "./resourceclaims/kind.ts";
import type { ResourceClaim } from "./types.ts";
import { resourceSliceKind } from "./resourceslices/kind.ts";

const NO_REQUEST =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
const list = (length: number, make: (index: number) => unknown): unknown[] =>
  Array.from({ length }, (_, at) => make(at));
/** What follows the first colon of texts that go on for long. */
const short = (faults: readonly string[]) => faults.map((fault) => fault.replace(/ \(e\.g\..*/, ""));

const opaque = { driver: "gpu.example.com", parameters: { kind: "GpuConfig" } };
const exactly = { deviceClassName: "gpu.example.com" };
const claim = (devices: Loose = {}): Loose => ({
  spec: { devices: { requests: [{ name: "gpu", exactly }], ...devices } },
});

describe("claims", () => {
  it.each<[string, Loose, string[]]>([
    [
      "complete",
      {
        requests: [
          { name: "gpu", exactly },
          { name: "any", firstAvailable: [{ name: "small", ...exactly }] },
        ],
        constraints: [
          { requests: ["gpu", "any/small"], matchAttribute: "example.com/numa" },
          { distinctAttribute: "example.com/rack" },
        ],
        config: [{ requests: ["any"], opaque }],
      },
      [],
    ],
    [
      "too many requests, of which none is looked at",
      { requests: list(33, () => ({ name: "" })) },
      ["spec.devices.requests: Too many: 33: must have at most 32 items"],
    ],
    [
      "a name twice",
      {
        requests: [
          { name: "gpu", exactly },
          { name: "gpu", exactly },
        ],
      },
      ['spec.devices.requests[1]: Duplicate value: "gpu"'],
    ],
    [
      "both forms",
      { requests: [{ name: "gpu", exactly, firstAvailable: [{ name: "a", ...exactly }] }] },
      [
        "spec.devices.requests[0]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set",
      ],
    ],
    [
      "too many alternatives",
      { requests: [{ name: "gpu", firstAvailable: list(9, (at) => ({ name: `a-${at}`, ...exactly })) }] },
      ["spec.devices.requests[0].firstAvailable: Too many: 9: must have at most 8 items"],
    ],
    [
      "tolerations",
      {
        requests: [
          {
            name: "gpu",
            exactly: {
              ...exactly,
              tolerations: [
                { operator: "Exists", value: "x" },
                { key: "a b", operator: "Equal", value: "?" },
                { operator: "In", effect: "Never" },
              ],
            },
          },
        ],
      },
      [
        'spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: "x": must be empty for operator `Exists`',
        "spec.devices.requests[0].exactly.tolerations[1].key: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        "spec.devices.requests[0].exactly.tolerations[1].value: Invalid value: \"?\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        'spec.devices.requests[0].exactly.tolerations[2].operator: Unsupported value: "In": supported values: "Equal", "Exists"',
        'spec.devices.requests[0].exactly.tolerations[2].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "None"',
      ],
    ],
    [
      "constraints",
      {
        constraints: [
          {},
          { requests: ["gpu", "gpu", "a/b/c", "cpu"], matchAttribute: "numa" },
          { distinctAttribute: "EXAMPLE.com/1x" },
        ],
      },
      [
        'spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
        `spec.devices.constraints[1].requests[2]: Invalid value: "a/b/c": ${NO_REQUEST}`,
        `spec.devices.constraints[1].requests[3]: Invalid value: "cpu": ${NO_REQUEST}`,
        'spec.devices.constraints[1].requests[1]: Duplicate value: "gpu"',
        'spec.devices.constraints[1].matchAttribute: Invalid value: "numa": a fully qualified name must be a domain and a name separated by a slash',
        "spec.devices.constraints[2].distinctAttribute: Invalid value: \"1x\": a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
      ],
    ],
    [
      "configuration",
      {
        config: [
          {},
          { requests: ["cpu"], opaque: { driver: "", parameters: null } },
          { opaque: { driver: "x".repeat(64), parameters: [] } },
          { opaque: { ...opaque, parameters: { text: "x".repeat(10 * 1024) } } },
        ],
      },
      [
        "spec.devices.config[0].opaque: Required value",
        `spec.devices.config[1].requests[0]: Invalid value: "cpu": ${NO_REQUEST}`,
        "spec.devices.config[1].opaque.driver: Required value",
        "spec.devices.config[1].opaque.parameters: Required value",
        "spec.devices.config[2].opaque.driver: Too long: may not be more than 63 bytes",
        'spec.devices.config[2].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
        "spec.devices.config[3].opaque.parameters: Too long: may not be more than 10240 bytes",
      ],
    ],
  ])("%s", (_, devices, faults) => expect(short(faultsOf(resourceClaimKind, claim(devices)))).toEqual(faults));
});

/** Faults of a new status. */
function after(status: Loose, { before = {}, deleted = false } = {}): string[] {
  const meta = deleted ? { metadata: { name: "c", deletionTimestamp: "2026-01-01T00:00:00Z" } } : {};
  const stored = { metadata: { name: "c" }, ...claim(), ...meta };
  const [now, old] = [status, before].map((one) => ({ ...stored, status: one }) as unknown as ResourceClaim);
  if (!now || !old) return [];
  const faults = resourceClaimKind.strategy.validateUpdate?.(now, old, { nowMs: 0, subresource: "status" }) ?? [];
  return short(faults.map(({ field, message }) => `${field}: ${message}`));
}

describe("what is allocated to a claim", () => {
  const result = { request: "gpu", driver: "gpu.example.com", pool: "node-1", device: "gpu-0" };
  const allocation = { devices: { results: [result], config: [{ source: "FromClaim", requests: ["gpu"], opaque }] } };
  const consumer = { resource: "pods", name: "p", uid: "u-1" };
  const { request: _request, ...place } = result;
  const condition = {
    type: "Ready",
    status: "True",
    reason: "Up",
    message: "",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };

  it.each<[string, Loose, string[]]>([
    ["all in order", { allocation, reservedFor: [consumer], devices: [{ ...place, conditions: [condition] }] }, []],
    [
      "consumers without names, and one twice",
      { allocation, reservedFor: [{}, consumer, consumer] },
      [
        "status.reservedFor[0].resource: Required value",
        "status.reservedFor[0].name: Required value",
        "status.reservedFor[0].uid: Required value",
        'status.reservedFor[2]: Duplicate value: "u-1"',
      ],
    ],
    [
      "too many consumers",
      { allocation, reservedFor: list(257, (at) => ({ ...consumer, uid: `u-${at}` })) },
      ["status.reservedFor: Too many: 257: must have at most 256 items"],
    ],
    [
      "results",
      {
        allocation: {
          devices: {
            results: [
              { request: "cpu", driver: "", pool: "a//b", device: "GPU", shareID: "x", bindingConditions: ["a"] },
            ],
          },
        },
      },
      [
        `status.allocation.devices.results[0].request: Invalid value: "cpu": ${NO_REQUEST}`,
        "status.allocation.devices.results[0].driver: Required value",
        "status.allocation.devices.results[0].pool: Invalid value: \"\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        "status.allocation.devices.results[0].device: Invalid value: \"GPU\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
        "status.allocation.devices.results[0].bindingFailureConditions: Invalid value: []: bindingFailureConditions are required to use bindingConditions",
        'status.allocation.devices.results[0].shareID: Invalid value: "x": error validating uid: invalid UUID length: 1',
      ],
    ],
    [
      "configuration of a result",
      { allocation: { devices: { config: [{ opaque }, { source: "Elsewhere", opaque }] } } },
      [
        "status.allocation.devices.config[0].source: Required value",
        'status.allocation.devices.config[1].source: Unsupported value: "Elsewhere": supported values: "FromClaim", "FromClass"',
      ],
    ],
    [
      "devices that are not allocated, with odd data",
      {
        allocation,
        devices: [
          { ...place, device: "gpu-1" },
          {
            ...place,
            conditions: [{}],
            data: 5,
            networkData: { interfaceName: "x".repeat(257), ips: ["10.0.0.1", "10.0.0.1/8", "2001:DB8::1/64"] },
          },
        ],
      },
      [
        'status.devices[0]: Invalid value: "gpu.example.com/node-1/gpu-1": must be an allocated device in the claim',
        "status.devices[1].conditions[0].type: Required value: is required",
        "status.devices[1].conditions[0].status: Required value",
        "status.devices[1].conditions[0].lastTransitionTime: Required value",
        "status.devices[1].conditions[0].reason: Required value",
        'status.devices[1].data: Invalid value: "<value omitted>": must be a valid JSON object',
        "status.devices[1].networkData.interfaceName: Too long: may not be more than 256 bytes",
        'status.devices[1].networkData.ips[0]: Invalid value: "10.0.0.1": must be a valid address in CIDR form,',
        'status.devices[1].networkData.ips[2]: Invalid value: "2001:DB8::1/64": must be in canonical form ("2001:db8::1/64")',
      ],
    ],
  ])("%s", (_, status, faults) => expect(after(status)).toEqual(faults));

  it("stays as it is, and takes nobody new once it is to go", () => {
    const other = { devices: { results: [{ ...result, device: "gpu-1" }] } };
    expect(after({ allocation: other }, { before: { allocation } })[0]).toMatch(
      /^status.allocation: Invalid value: .*: field is immutable$/,
    );
    const before = { allocation, reservedFor: [consumer] };
    const more = { allocation, reservedFor: [consumer, { ...consumer, name: "q", uid: "u-2" }] };
    expect(after(more, { before })).toEqual([]);
    expect(after(more, { before, deleted: true })).toEqual([
      "status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set",
    ]);
    expect(after({ allocation }, { before, deleted: true })).toEqual([]);
  });
});

function slice(change: Loose = {}): Loose {
  return {
    spec: {
      driver: "gpu.example.com",
      pool: { name: "n", generation: 1, resourceSliceCount: 1 },
      nodeName: "n",
      ...change,
    },
  };
}

describe("slices", () => {
  const device = (change: Loose): Loose => slice({ devices: [{ name: "gpu-0", ...change }] });
  const at = "spec.devices[0]";
  const shared = (requestPolicy: Loose, value = "10"): Loose =>
    device({ allowMultipleAllocations: true, capacity: { memory: { value, requestPolicy } } });
  const policy = `${at}.capacity[memory].requestPolicy`;

  it.each<[string, Loose, string[]]>([
    [
      "places that are said twice or to be false",
      slice({ allNodes: true, perDeviceNodeSelection: false }),
      [
        "spec.perDeviceNodeSelection: Invalid value: false: must be either unset or set to true",
        'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
      ],
    ],
    [
      "devices beside counters",
      slice({ devices: [{ name: "a" }], sharedCounters: [{ name: "c", counters: { memory: { value: "1" } } }] }),
      ['spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed'],
    ],
    [
      "counters",
      slice({ sharedCounters: [{ name: "" }, { name: "c", counters: { "A.b": { value: "1" } } }] }),
      [
        "spec.sharedCounters[0].name: Required value",
        "spec.sharedCounters[0].counters: Required value",
        "spec.sharedCounters[1].counters: Invalid value: \"A.b\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
      ],
    ],
    [
      "too many devices",
      slice({ devices: list(129, (index) => ({ name: `d-${index}` })) }),
      ["spec.devices: Too many: 129: must have at most 128 items"],
    ],
    [
      "too many devices where one has a taint",
      slice({
        devices: list(65, (index) => ({ name: `d-${index}`, taints: [{ key: "a", effect: "NoSchedule" }] })),
      }),
      ["spec.devices: Too many: 65: must have at most 64 items"],
    ],
    [
      "attributes",
      device({
        attributes: {
          none: {},
          both: { int: 1, bool: true },
          old: { version: "1.2" },
          long: { string: "x".repeat(65) },
          "a/b/c": { int: 1 },
          "/x": { int: 1 },
          "example.com/": { int: 1 },
          "no-dashes": { int: 1 },
        },
      }),
      [
        `${at}.attributes[none]: Invalid value: "": exactly one value must be specified`,
        `${at}.attributes[both]: Invalid value: {"int":1,"bool":true}: exactly one value must be specified`,
        `${at}.attributes[old].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0`,
        `${at}.attributes[long].string: Too long: may not be more than 64 bytes`,
        `${at}.attributes: Invalid value: "a/b/c": must not contain more than one slash`,
        `${at}.attributes: Invalid value: "": the domain must not be empty`,
        `${at}.attributes: Invalid value: "": the name must not be empty`,
        `${at}.attributes: Invalid value: "no-dashes": a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'`,
      ],
    ],
    [
      "too many members",
      device({ attributes: Object.fromEntries(list(33, (index) => [`a${index}`, { int: 1 }]) as [string, object][]) }),
      [`${at}: Invalid value: 33: the total number of attributes and capacities must not exceed 32`],
    ],
    [
      "taints",
      device({ taints: [{ key: "" }, { key: "a", effect: "Now" }] }),
      [
        `${at}.taints[0].key: Invalid value: "": name part must be non-empty`,
        `${at}.taints[0].key: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
        `${at}.taints[0].effect: Required value`,
        `${at}.taints[1].effect: Unsupported value: "Now": supported values: "NoExecute", "NoSchedule", "None"`,
      ],
    ],
    [
      "consumption",
      device({ consumesCounters: [{ counterSet: "" }, { counterSet: "" }, { counterSet: "c" }] }),
      [`${at}.consumesCounters: Too many: 3: must have at most 2 items`],
    ],
    [
      "conditions of binding",
      device({ bindingConditions: ["a", "a"], bindingFailureConditions: ["a"] }),
      [
        `${at}.bindingConditions[1]: Duplicate value: "a"`,
        `${at}.bindingFailureConditions[0]: Invalid value: "a": bindingFailureConditions must not overlap with bindingConditions`,
      ],
    ],
    [
      "a place of its own",
      device({ nodeName: "n" }),
      [
        `${at}: Invalid value: null: \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`,
      ],
    ],
    [
      "no place of its own",
      slice({
        nodeName: undefined,
        perDeviceNodeSelection: true,
        devices: [{ name: "a" }, { name: "b", allNodes: true }],
      }),
      [
        `${at}: Required value: exactly one of \`nodeName\`, \`nodeSelector\`, or \`allNodes\` is required when \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`,
      ],
    ],
    [
      "shares of what is not shared",
      device({ capacity: { memory: { value: "10", requestPolicy: {} } } }),
      [`${policy}: Forbidden: allowMultipleAllocations must be true`],
    ],
    ["shares within a range", shared({ default: "2", validRange: { min: "2", max: "8", step: "2" } }), []],
    [
      "shares outside of it",
      shared({ default: "1", validRange: { min: "2", max: "11", step: "4" } }),
      [
        `${policy}.validRange.default: Invalid value: "1": default is less than min: 2`,
        `${policy}.validRange.max: Invalid value: "11": max is larger than capacity value: 10`,
        `${policy}.validRange.step: Invalid value: "1": value is not a multiple of a given step (4) from (2)`,
        `${policy}.validRange.step: Invalid value: "11": value is not a multiple of a given step (4) from (2)`,
      ],
    ],
    [
      "shares without a default",
      shared({ validRange: { min: "1" } }),
      [`${policy}.default: Required value: required when validRange is defined`],
    ],
    [
      "options",
      shared({ default: "3", validValues: ["2", "1", "20"] }),
      [
        `${policy}.validValues[1]: Invalid value: "1": values must be sorted in ascending order`,
        `${policy}.validValues[2]: Invalid value: "20": option is larger than capacity value: 10`,
        `${policy}.validValues: Invalid value: "3": default value is not valid according to the requestPolicy`,
      ],
    ],
    [
      "options and a range",
      shared({ default: "1", validValues: ["1"], validRange: { min: "1" } }),
      [
        `${policy}: Forbidden: exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time`,
      ],
    ],
  ])("%s", (_, object, faults) => expect(short(faultsOf(resourceSliceKind, object))).toEqual(faults));

  it("keep their place, and do not judge anew what a device keeps", () => {
    const old = device({
      taints: [{ key: "a", effect: "Now" }],
      capacity: { memory: { value: "1", requestPolicy: {} } },
    });
    expect(updateFaults(resourceSliceKind, { now: old, old })).toEqual([]);
    expect(updateFaults(resourceSliceKind, { now: slice({ nodeName: "m", driver: "d" }), old: slice() })).toEqual([
      'spec.driver: Invalid value: "d": field is immutable',
      'spec.nodeName: Invalid value: "m": field is immutable',
    ]);
  });
});

describe("classes", () => {
  it.each<[string, Loose, string[]]>([
    [
      "in order",
      { selectors: [{ cel: { expression: "true" } }], config: [{ opaque }], extendedResourceName: "example.com/gpu" },
      [],
    ],
    [
      "with faults",
      { selectors: list(33, () => ({})), config: [{}], extendedResourceName: "kubernetes.io/gpu" },
      [
        "spec.selectors: Too many: 33: must have at most 32 items",
        "spec.config[0].opaque: Required value",
        'spec.extendedResourceName: Invalid value: "kubernetes.io/gpu": must be a valid extended resource name',
      ],
    ],
  ])("%s", (_, spec, faults) => expect(faultsOf(deviceClassKind, { spec })).toEqual(faults));
});
