import { expect, test } from "vitest";
import type { ContainerPort, PodSpec } from "../../kinds/core/pods/types.ts";
import { nodePorts } from "./node-ports.ts";
import { labelled, placed, refusals } from "./plugins.fixture.ts";

const TAKEN = "node(s) didn't have free ports for the requested pod ports";
const wanting = (...ports: Omit<ContainerPort, "containerPort">[]): Partial<PodSpec> => ({
  containers: [{ name: "c", ports: ports.map((port) => ({ containerPort: 1, ...port })) }],
});

test.each<[string, Partial<PodSpec>, Partial<PodSpec>, string]>([
  ["the same", wanting({ hostPort: 80 }), wanting({ hostPort: 80 }), TAKEN],
  ["another number", wanting({ hostPort: 80 }), wanting({ hostPort: 81 }), ""],
  ["another protocol", wanting({ hostPort: 80 }), wanting({ hostPort: 80, protocol: "UDP" }), ""],
  ["other addresses", wanting({ hostPort: 80, hostIP: "10.0.0.1" }), wanting({ hostPort: 80, hostIP: "10.0.0.2" }), ""],
  ["every address wants one", wanting({ hostPort: 80 }), wanting({ hostPort: 80, hostIP: "10.0.0.2" }), TAKEN],
  [
    "one wants every address",
    wanting({ hostPort: 80, hostIP: "10.0.0.1" }),
    wanting({ hostPort: 80, hostIP: "0.0.0.0" }),
    TAKEN,
  ],
  ["one of several", wanting({ hostPort: 80 }), wanting({ hostPort: 81 }, { hostPort: 80 }), TAKEN],
  ["none", wanting({ hostPort: 80 }), wanting({}), ""],
])("%s", (_, there, pod, expected) => {
  const scene = { nodes: [labelled("a"), labelled("b")], pods: [placed("x", "a", {}, there)], pod };
  expect(refusals(nodePorts, scene)).toEqual({ a: expected, b: "" });
});
