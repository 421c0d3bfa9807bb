import { expect, test } from "vitest";
import { createManualTime } from "../../test/harness/timers.ts";
import { node, pod } from "../controller-runtime/views.fixture.ts";
import type { ClusterEvent, Plugin } from "./framework.ts";
import { createSchedulingQueue } from "./queue.ts";

const plugin = (name: string, awaits: Plugin["awaits"], helps = () => true): Plugin => ({
  name,
  awaits,
  helps,
  prepare: () => undefined,
});
const fit = plugin("fit", ["node", "pod-gone"]);
const taints = plugin("taints", ["node"]);
const ports = plugin("ports", ["pod-gone"], () => false);

const nodeCame: ClusterEvent = { kind: "node", before: undefined, after: node("n") };
const nodeChanged: ClusterEvent = { kind: "node", before: node("n"), after: node("n") };
const podGone: ClusterEvent = { kind: "pod-gone", pod: pod("gone", { node: "n" }) };

function setUp() {
  const time = createManualTime();
  const queue = createSchedulingQueue({ clock: time, plugins: [fit, taints, ports] });
  const next = () => queue.pop()?.metadata.name;
  return { time, queue, next };
}

const waiting = (name: string, priority = 0) => pod(name, { phase: "Pending", spec: { priority } });

test("the highest priority first, then in order of arrival", () => {
  const { queue, next } = setUp();
  for (const [name, priority] of [
    ["a", 0],
    ["b", 10],
    ["c", 0],
    ["d", 10],
  ] as const)
    queue.add(waiting(name, priority));
  expect([next(), next(), next(), next(), next()]).toEqual(["b", "d", "a", "c", undefined]);
});

test("a refused pod waits for an event that its refusers wait for, and for its back-off", () => {
  const { time, queue, next } = setUp();
  queue.add(waiting("a"));
  const [a] = [queue.pop()];
  if (!a) throw new Error("nothing popped");
  queue.unschedulable(a, new Set(["taints"]));
  time.advance(60_000);
  expect(next()).toBeUndefined();
  queue.happened(podGone);
  expect(next()).toBeUndefined();
  queue.happened(nodeChanged);
  expect(next()).toBe("a");
});

test("back-off: 1 s, 2 s, 4 s … 10 s, however many events there are", () => {
  const { time, queue } = setUp();
  queue.add(waiting("a"));
  const delays: number[] = [];
  for (let attempt = 0; attempt < 6; attempt++) {
    const popped = queue.pop();
    if (!popped) throw new Error("nothing popped");
    queue.unschedulable(popped, new Set(["fit"]));
    queue.happened(nodeCame);
    const dueMs = queue.nextDueMs() ?? 0;
    delays.push(dueMs - time.now());
    expect(queue.pop()).toBeUndefined();
    time.advance(dueMs - time.now());
  }
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
});

test("without any node only a node helps", () => {
  const { time, queue, next } = setUp();
  queue.add(waiting("a"));
  const popped = queue.pop();
  if (!popped) throw new Error("nothing popped");
  queue.unschedulable(popped, new Set());
  time.advance(60_000);
  queue.happened(podGone);
  expect(next()).toBeUndefined();
  queue.happened(nodeCame);
  expect(next()).toBe("a");
});

test("a failed binding is tried again by time alone; what is removed never comes back", () => {
  const { time, queue, next } = setUp();
  queue.add(waiting("a"));
  queue.add(waiting("b"));
  const [a, b] = [queue.pop(), queue.pop()];
  if (!a || !b) throw new Error("nothing popped");
  queue.retry(a);
  queue.retry(b);
  queue.remove(b.metadata.uid);
  expect(next()).toBeUndefined();
  time.advance(1_000);
  expect([next(), next()]).toEqual(["a", undefined]);
});

test("what no event helps is tried again after five minutes", () => {
  const { time, queue, next } = setUp();
  queue.add(waiting("a"));
  const popped = queue.pop();
  if (!popped) throw new Error("nothing popped");
  queue.unschedulable(popped, new Set(["ports"]));
  queue.happened(podGone);
  const dueMs = queue.nextDueMs() ?? 0;
  expect(dueMs - time.now()).toBe(300_000);
  time.advance(299_999);
  expect(next()).toBeUndefined();
  time.advance(1);
  expect(next()).toBe("a");
});
