import { expect, test } from "vitest";
import { createManualTime } from "../../test/harness/timers.ts";
import { pod } from "../controller-runtime/views.fixture.ts";
import type { Plugin } from "./framework.ts";
import { createSchedulingQueue } from "./queue.ts";

const fit: Plugin = { name: "fit", requeueOn: ["node-added", "node-changed", "pod-gone"] };
const taints: Plugin = { name: "taints", requeueOn: ["node-added", "node-changed"] };

function setUp() {
  const time = createManualTime();
  const queue = createSchedulingQueue({ clock: time });
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
  queue.unschedulable(a, new Set([taints]));
  time.advance(3_600_000);
  expect([queue.nextDueMs(), next()]).toEqual([undefined, undefined]);
  queue.happened("pod-gone");
  expect(next()).toBeUndefined();
  queue.happened("node-changed");
  expect(next()).toBe("a");
});

test("back-off: 1 s, 2 s, 4 s … 10 s, however many events there are", () => {
  const { time, queue } = setUp();
  queue.add(waiting("a"));
  const delays: number[] = [];
  for (let attempt = 0; attempt < 6; attempt++) {
    const popped = queue.pop();
    if (!popped) throw new Error("nothing popped");
    queue.unschedulable(popped, new Set([fit]));
    queue.happened("node-added");
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
  queue.happened("pod-gone");
  expect(next()).toBeUndefined();
  queue.happened("node-added");
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
