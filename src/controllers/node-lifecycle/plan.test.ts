import { describe, expect, test } from "vitest";
import type { NodeStatus } from "../../kinds/core/nodes/types.ts";
import type { Taint, Toleration } from "../../kinds/core/pods/types.ts";
import { formatTime } from "../../machinery/meta.ts";
import { node, NOW_MS, pod } from "../../controller-runtime/views.fixture.ts";
import { evictionMs, planLost, planPods, planTaints } from "./plan.ts";

const saying = (...conditions: [type: string, status: "True" | "False" | "Unknown"][]): NodeStatus => ({
  conditions: conditions.map(([type, status]) => ({ type, status })),
});
const texts = (taints: readonly Taint[] | undefined) => taints?.map(({ key, effect }) => `${key}:${effect}`).toSorted();

test("a silent node is believed in nothing; said once, it is not said again", () => {
  const lost = planLost(node("a", { status: saying(["Ready", "True"], ["DiskPressure", "False"]) }), NOW_MS);
  expect(lost?.map(({ type, status, reason }) => [type, status, reason])).toEqual(
    ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"].map((type) => [type, "Unknown", "NodeStatusUnknown"]),
  );
  const all = saying(
    ["Ready", "Unknown"],
    ["MemoryPressure", "Unknown"],
    ["DiskPressure", "Unknown"],
    ["PIDPressure", "Unknown"],
  );
  expect(planLost(node("a", { status: all }), NOW_MS)).toBeUndefined();
});

describe("taints", () => {
  const own: Taint[] = [
    { key: "node.kubernetes.io/unreachable", effect: "NoSchedule" },
    { key: "node.kubernetes.io/unreachable", effect: "NoExecute", timeAdded: formatTime(NOW_MS - 90_000) },
  ];
  const foreign: Taint = { key: "gpu", value: "yes", effect: "NoSchedule" };
  test.each<[string, NodeStatus, Taint[], string[] | undefined]>([
    ["well", saying(["Ready", "True"]), [foreign], undefined],
    ["never reported", {}, [], ["node.kubernetes.io/not-ready:NoSchedule"]],
    [
      "says it is not ready",
      saying(["Ready", "False"]),
      [],
      ["node.kubernetes.io/not-ready:NoExecute", "node.kubernetes.io/not-ready:NoSchedule"],
    ],
    [
      "lost",
      saying(["Ready", "Unknown"]),
      [foreign],
      ["gpu:NoSchedule", "node.kubernetes.io/unreachable:NoExecute", "node.kubernetes.io/unreachable:NoSchedule"],
    ],
    ["still lost", saying(["Ready", "Unknown"]), own, undefined],
    ["back", saying(["Ready", "True"]), [foreign, ...own], ["gpu:NoSchedule"]],
    [
      "back, but not ready",
      saying(["Ready", "False"]),
      own,
      ["node.kubernetes.io/not-ready:NoExecute", "node.kubernetes.io/not-ready:NoSchedule"],
    ],
    [
      "short of memory",
      saying(["Ready", "True"], ["MemoryPressure", "True"]),
      [],
      ["node.kubernetes.io/memory-pressure:NoSchedule"],
    ],
  ])("%s", (_name, status, taints, expected) => {
    expect(texts(planTaints(node("a", { status, spec: { taints } }), NOW_MS))).toEqual(expected);
  });

  test("cordoned and uncordoned", () => {
    const status = saying(["Ready", "True"]);
    const cordoned = planTaints(node("a", { status, spec: { unschedulable: true } }), NOW_MS);
    expect(texts(cordoned)).toEqual(["node.kubernetes.io/unschedulable:NoSchedule"]);
    expect(planTaints(node("a", { status, spec: { taints: cordoned ?? [] } }), NOW_MS)).toEqual([]);
  });
});

const names = (views: readonly { metadata: { name: string } }[]) => views.map(({ metadata }) => metadata.name);

describe("when a pod must go", () => {
  const since = NOW_MS - 100_000;
  const taint: Taint = { key: "node.kubernetes.io/unreachable", effect: "NoExecute", timeAdded: formatTime(since) };
  const tolerating = (seconds?: number): Toleration => ({
    key: taint.key,
    operator: "Exists",
    effect: "NoExecute",
    ...(seconds === undefined ? {} : { tolerationSeconds: seconds }),
  });
  test.each<[string, Taint[], Toleration[], number | undefined]>([
    ["no taint", [], [], undefined],
    ["only NoSchedule", [{ ...taint, effect: "NoSchedule" }], [], undefined],
    ["not tolerated: at once", [taint], [], since],
    ["for a while", [taint], [tolerating(300)], since + 300_000],
    ["for ever", [taint], [tolerating()], undefined],
    ["of several tolerations the shortest", [taint], [tolerating(), tolerating(60)], since + 60_000],
    ["of several taints the earliest", [taint, { ...taint, key: "other" }], [tolerating(300)], since],
    ["everything tolerated", [taint], [{ operator: "Exists" }], undefined],
    ["another key", [taint], [{ key: "other", operator: "Exists" }], since],
    ["a negative time is none", [taint], [tolerating(-5)], since],
  ])("%s", (_name, taints, tolerations, expected) => {
    expect(evictionMs(pod("p", { spec: { tolerations } }), node("a", { spec: { taints } }))).toBe(expected);
  });

  test("on a lost node: nothing is ready, what is due goes, the next one's time is named", () => {
    const lost = node("a", { spec: { taints: [taint] }, status: saying(["Ready", "Unknown"]) });
    const plan = planPods(
      lost,
      [
        pod("due", { spec: { tolerations: [tolerating(60)] } }),
        pod("later", { ready: false, spec: { tolerations: [tolerating(300)] } }),
        pod("going", { meta: { deletionTimestamp: formatTime(NOW_MS) } }),
        pod("finished", { phase: "Succeeded" }),
      ],
      NOW_MS,
    );
    expect([names(plan.evict), names(plan.unready), plan.againMs]).toEqual([
      ["due"],
      ["due", "going"],
      since + 300_000,
    ]);
  });
});
