import { describe, expect, it } from "vitest";
import { cellsOf, defaulted, faultsOf, prepared, updateFaults, type Loose } from "../../testing/prepare.ts";
import { isLatest } from "./defaults.ts";
import { podKind } from "./kind.ts";
import { qosClassOf } from "./qos.ts";
import type { Pod } from "./types.ts";

const container = { name: "c", image: "nginx:1" };

function pod(spec: Loose, rest: Loose = {}): Loose {
  return { spec: { containers: [container], ...spec }, ...rest };
}

function withContainer(more: Loose, spec: Loose = {}): Loose {
  return pod({ ...spec, containers: [{ ...container, ...more }] });
}

const deadline = (seconds: number | undefined) => pod({ activeDeadlineSeconds: seconds });

const ended = (state: Loose) => ({
  phase: "Running",
  containerStatuses: [{ name: "c", state, ready: false, restartCount: 0, image: "", imageID: "" }],
});

const grace = (spec: Loose, status: Loose, asked?: number) =>
  podKind.strategy.gracePeriodSeconds?.(pod(spec, { status }) as Pod, asked);

const running = (name: string, more: Loose = {}) => ({
  name,
  ready: true,
  restartCount: 0,
  image: "",
  imageID: "",
  state: { running: {} },
  ...more,
});

describe("defaults of pods", () => {
  it("completes a minimal pod as Kubernetes does", () => {
    expect(prepared(podKind, withContainer({ ports: [{ containerPort: 80 }] }))).toEqual({
      metadata: { name: "x", namespace: "default" },
      spec: {
        containers: [
          {
            ...container,
            ports: [{ containerPort: 80, protocol: "TCP" }],
            resources: {},
            terminationMessagePath: "/dev/termination-log",
            terminationMessagePolicy: "File",
            imagePullPolicy: "IfNotPresent",
          },
        ],
        restartPolicy: "Always",
        terminationGracePeriodSeconds: 30,
        dnsPolicy: "ClusterFirst",
        securityContext: {},
        schedulerName: "default-scheduler",
        enableServiceLinks: true,
      },
      status: { phase: "Pending", qosClass: "BestEffort" },
    });
  });

  it("runs twice without a second effect", () => {
    const once = defaulted(podKind, withContainer({ livenessProbe: { httpGet: { port: 80 } } }));
    const twice = structuredClone(once);
    podKind.strategy.default?.(twice);
    expect(twice).toEqual(once);
  });

  it("keeps what means something: a grace of 0, false links", () => {
    const { spec } = prepared(podKind, pod({ terminationGracePeriodSeconds: 0, enableServiceLinks: false }));
    expect(spec).toMatchObject({ terminationGracePeriodSeconds: 0, enableServiceLinks: false });
  });

  it.each([
    ["nginx", true],
    ["nginx:latest", true],
    ["localhost:5000/nginx", true],
    ["localhost:5000/nginx:1", false],
    ["nginx@sha256:0", false],
    ["nginx:latest@sha256:0", true],
    ["", false],
  ])("the tag of %j is latest: %s", (image, latest) => expect(isLatest(image)).toBe(latest));

  it("completes probes, volumes and references", () => {
    const { spec } = prepared(podKind, {
      spec: {
        containers: [
          {
            ...container,
            env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
            readinessProbe: { httpGet: { port: "http" } },
            livenessProbe: { grpc: { port: 1 } },
          },
        ],
        serviceAccount: "old-name",
        volumes: [
          { name: "a" },
          { name: "b", secret: { secretName: "s" } },
          { name: "c", projected: { sources: [{ serviceAccountToken: { path: "t" } }] } },
          { name: "d", hostPath: { path: "/x" } },
        ],
      },
    });
    expect(spec.containers[0]).toMatchObject({
      env: [{ name: "A", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } }],
      readinessProbe: {
        httpGet: { path: "/", port: "http", scheme: "HTTP" },
        timeoutSeconds: 1,
        periodSeconds: 10,
        successThreshold: 1,
        failureThreshold: 3,
      },
      livenessProbe: { grpc: { port: 1, service: "" } },
    });
    expect(spec).toMatchObject({ serviceAccount: "old-name", serviceAccountName: "old-name" });
    expect(spec.volumes).toEqual([
      { name: "a", emptyDir: {} },
      { name: "b", secret: { secretName: "s", defaultMode: 420 } },
      {
        name: "c",
        projected: { sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 3600 } }], defaultMode: 420 },
      },
      { name: "d", hostPath: { path: "/x", type: "" } },
    ]);
  });

  it("asks for what is limited, and rounds to thousandths", () => {
    const resources = { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "100500u" } };
    const { spec } = prepared(podKind, withContainer({ resources }));
    expect(spec.containers[0]?.resources).toEqual({
      limits: { cpu: "1", memory: "1Gi" },
      requests: { cpu: "101m", memory: "1Gi" },
    });
  });

  it("gives host ports in the host's network", () => {
    const { spec } = prepared(podKind, withContainer({ ports: [{ containerPort: 80 }] }, { hostNetwork: true }));
    expect(spec.containers[0]?.ports).toEqual([{ containerPort: 80, hostPort: 80, protocol: "TCP" }]);
  });
});

describe("quality of service", () => {
  it.each([
    ["BestEffort", {}],
    ["Burstable", { requests: { cpu: "1" } }],
    ["Guaranteed", { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1000m", memory: "1024Mi" } }],
    ["Burstable", { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m", memory: "1Gi" } }],
    ["BestEffort", { limits: { "example.com/gpu": "1" }, requests: { "example.com/gpu": "1" } }],
  ])("%s for %j", (expected, resources) => {
    expect(qosClassOf({ containers: [{ name: "c", resources }] })).toBe(expected);
  });
});

describe("validation of pods", () => {
  it("accepts an ordinary pod", () => {
    const ordinary = withContainer(
      {
        env: [
          { name: "A", value: "1" },
          { name: "my.var-1", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
        ],
        ports: [{ name: "http", containerPort: 80 }],
        volumeMounts: [{ name: "v", mountPath: "/v", subPath: "a/b" }],
        resources: { limits: { cpu: "1" }, requests: { cpu: "500m" } },
      },
      { volumes: [{ name: "v", emptyDir: { sizeLimit: "1Gi" } }], tolerations: [{ operator: "Exists" }] },
    );
    expect(faultsOf(podKind, ordinary)).toEqual([]);
  });

  it.each<[string, Loose, string]>([
    ["no containers", { spec: {} }, "spec.containers: Required value"],
    ["no image", withContainer({ image: "" }), "spec.containers[0].image: Required value"],
    [
      "a padded image",
      withContainer({ image: " nginx" }),
      'spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace',
    ],
    [
      "an upper case name",
      withContainer({ name: "C" }),
      `spec.containers[0].name: Invalid value: "C": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
    ],
    ["two of a name", pod({ containers: [container, container] }), 'spec.containers[1].name: Duplicate value: "c"'],
    [
      "an unknown policy",
      pod({ restartPolicy: "Sometimes" }),
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    ],
    [
      "an unknown pull policy",
      withContainer({ imagePullPolicy: "Maybe" }),
      'spec.containers[0].imagePullPolicy: Unsupported value: "Maybe": supported values: "Always", "IfNotPresent", "Never"',
    ],
    [
      "a port out of range",
      withContainer({ ports: [{ containerPort: 70_000 }] }),
      "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    ],
    [
      "a host port taken twice",
      withContainer({
        ports: [
          { containerPort: 1, hostPort: 9 },
          { containerPort: 2, hostPort: 9 },
        ],
      }),
      'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9"',
    ],
    [
      "a variable with an equals sign",
      withContainer({ env: [{ name: "a=b", value: "" }] }),
      "spec.containers[0].env[0].name: Invalid value: \"a=b\": a valid environment variable name must consist only of printable ASCII characters other than '='",
    ],
    [
      "a variable with two sources",
      withContainer({
        env: [{ name: "a", value: "1", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
      }),
      'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ],
    [
      "a mount of no volume",
      withContainer({ volumeMounts: [{ name: "gone", mountPath: "/x" }] }),
      'spec.containers[0].volumeMounts[0].name: Not found: "gone"',
    ],
    [
      "two mounts at one path",
      withContainer(
        {
          volumeMounts: [
            { name: "v", mountPath: "/x" },
            { name: "v", mountPath: "/x" },
          ],
        },
        { volumes: [{ name: "v" }] },
      ),
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/x": must be unique',
    ],
    [
      "a sub path out of the volume",
      withContainer({ volumeMounts: [{ name: "v", mountPath: "/x", subPath: "../a" }] }, { volumes: [{ name: "v" }] }),
      "spec.containers[0].volumeMounts[0].subPath: Invalid value: \"../a\": must not contain '..'",
    ],
    [
      "a volume with two sources",
      pod({ volumes: [{ name: "v", emptyDir: {}, secret: { secretName: "s" } }] }),
      "spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type",
    ],
    [
      "a secret without name",
      pod({ volumes: [{ name: "v", secret: {} }] }),
      "spec.volumes[0].secret.secretName: Required value",
    ],
    [
      "more asked for than allowed",
      withContainer({ resources: { limits: { cpu: "1" }, requests: { cpu: "2" } } }),
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
    [
      "a negative request",
      withContainer({ resources: { requests: { memory: "-1" } } }),
      'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
    ],
    [
      "an unknown resource",
      withContainer({ resources: { limits: { bananas: "1" } } }),
      'spec.containers[0].resources.limits[bananas]: Invalid value: "bananas": must be a standard resource type or fully qualified',
    ],
    [
      "half a device",
      withContainer({ resources: { limits: { "example.com/gpu": "500m" } } }),
      'spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer',
    ],
    [
      "a probe without handler",
      withContainer({ livenessProbe: {} }),
      "spec.containers[0].livenessProbe: Required value: must specify a handler type",
    ],
    [
      "a probe with two handlers",
      withContainer({ livenessProbe: { exec: { command: ["x"] }, tcpSocket: { port: 1 } } }),
      "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
    ],
    [
      "a liveness probe that wants two successes",
      withContainer({ livenessProbe: { exec: { command: ["x"] }, successThreshold: 2 } }),
      "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
    ],
    [
      "a probe of an init container",
      pod({ initContainers: [{ name: "i", image: "i", livenessProbe: { exec: { command: ["x"] } } }] }),
      "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
    ],
    [
      "a toleration of everything that names an operator",
      pod({ tolerations: [{ operator: "Equal", value: "x" }] }),
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
    [
      "node affinity without terms",
      pod({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } } }),
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term",
    ],
    [
      "a spread without skew",
      pod({ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }] }),
      "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
    ],
    [
      "no DNS at all",
      pod({ dnsPolicy: "None" }),
      "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
    ],
    [
      "a negative grace",
      pod({ terminationGracePeriodSeconds: -5 }),
      "spec.terminationGracePeriodSeconds: Invalid value: -5: must be greater than or equal to 0",
    ],
  ])("refuses %s", (_, object, expected) => expect(faultsOf(podKind, object)).toContain(expected));

  it("a valid pod that turns invalid is refused on its update, too", () => {
    const good = prepared(podKind, pod({}));
    const bad = structuredClone(good);
    (bad.spec.containers[0] as { image: string }).image = "";
    expect(podKind.strategy.validate?.(good)).toEqual([]);
    expect(podKind.strategy.validate?.(bad)).toHaveLength(1);
  });
});

describe("updates of pods", () => {
  const old = pod({ tolerations: [{ key: "a", operator: "Exists", effect: "NoSchedule" }] });
  const spec = old["spec"] as Loose;
  const toleration = (spec["tolerations"] as Loose[])[0];

  it.each<[string, Loose]>([
    ["the image", { ...spec, containers: [{ ...container, image: "nginx:2", imagePullPolicy: "IfNotPresent" }] }],
    ["one more toleration", { ...spec, tolerations: [toleration, { key: "b", operator: "Exists" }] }],
    ["a deadline", { ...spec, activeDeadlineSeconds: 10 }],
  ])("allows %s", (_, now) => expect(updateFaults(podKind, { now: { spec: now }, old })).toEqual([]));

  it.each<[string, Loose, RegExp]>([
    [
      "another command",
      { ...spec, containers: [{ ...container, command: ["x"] }] },
      /^spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`.*\n {2}spec.containers$/s,
    ],
    ["an ephemeral container", { ...spec, ephemeralContainers: [container] }, /\n {2}spec.ephemeralContainers$/],
    ["a node", { ...spec, nodeName: "n" }, /\n {2}spec.nodeName$/],
    [
      "one container more",
      { ...spec, containers: [container, { name: "d", image: "x" }] },
      /^spec.containers: Forbidden: pod updates may not add or remove containers$/,
    ],
    [
      "one toleration less",
      { ...spec, tolerations: [] },
      /^spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds$/,
    ],
  ])("refuses %s", (_, now, expected) => {
    const faults = updateFaults(podKind, { now: { spec: now }, old });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(expected);
  });

  it("a deadline may only come nearer", () => {
    expect(updateFaults(podKind, { now: deadline(5), old: deadline(9) })).toEqual([]);
    expect(updateFaults(podKind, { now: deadline(9), old: deadline(5) })).toEqual([
      "spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value",
    ]);
    expect(updateFaults(podKind, { now: deadline(undefined), old: deadline(5) })).toHaveLength(1);
  });

  it("a container that ended for good stays ended", () => {
    const before = prepared(podKind, pod({ restartPolicy: "Never" }));
    before.status = ended({ terminated: { exitCode: 0 } }) as Pod["status"] & object;
    const after = structuredClone(before);
    after.status = ended({ running: {} }) as Pod["status"] & object;
    const context = { nowMs: 0, subresource: "status" };
    expect(podKind.strategy.validateUpdate?.(after, before, context)).toEqual([
      expect.objectContaining({
        field: "status.containerStatuses[0].state",
        message: "Forbidden: may not be transitioned to non-terminated state",
      }),
    ]);
    expect(podKind.strategy.validateUpdate?.(before, before, context)).toEqual([]);
  });

  it("a status can't change the quality of service", () => {
    const before = prepared(podKind, pod({}));
    const after = {
      ...structuredClone(before),
      status: { phase: "Running" as const, qosClass: "Guaranteed" as const },
    };
    podKind.strategy.prepareForUpdate?.(after, before, { nowMs: 0, subresource: "status" });
    expect(after.status).toEqual({ phase: "Running", qosClass: "BestEffort" });
  });
});

describe("grace of a delete", () => {
  it.each<[string, Loose, Loose, number | undefined, number]>([
    ["unscheduled goes at once", { terminationGracePeriodSeconds: 30 }, {}, undefined, 0],
    ["what the pod says", { nodeName: "n", terminationGracePeriodSeconds: 7 }, { phase: "Running" }, undefined, 7],
    ["what the client asks for", { nodeName: "n", terminationGracePeriodSeconds: 7 }, { phase: "Running" }, 3, 3],
    ["ended goes at once", { nodeName: "n", terminationGracePeriodSeconds: 7 }, { phase: "Succeeded" }, 3, 0],
  ])("%s", (_, spec, status, asked, expected) => expect(grace(spec, status, asked)).toBe(expected));
});

describe("columns of pods", () => {
  const twoContainers = { containers: [container, { name: "d", image: "x" }] };
  const cases: [string, Loose, Loose][] = [
    ["pending", pod({}, { status: { phase: "Pending" } }), { Ready: "0/1", Status: "Pending", Restarts: "0" }],
    [
      "running, one not ready",
      pod(twoContainers, {
        status: { phase: "Running", containerStatuses: [running("c"), running("d", { ready: false })] },
      }),
      { Ready: "1/2", Status: "Running" },
    ],
    [
      "crashing",
      pod(
        {},
        {
          status: {
            phase: "Running",
            containerStatuses: [
              running("c", {
                ready: false,
                restartCount: 3,
                state: { waiting: { reason: "CrashLoopBackOff" } },
                lastState: { terminated: { exitCode: 1, finishedAt: "2025-12-31T23:55:00Z" } },
              }),
            ],
          },
        },
      ),
      { Ready: "0/1", Status: "CrashLoopBackOff", Restarts: "3 (5m ago)" },
    ],
    [
      "completed",
      pod(
        {},
        {
          status: {
            phase: "Succeeded",
            containerStatuses: [
              running("c", { ready: false, state: { terminated: { exitCode: 0, reason: "Completed" } } }),
            ],
          },
        },
      ),
      { Ready: "0/1", Status: "Completed" },
    ],
    [
      "ended without a reason",
      pod(
        {},
        {
          status: {
            phase: "Failed",
            containerStatuses: [running("c", { ready: false, state: { terminated: { exitCode: 3 } } })],
          },
        },
      ),
      { Status: "ExitCode:3" },
    ],
    [
      "one of two completed",
      pod(twoContainers, {
        status: {
          phase: "Running",
          conditions: [{ type: "Ready", status: "False" }],
          containerStatuses: [
            running("c", { ready: false, state: { terminated: { exitCode: 0, reason: "Completed" } } }),
            running("d"),
          ],
        },
      }),
      { Ready: "1/2", Status: "NotReady" },
    ],
    [
      "initializing",
      pod(
        {
          initContainers: [
            { name: "i", image: "x" },
            { name: "j", image: "x" },
          ],
        },
        {
          status: {
            phase: "Pending",
            initContainerStatuses: [
              running("i", { state: { terminated: { exitCode: 0 } } }),
              running("j", { ready: false }),
            ],
          },
        },
      ),
      { Ready: "0/1", Status: "Init:1/2" },
    ],
    [
      "failing to initialize",
      pod(
        { initContainers: [{ name: "i", image: "x" }] },
        {
          status: {
            phase: "Pending",
            initContainerStatuses: [
              running("i", { state: { waiting: { reason: "CrashLoopBackOff" } }, restartCount: 2 }),
            ],
          },
        },
      ),
      { Status: "Init:CrashLoopBackOff", Restarts: "2" },
    ],
    [
      "with a sidecar",
      pod(
        { initContainers: [{ name: "i", image: "x", restartPolicy: "Always" }] },
        {
          status: {
            phase: "Running",
            initContainerStatuses: [running("i", { started: true })],
            containerStatuses: [running("c")],
          },
        },
      ),
      { Ready: "2/2", Status: "Running" },
    ],
    [
      "terminating",
      pod({}, { metadata: { name: "x", deletionTimestamp: "2026-01-01T00:00:00Z" }, status: { phase: "Running" } }),
      { Status: "Terminating" },
    ],
    [
      "waiting for its gates",
      pod(
        { schedulingGates: [{ name: "g" }] },
        {
          status: {
            phase: "Pending",
            conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }],
          },
        },
      ),
      { Status: "SchedulingGated" },
    ],
    [
      "-o wide",
      pod(
        { nodeName: "n", readinessGates: [{ conditionType: "a" }, { conditionType: "b" }] },
        {
          status: { phase: "Running", podIP: "10.0.0.1", conditions: [{ type: "a", status: "True" }] },
        },
      ),
      { IP: "10.0.0.1", Node: "n", "Nominated Node": "<none>", "Readiness Gates": "1/2" },
    ],
  ];
  it.each(cases)("%s", (_, object, expected) => expect(cellsOf(podKind, object)).toMatchObject(expected));
});
