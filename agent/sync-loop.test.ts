/** When the loop asks, on a clock of the test's own. */
import { beforeEach, expect, test } from "vitest";
import { StatusError } from "../src/machinery/status-error.ts";
import type { Platform } from "../src/platform/platform.ts";
import type { SyncRequest, SyncResponse } from "../src/relay/protocol.ts";
import { createSyncLoop, type SyncedNode, type SyncLoop } from "./sync-loop.ts";

let now: number;
let timers: { atMs: number; run: () => void }[];
let requests: { atMs: number; request: SyncRequest }[];
let answer: (request: SyncRequest) => Partial<SyncResponse> | Error | Promise<Partial<SyncResponse>>;
let statusChanged: () => void;
let loop: SyncLoop;
let unauthorized: number;
let status: Record<string, unknown>;

const platform = (): Platform => ({
  clock: { now: () => now },
  timers: {
    after(delayMs, run) {
      const timer = { atMs: now + delayMs, run };
      timers.push(timer);
      return () => void (timers = timers.filter((other) => other !== timer));
    },
  },
  random: { uuid: () => "", fraction: () => 0.5, bytes: (length) => new Uint8Array(length) },
  log: { debug() {}, info() {}, warn() {}, error() {} },
});

beforeEach(() => {
  now = 0;
  timers = [];
  requests = [];
  unauthorized = 0;
  status = { conditions: [{ type: "Ready", status: "True" }] };
  answer = () => ({});
  const node: SyncedNode = {
    apply() {},
    pendingStatuses: () => [],
    statusAccepted() {},
    onStatusChange(listener) {
      statusChanged = listener;
      return () => {};
    },
    digest: () => "",
    holds: () => ({ secrets: [], configMaps: [] }),
    lacks: () => ({ secrets: [], configMaps: [] }),
    nodeStatus: () => status,
  };
  loop = createSyncLoop({
    node,
    platform: platform(),
    onUnauthorized: async () => void (unauthorized += 1),
    async send(request) {
      requests.push({ atMs: now, request });
      const given = await answer(request);
      if (given instanceof Error) throw given;
      return {
        revision: 10,
        full: false,
        node: { metadata: {}, status },
        pods: [],
        removedPods: [],
        secrets: [],
        configMaps: [],
        services: [],
        endpointSlices: [],
        removedServices: [],
        removedEndpointSlices: [],
        peers: [],
        statusResults: [],
        ...given,
      };
    },
  });
});

const settle = () => new Promise((resolve) => setImmediate(resolve));
/** Lets time pass, one due timer after the other. */
async function pass(ms: number): Promise<void> {
  const end = now + ms;
  await settle();
  for (;;) {
    const [next] = timers.filter(({ atMs }) => atMs <= end).toSorted((a, b) => a.atMs - b.atMs);
    if (!next) break;
    timers = timers.filter((timer) => timer !== next);
    now = Math.max(now, next.atMs);
    next.run();
    await settle();
  }
  now = end;
}

async function connected(): Promise<void> {
  loop.start();
  loop.tunnelIs("up");
  await pass(60_000);
  requests = [];
}

test("with a tunnel an hour passes without a request", async () => {
  await connected();
  await pass(3_600_000);
  expect(requests).toEqual([]);
});

test("without a tunnel it polls about every ten seconds", async () => {
  loop.start();
  await pass(100_000);
  expect(requests).toHaveLength(11);
});

test("the node's status goes with the first request and then only when it changed", async () => {
  await connected();
  loop.wake(11);
  await pass(100);
  expect(requests.map(({ request }) => request.nodeStatus)).toEqual([undefined]);
  status = { ...status, capacity: { cpu: "2" } };
  loop.wake(12);
  await pass(100);
  expect(requests[1]?.request.nodeStatus).toEqual(status);
});

test("a wake for what is known already asks nothing; a newer one asks at once", async () => {
  await connected();
  loop.wake(10);
  await pass(1000);
  expect(requests).toHaveLength(0);
  loop.wake(11);
  await pass(0);
  expect(requests).toHaveLength(1);
});

test("a wake that an older answer does not cover asks once more, and no storm follows when it never will", async () => {
  await connected();
  let release: ((value: object) => void) | undefined;
  answer = () => new Promise((resolve) => (release = resolve));
  loop.wake(11);
  await pass(0);
  loop.wake(20);
  answer = () => ({ revision: 5 });
  release?.({ revision: 11 });
  await pass(60_000);
  expect(requests).toHaveLength(2);
});

test("a wake that arrives during a request which covers it asks nothing more", async () => {
  await connected();
  let release: ((value: object) => void) | undefined;
  answer = () => new Promise((resolve) => (release = resolve));
  loop.wake(11);
  await pass(0);
  loop.wake(12);
  release?.({ revision: 12 });
  await pass(60_000);
  expect(requests).toHaveLength(1);
});

test("many changes at once are one request", async () => {
  await connected();
  for (let i = 0; i < 50; i++) statusChanged();
  await pass(1000);
  expect(requests).toHaveLength(1);
});

test("errors back off up to half a minute, and a tunnel that comes up ends that", async () => {
  await connected();
  answer = () => new Error("down");
  loop.wake(11);
  await pass(300_000);
  const gaps = requests.slice(1).map(({ atMs }, i) => atMs - (requests[i]?.atMs ?? 0));
  expect(gaps.every((gap, i) => gap >= (gaps[i - 1] ?? 0))).toBe(true);
  expect(gaps.at(-1)).toBe(22_500);
  answer = () => ({});
  const before = requests.length;
  loop.tunnelIs("up");
  await pass(0);
  expect(requests.length).toBe(before + 1);
});

test("an unknown credential is renewed", async () => {
  await connected();
  answer = () => (unauthorized === 0 ? new StatusError("Unauthorized", "no") : {});
  loop.wake(11);
  await pass(10_000);
  expect(unauthorized).toBe(1);
  expect(requests).toHaveLength(2);
});

test("a node that is called NotReady says once that it is not, and does not shout", async () => {
  await connected();
  const unknown = { metadata: {}, status: { conditions: [{ type: "Ready", status: "Unknown" }] } };
  answer = () => ({ node: unknown, nodeStatusResult: { code: 200 } });
  loop.wake(11);
  await pass(60_000);
  expect(requests.map(({ request }) => request.nodeStatus !== undefined)).toEqual([false, true]);
});

test("after the stop nothing is asked", async () => {
  await connected();
  await loop.stop();
  loop.wake(99);
  loop.tunnelIs("down");
  statusChanged();
  await pass(100_000);
  expect(requests).toEqual([]);
});
