import { describe, expect, test } from "vitest";
import type { Container, PodSpec } from "../../kinds/core/pods/types.ts";
import { createPodViews, podView } from "./pod-view.ts";

const asking = (cpu: string, memory: string, more: Partial<Container> = {}): Container => ({
  name: "c",
  resources: { requests: { cpu, memory } },
  ...more,
});
const viewOf = (spec: Partial<PodSpec>) =>
  podView({ metadata: { name: "p", namespace: "n", uid: "u" }, spec: { containers: [{ name: "c" }], ...spec } });
const sidecar = { restartPolicy: "Always" };

describe("what a pod needs of its node", () => {
  test.each<[string, Partial<PodSpec>, Record<string, number>]>([
    ["nothing", {}, {}],
    [
      "its containers together",
      { containers: [asking("100m", "1Ki"), asking("1", "1Ki")] },
      { cpu: 1100, memory: 2048 },
    ],
    [
      "the largest init container, where that is more",
      { containers: [asking("100m", "4Ki")], initContainers: [asking("1", "1Ki"), asking("500m", "2Ki")] },
      { cpu: 1000, memory: 4096 },
    ],
    [
      "sidecars run beside the containers",
      { containers: [asking("100m", "1Ki")], initContainers: [asking("200m", "1Ki", sidecar)] },
      { cpu: 300, memory: 2048 },
    ],
    [
      "and beside the init containers after them only",
      {
        containers: [asking("1m", "1Ki")],
        initContainers: [asking("300m", "1Ki"), asking("200m", "1Ki", sidecar), asking("400m", "1Ki")],
      },
      { cpu: 600, memory: 2048 },
    ],
    [
      "the overhead of its runtime",
      { containers: [asking("1", "1Ki")], overhead: { cpu: "250m" } },
      { cpu: 1250, memory: 1024 },
    ],
    [
      "what is asked for the pod as a whole",
      { containers: [asking("1", "1Ki")], resources: { requests: { cpu: "3" } } },
      { cpu: 3000, memory: 1024 },
    ],
    ["parts of a thousandth count as one", { containers: [asking("100u", "1")] }, { cpu: 1, memory: 1 }],
  ])("%s", (_name, spec, expected) => {
    expect(viewOf(spec).scheduling.requests).toEqual(expected);
  });
});

test("host ports, with every address where none is named; named ports, sidecars' too", () => {
  const view = viewOf({
    containers: [
      {
        name: "c",
        ports: [
          { containerPort: 80, hostPort: 8080 },
          { name: "web", containerPort: 80 },
        ],
      },
    ],
    initContainers: [{ name: "s", ...sidecar, ports: [{ name: "dns", containerPort: 53, protocol: "UDP" }] }],
  });
  expect(view.scheduling.hostPorts).toEqual([{ ip: "0.0.0.0", protocol: "TCP", port: 8080 }]);
  expect(view.namedPorts).toEqual([
    { name: "web", protocol: "TCP", port: 80 },
    { name: "dns", protocol: "UDP", port: 53 },
  ]);
});

test("pods of one template share what it says, and keep it on their node: affinity goes on", () => {
  const views = createPodViews();
  const affinity = { podAntiAffinity: {} };
  const [a, b] = ["a", "b"].map((name) =>
    views({ metadata: { name, namespace: "n", uid: name, labels: { app: "x" } }, spec: { containers: [], affinity } }),
  );
  expect(a?.scheduling).toBe(b?.scheduling);
  expect(a?.metadata.labels).toBe(b?.metadata.labels);
  expect(viewOf({ affinity, nodeName: "a" }).scheduling.podAntiAffinity).toEqual({});
});
