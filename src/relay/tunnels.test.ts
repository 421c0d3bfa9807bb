/** Whom a commit concerns, and how often a node is woken: on a clock of the test's own. */
import { beforeEach, expect, test } from "vitest";
import type { LogEntry } from "../storage/storage.ts";
import { createTunnels, type Interest, type TunnelPeer, type Tunnels } from "./tunnels.ts";

interface TestPeer extends TunnelPeer {
  sent: { type: string; revision?: number }[];
  closed: number[];
  buffered: number;
}

let now: number;
let due: { atMs: number; run: () => void }[];
let peers: TestPeer[];
let refusals: unknown[];
let warnings: string[];
let tunnels: Tunnels;

beforeEach(() => {
  now = 1_000_000;
  due = [];
  peers = [];
  refusals = [];
  warnings = [];
  tunnels = createTunnels({
    peers: { all: () => peers, of: (name) => peers.filter(({ nodeName }) => nodeName === name) },
    clock: { now: () => now },
    timers: {
      after(delayMs, run) {
        const timer = { atMs: now + delayMs, run };
        due.push(timer);
        return () => void (due = due.filter((other) => other !== timer));
      },
    },
    log: { debug() {}, info() {}, warn: (message) => void warnings.push(message), error() {} },
    refused: (answer) => void refusals.push(answer),
  });
});

function pass(ms: number): void {
  now += ms;
  const ready = due.filter(({ atMs }) => atMs <= now);
  due = due.filter(({ atMs }) => atMs > now);
  for (const { run } of ready) run();
}

function node(nodeName: string, interest: Interest = { secrets: [], configMaps: [] }): TestPeer {
  let current = interest;
  const peer: TestPeer = {
    nodeName,
    sent: [],
    closed: [],
    buffered: 0,
    interest: () => current,
    setInterest: (next) => void (current = next),
    lastSeenMs: () => now,
    bufferedBytes: () => peer.buffered,
    send: (text) => void peer.sent.push(JSON.parse(text) as { type: string }),
    close(code) {
      peer.closed.push(code);
      peers = peers.filter((other) => other !== peer);
    },
  };
  peers.push(peer);
  tunnels.accepted(peer);
  return peer;
}

let revision = 0;
function entry(resource: string, over: Partial<LogEntry> = {}): LogEntry {
  revision += 1;
  return {
    type: "MODIFIED",
    resource,
    namespace: "a",
    name: "x",
    uid: "u",
    revision,
    form: "v1/1",
    labels: {},
    fields: {},
    value: '{"metadata":{"name":"x"}}',
    before: { labels: {}, fields: {} },
    ...over,
  };
}
const wakes = (peer: TestPeer) => peer.sent.filter(({ type }) => type === "wake").length;
const nodeValue = (address: string, heartbeat = 0) =>
  JSON.stringify({
    metadata: { name: "n1" },
    spec: { podCIDR: "10.244.1.0/24" },
    status: { addresses: [{ type: "InternalIP", address }], heartbeat },
  });

const cases: [string, LogEntry, { n1: number; n2: number }][] = [
  ["a pod of n1", entry("pods", { fields: { "spec.nodeName": "n1" } }), { n1: 1, n2: 0 }],
  [
    "a pod that leaves n1",
    entry("pods", { fields: { "spec.nodeName": "" }, before: { labels: {}, fields: { "spec.nodeName": "n1" } } }),
    { n1: 1, n2: 0 },
  ],
  ["a pod without a node", entry("pods", { fields: { "spec.nodeName": "" } }), { n1: 0, n2: 0 }],
  ["a service", entry("services"), { n1: 1, n2: 1 }],
  ["endpoints", entry("endpointslices.discovery.k8s.io"), { n1: 1, n2: 1 }],
  ["a Secret that n1 uses", entry("secrets", { name: "used" }), { n1: 1, n2: 0 }],
  ["a Secret nobody uses", entry("secrets", { name: "unused" }), { n1: 0, n2: 0 }],
  ["a ConfigMap of the same name as the Secret", entry("configmaps", { name: "used" }), { n1: 0, n2: 0 }],
  ["a Deployment", entry("deployments.apps"), { n1: 0, n2: 0 }],
];
test.each(cases)("%s wakes whom it concerns", (_what, one, expected) => {
  const n1 = node("n1", { secrets: ["a/used"], configMaps: [] });
  const n2 = node("n2");
  tunnels.committed([one]);
  expect({ n1: wakes(n1), n2: wakes(n2) }).toEqual(expected);
});

test("a node that has not told what it uses is woken for every Secret", () => {
  const fresh = node("n1", "all");
  tunnels.committed([entry("secrets")]);
  tunnels.received(fresh, JSON.stringify({ type: "interest", secrets: ["a/other"], configMaps: [] }));
  pass(1000);
  tunnels.committed([entry("secrets")]);
  expect(wakes(fresh)).toBe(1);
});

const write = (value: string) => tunnels.committed([entry("nodes", { namespace: "", name: "n1", value })]);

test("a node's own status wakes itself only; its address or pod CIDR concerns all", () => {
  const [n1, n2] = [node("n1"), node("n2")];
  write(nodeValue("192.0.2.1"));
  expect([wakes(n1), wakes(n2)]).toEqual([1, 1]);
  pass(1000);
  write(nodeValue("192.0.2.1", 7));
  expect([wakes(n1), wakes(n2)]).toEqual([2, 1]);
  pass(1000);
  write(nodeValue("192.0.2.9"));
  expect([wakes(n1), wakes(n2)]).toEqual([3, 2]);
});

test("a burst of commits is two wakes: the first at once, one later with the newest revision", () => {
  const n1 = node("n1");
  const burst = Array.from({ length: 100 }, () => entry("services"));
  for (const one of burst) tunnels.committed([one]);
  expect(wakes(n1)).toBe(1);
  pass(50);
  expect(n1.sent).toEqual([
    { type: "wake", revision: burst[0]?.revision },
    { type: "wake", revision: burst.at(-1)?.revision },
  ]);
  pass(1000);
  expect(wakes(n1)).toBe(2);
});

test("a second tunnel closes the first and gets the wakes", () => {
  const first = node("n1");
  const second = node("n1");
  expect(first.closed).toEqual([4001]);
  tunnels.committed([entry("services")]);
  expect([wakes(first), wakes(second)]).toEqual([0, 1]);
});

test("the tunnel of a deleted node is closed", () => {
  const [n1, n2] = [node("n1"), node("n2")];
  tunnels.committed([entry("nodes", { type: "DELETED", namespace: "", name: "n1", value: nodeValue("192.0.2.1") })]);
  expect([n1.closed, n2.closed]).toEqual([[4003], []]);
});

test("an agent that does not read is closed instead of buffered for", () => {
  const slow = node("n1");
  slow.buffered = 5 * 1024 * 1024;
  tunnels.committed([entry("services")]);
  expect(slow.closed).toEqual([4002]);
  expect(slow.sent).toEqual([]);
  const target = { kind: "exec" as const, namespace: "a", pod: "p", uid: "u", query: "" };
  expect(tunnels.openStream("n1", { type: "open", id: "i", ticket: "t", target })).toBe(false);
});

test("a refusal is passed on with the node that made it; nonsense is logged and dropped", () => {
  const n1 = node("n1");
  tunnels.received(n1, JSON.stringify({ type: "refuse", id: "s", code: 404, message: "gone" }));
  expect(refusals).toEqual([{ id: "s", nodeName: "n1", code: 404, message: "gone" }]);
  const nonsense = ["", "{", "null", "[]", '{"type":"wake"}', '{"type":"refuse","id":1}', '{"type":"interest"}'];
  for (const text of nonsense) tunnels.received(n1, text);
  expect(warnings).toHaveLength(nonsense.length);
  expect(refusals).toHaveLength(1);
});

test("signs of life come from tunnels and from polls, and old polls are forgotten", async () => {
  node("n1");
  tunnels.seen("n2");
  expect(await tunnels.lastSeen()).toEqual({ n1: now, n2: now });
  const polledAt = now;
  pass(60_000);
  expect(await tunnels.lastSeen()).toEqual({ n1: now, n2: polledAt });
  pass(60 * 60_000);
  expect(await tunnels.lastSeen()).toEqual({ n1: now });
});
