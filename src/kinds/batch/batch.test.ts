import { describe, expect, it } from "vitest";
import { cellsOf, faultsOf, prepared, updateFaults, type Loose } from "../testing/prepare.ts";
import { cronJobKind } from "./cronjobs/kind.ts";
import { countIndexes, overlap } from "./jobs/indexes.ts";
import { jobKind } from "./jobs/kind.ts";

const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "busybox:1" }] } };
const metadata = { name: "work", namespace: "default", uid: "u-1" };

const job = (spec: Loose = {}): Loose => ({ metadata, spec: { template, ...spec } });

const indexed = { completionMode: "Indexed", completions: 5 };
const failurePolicy = (rule: Loose) => ({ podFailurePolicy: { rules: [rule] } });

describe("jobs", () => {
  it("are completed as Kubernetes does, and find their pods by their uid", () => {
    const labels = {
      "batch.kubernetes.io/controller-uid": "u-1",
      "batch.kubernetes.io/job-name": "work",
      "controller-uid": "u-1",
      "job-name": "work",
    };
    const { spec, status } = prepared(jobKind, { ...job(), status: { active: 3 } });
    expect(spec).toMatchObject({
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: "NonIndexed",
      suspend: false,
      podReplacementPolicy: "TerminatingOrFailed",
      manualSelector: false,
      selector: { matchLabels: { "batch.kubernetes.io/controller-uid": "u-1" } },
      template: { metadata: { labels } },
    });
    expect(status).toEqual({});
    expect(faultsOf(jobKind, job())).toEqual([]);
  });
  it.each<[Loose, Loose]>([
    [{ parallelism: 4 }, { parallelism: 4, completions: undefined }],
    [{ completions: 4 }, { parallelism: 1, completions: 4 }],
    [
      { ...indexed, backoffLimitPerIndex: 1 },
      { backoffLimit: 2_147_483_647, podReplacementPolicy: "TerminatingOrFailed" },
    ],
    [
      failurePolicy({ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }),
      {
        podReplacementPolicy: "Failed",
        podFailurePolicy: {
          rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] }],
        },
      },
    ],
  ])("with %j get %j", (given, expected) => {
    const { spec } = prepared(jobKind, job(given));
    for (const [name, value] of Object.entries(expected)) expect(spec[name as keyof typeof spec]).toEqual(value);
  });
  it("take the labels of their pods where they have none", () => {
    const labelled = job({ template: { ...template, metadata: { labels: { a: "b" } } } });
    for (const object of [job(), labelled]) {
      const { metadata: meta, spec } = prepared(jobKind, object);
      expect(meta.labels).toEqual(spec.template.metadata?.labels);
    }
    const own = { ...labelled, metadata: { ...metadata, labels: { a: "b" } } };
    expect(prepared(jobKind, own).metadata.labels).toEqual({ a: "b" });
  });

  it.each<[Loose, string[]]>([
    [
      { template: { spec: { containers: template.spec.containers } } },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [{ parallelism: -1 }, ["spec.parallelism: Invalid value: -1: must be greater than or equal to 0"]],
    [
      { completionMode: "Some" },
      ['spec.completionMode: Unsupported value: "Some": supported values: "NonIndexed", "Indexed"'],
    ],
    [
      { completionMode: "Indexed", parallelism: 1 },
      ["spec.completions: Required value: when completion mode is Indexed"],
    ],
    [{ backoffLimitPerIndex: 1 }, ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"]],
    [
      { ...indexed, maxFailedIndexes: 6 },
      [
        "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
        "spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions",
      ],
    ],
    [
      { managedBy: "me" },
      ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [
      { podReplacementPolicy: "Never" },
      ['spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"'],
    ],
    [
      { ...failurePolicy({ action: "Panic" }), template: { spec: { ...template.spec, restartPolicy: "OnFailure" } } },
      [
        'spec.podFailurePolicy.rules[0].action: Unsupported value: "Panic": supported values: "Count", "FailIndex", "FailJob", "Ignore"',
        "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required",
        'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
      ],
    ],
    [
      failurePolicy({ action: "FailJob", onExitCodes: { containerName: "x", operator: "In", values: [3, 0, 3] } }),
      [
        'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names in the pod template',
        "spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
        "spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 3",
        "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,0,3]: must be ordered",
      ],
    ],
    [
      { ...indexed, successPolicy: { rules: [{ succeededIndexes: "0,2-9", succeededCount: 7 }] } },
      [
        'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0,2-9": error parsing succeededIndexes: too large index: "9"',
        "spec.successPolicy.rules[0].succeededCount: Invalid value: 7: must be less than or equal to 5 (the number of specified completions)",
        "spec.successPolicy.rules[0].succeededCount: Invalid value: 7: must be less than or equal to 0 (the number of indexes in the specified succeededIndexes field)",
      ],
    ],
    [
      { selector: { matchLabels: { a: "b" } } },
      [
        'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"u-1","a":"b"}}: `selector` not auto-generated',
        'spec.template.metadata.labels: Invalid value: {"batch.kubernetes.io/controller-uid":"u-1","batch.kubernetes.io/job-name":"work","controller-uid":"u-1","job-name":"work"}: `selector` does not match template `labels`',
      ],
    ],
    [{ manualSelector: true }, ["spec.selector: Required value"]],
  ])("are refused for %j", (spec, faults) => expect(faultsOf(jobKind, job(spec))).toEqual(faults));

  it("keep what their pods are made of", () => {
    const image = { spec: { ...template.spec, containers: [{ name: "c", image: "busybox:2" }] } };
    expect(updateFaults(jobKind, { now: job({ template: image }), old: job() })).toEqual([
      expect.stringMatching(/^spec\.selector: Invalid value: null: field is immutable$/),
      expect.stringMatching(/^spec\.template: Invalid value: .*: field is immutable$/),
    ]);
    const kept = prepared(jobKind, job()) as unknown as Loose;
    const more = (spec: Loose): Loose => ({ ...kept, spec: { ...(kept["spec"] as Loose), ...spec } });
    expect(updateFaults(jobKind, { now: more({ parallelism: 3, suspend: true }), old: kept })).toEqual([]);
    expect(updateFaults(jobKind, { now: more({ completions: 3 }), old: kept })).toEqual([
      "spec.completions: Invalid value: 3: field is immutable",
    ]);
  });
  it("may still choose nodes while they wait", () => {
    const old = prepared(jobKind, job({ suspend: true })) as unknown as { spec: { template: { spec: Loose } } } & Loose;
    const now = structuredClone(old);
    now.spec.template.spec["nodeSelector"] = { zone: "a" };
    expect(updateFaults(jobKind, { now, old })).toEqual([]);
  });
  it("completions of an indexed job follow its parallelism", () => {
    const old = prepared(jobKind, job({ ...indexed, parallelism: 5 })) as unknown as { spec: Loose } & Loose;
    const scaled = (spec: Loose): Loose => ({ ...old, spec: { ...old.spec, ...spec } });
    expect(updateFaults(jobKind, { now: scaled({ completions: 7, parallelism: 7 }), old })).toEqual([]);
    expect(updateFaults(jobKind, { now: scaled({ completions: 7 }), old })).toEqual([
      "spec.completions: Invalid value: 7: can only be modified in tandem with spec.parallelism",
    ]);
  });
  it.each<[Loose, string[]]>([
    [{ active: 1, ready: 1 }, []],
    [{ ready: 1 }, ["status.ready: Invalid value: 1: cannot set more ready pods than active"]],
    [
      { conditions: [{ type: "Complete", status: "True" }], startTime: "2026-01-01T00:00:00Z" },
      [
        "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
        "status.completionTime: Required value: completionTime is required for Complete jobs",
      ],
    ],
    [
      { completedIndexes: "0" },
      [
        'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
      ],
    ],
    [
      { completionTime: "2026-01-01T00:00:00Z" },
      [
        'status.completionTime: Invalid value: "2026-01-01T00:00:00Z": cannot set completionTime when there is no Complete=True condition',
      ],
    ],
  ])("with the status %j", (status, faults) => {
    expect(updateFaults(jobKind, { now: { ...job(), status }, old: job(), subresource: "status" })).toEqual(faults);
  });
  it.each<[Loose, Loose, Loose]>([
    [{}, {}, { Status: "Running", Completions: "0/1", Duration: "" }],
    [
      { parallelism: 3 },
      { startTime: "2025-12-31T23:59:30Z", succeeded: 1 },
      { Completions: "1/1 of 3", Duration: "30s" },
    ],
    [
      { completions: 2 },
      {
        startTime: "2025-12-31T23:00:00Z",
        completionTime: "2025-12-31T23:02:00Z",
        succeeded: 2,
        conditions: [{ type: "Complete", status: "True" }],
      },
      { Status: "Complete", Completions: "2/2", Duration: "2m" },
    ],
    [{}, { conditions: [{ type: "Suspended", status: "True" }] }, { Status: "Suspended" }],
  ])("%j with %j is shown as %j", (spec, status, cells) => {
    expect(cellsOf(jobKind, { ...job(spec), status })).toMatchObject({ Containers: "c", ...cells });
  });
});

describe("indexes", () => {
  it.each<[string, number | string]>([
    ["", 0],
    ["0,2-4", 4],
    ["1,1", "non-increasing order, previous: 1, current: 1"],
    ["4-2", "non-increasing order, previous: 4, current: 2"],
    ["x", 'cannot convert string to integer for index: "x"'],
    ["12", 'too large index: "12"'],
  ])("%j", (text, expected) => {
    if (typeof expected === "number") expect(countIndexes(text, 10)).toBe(expected);
    else expect(() => countIndexes(text, 10)).toThrow(expected);
  });
  it("of two sets may meet", () => {
    expect(overlap("0-2,5", "3-5", 10)).toBe(5);
    expect(overlap("0-2", "3-5", 10)).toBeUndefined();
  });
});

const cron = (spec: Loose = {}): Loose => ({
  metadata: { name: "nightly" },
  spec: { schedule: "0 3 * * *", jobTemplate: { spec: { template } }, ...spec },
});

describe("cron jobs", () => {
  it("are completed as Kubernetes does; the template of the job is not", () => {
    const { spec } = prepared(cronJobKind, cron());
    expect(spec).toMatchObject({
      concurrencyPolicy: "Allow",
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: { spec: { template: { spec: { dnsPolicy: "ClusterFirst" } } } },
    });
    expect(spec.jobTemplate.spec.completions).toBeUndefined();
    expect(faultsOf(cronJobKind, cron())).toEqual([]);
  });
  it.each<[Loose, string]>([
    [{ schedule: "" }, "spec.schedule: Required value"],
    [{ schedule: "* *" }, 'spec.schedule: Invalid value: "* *": expected exactly 5 fields, found 2: [* *]'],
    [
      { schedule: "TZ=UTC 0 0 * * *" },
      'spec.schedule: Invalid value: "TZ=UTC 0 0 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
    ],
    [{ timeZone: "Mars/Base" }, 'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base'],
    [{ timeZone: "" }, 'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string'],
    [
      { timeZone: "local" },
      'spec.timeZone: Invalid value: "local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    ],
    [
      { concurrencyPolicy: "Maybe" },
      'spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow", "Forbid", "Replace"',
    ],
    [
      { jobTemplate: { spec: { template, selector: {} } } },
      "spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated",
    ],
    [
      { jobTemplate: { spec: { template, manualSelector: true } } },
      'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
    ],
    [
      { failedJobsHistoryLimit: -1 },
      "spec.failedJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0",
    ],
  ])("are refused for %j", (spec, fault) => expect(faultsOf(cronJobKind, cron(spec))).toEqual([fault]));

  it("have names that leave room for those of their jobs", () => {
    const name = "x".repeat(53);
    expect(faultsOf(cronJobKind, { ...cron(), metadata: { name } })).toEqual([
      `metadata.name: Invalid value: "${name}": must be no more than 52 characters`,
    ]);
  });
  it("are shown as by kubectl", () => {
    const status = { active: [{}], lastScheduleTime: "2025-12-31T23:50:00Z" };
    expect(cellsOf(cronJobKind, { ...cron(), status })).toMatchObject({
      Schedule: "0 3 * * *",
      Timezone: "<none>",
      Suspend: "False",
      Active: 1,
      "Last Schedule": "10m",
      Containers: "c",
      Images: "busybox:1",
      Selector: "<none>",
    });
  });
});
