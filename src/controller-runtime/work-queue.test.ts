import { expect, test } from "vitest";
import { createManualTime } from "../../test/harness/timers.ts";
import { createWorkQueue } from "./work-queue.ts";

function setUp() {
  const time = createManualTime();
  return { time, queue: createWorkQueue({ clock: time }) };
}

test("a key waits once, however often it is added, and keys keep their order", () => {
  const { queue } = setUp();
  for (const key of ["a", "b", "a", "c", "b"]) queue.add(key);
  expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual(["a", "b", "c", undefined]);
});

test("a key added while it is worked on comes back once it is done, and not before", () => {
  const { queue } = setUp();
  queue.add("a");
  expect(queue.take()).toBe("a");
  queue.add("a");
  expect(queue.take()).toBeUndefined();
  queue.done("a");
  expect(queue.take()).toBe("a");
  queue.done("a");
  expect(queue.take()).toBeUndefined();
});

test("back-off doubles from 5 ms to 1000 s and starts over when forgotten", () => {
  const { queue, time } = setUp();
  const delays: number[] = [];
  for (let attempt = 0; attempt < 20; attempt++) {
    const delayMs = queue.retry("a");
    delays.push(delayMs);
    time.advance(delayMs - 1);
    expect(queue.take()).toBeUndefined();
    time.advance(1);
    expect(queue.take()).toBe("a");
    queue.done("a");
  }
  expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40]);
  expect(delays.at(-1)).toBe(1_000_000);
  queue.forget("a");
  expect(queue.retry("a")).toBe(5);
});

test("of two delays the earlier counts, and the key comes up once", () => {
  const { queue, time } = setUp();
  queue.addAfter("a", 100);
  queue.addAfter("a", 50);
  queue.addAfter("a", 70);
  queue.addAfter("b", 60);
  expect(queue.nextDueMs()).toBe(time.now() + 50);
  time.advance(200);
  expect([queue.take(), queue.take(), queue.take()]).toEqual(["a", "b", undefined]);
});

test("many delayed keys come up in the order of their times", () => {
  const { queue, time } = setUp();
  const delays = Array.from({ length: 200 }, (_, index) => ((index * 7919) % 1000) + 1);
  delays.forEach((delayMs, index) => queue.addAfter(`${delayMs}-${index}`, delayMs));
  const taken: number[] = [];
  while (queue.nextDueMs() !== undefined) {
    time.advance((queue.nextDueMs() ?? 0) - time.now());
    for (let key = queue.take(); key !== undefined; key = queue.take()) taken.push(Number(key.split("-")[0]));
  }
  expect(taken).toEqual(delays.toSorted((a, b) => a - b));
});

test("says when something is due: now, later, never", () => {
  const { queue, time } = setUp();
  expect(queue.nextDueMs()).toBeUndefined();
  queue.addAfter("a", 30);
  expect(queue.nextDueMs()).toBe(time.now() + 30);
  queue.add("b");
  expect(queue.nextDueMs()).toBe(time.now());
});
