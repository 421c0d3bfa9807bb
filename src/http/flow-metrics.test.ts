import { expect, test } from "vitest";
import { createManualTime } from "../../test/harness/timers.ts";
import { createFlowControl } from "../flowcontrol/flow-control.ts";
import type { FlowSchema, PriorityLevelConfiguration } from "../kinds/flowcontrol/types.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { createFlowMetrics } from "./flow-metrics.ts";

const schema = (name: string, level: string): FlowSchema => ({
  metadata: { name },
  spec: {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence: 1,
    distinguisherMethod: { type: "ByUser" },
    rules: [
      {
        subjects: [{ kind: "User", user: { name } }],
        resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"], clusterScope: true }],
      },
    ],
  },
});
const level = (name: string, limitResponse: object): PriorityLevelConfiguration =>
  ({
    metadata: { name },
    spec: { type: "Limited", limited: { nominalConcurrencyShares: 1, borrowingLimitPercent: 0, limitResponse } },
  }) as PriorityLevelConfiguration;
const request = {
  isResource: true,
  verb: "list",
  path: "",
  group: "",
  resource: "pods",
  subresource: "",
  namespace: "n",
};

test("requests are counted as they wait, sit, leave and are turned away", async () => {
  const time = createManualTime();
  const metrics = createMetrics();
  // One seat for each of the two levels.
  const flows = createFlowControl({ timers: time, seats: 2, counts: createFlowMetrics({ metrics, clock: time }) });
  const queuing = { queues: 1, handSize: 1, queueLengthLimit: 2 };
  flows.configure({
    schemas: [schema("ann", "queued"), schema("bob", "strict"), schema("root", "exempt")],
    levels: [
      level("queued", { type: "Queue", queuing }),
      level("strict", { type: "Reject" }),
      { metadata: { name: "exempt" }, spec: { type: "Exempt" } },
    ],
  });
  const enter = async (name: string) => await flows.classify({ name, groups: [] }, request).enter(() => undefined);
  const value = async (name: string, ...labels: string[]) => {
    const family = (await metrics.collect()).find((one) => one.name === `apiserver_flowcontrol_${name}`);
    const found = family?.series.find(({ values }) => values.join() === labels.join());
    if (!found) return undefined;
    return "counts" in found ? [found.counts.reduce((sum, count) => sum + count, 0), found.sum] : found.value;
  };

  const first = await enter("ann");
  const second = enter("ann");
  const third = enter("ann").catch((error: unknown) => String(error));
  await expect(enter("ann")).rejects.toThrow("Too many requests");
  const bob = await enter("bob");
  await expect(enter("bob")).rejects.toMatchObject({ code: 429, details: { retryAfterSeconds: 1 } });
  const root = await enter("root");
  expect(await value("current_inqueue_requests", "queued", "ann")).toBe(2);
  expect(await value("current_executing_seats", "queued", "ann")).toBe(1);
  expect(await value("rejected_requests_total", "queued", "ann", "queue-full")).toBe(1);
  expect(await value("rejected_requests_total", "strict", "bob", "concurrency-limit")).toBe(1);
  expect(await value("current_executing_requests", "exempt", "root")).toBe(1);

  time.advance(2_000);
  first.leave();
  const seat = await second;
  time.advance(13_000);
  await third;
  expect(await value("rejected_requests_total", "queued", "ann", "time-out")).toBe(1);
  for (const one of [seat, bob, root]) one.leave();
  expect(await value("dispatched_requests_total", "queued", "ann")).toBe(2);
  expect(await value("request_wait_duration_seconds", "queued", "ann", "true")).toEqual([2, 2]);
  expect(await value("request_wait_duration_seconds", "queued", "ann", "false")).toEqual([2, 15]);
  for (const name of ["current_inqueue_requests", "current_executing_seats"]) {
    expect(await value(name, "queued", "ann")).toBe(0);
  }
});

test("names are bounded: schemas beyond are counted together", async () => {
  const metrics = createMetrics();
  const counts = createFlowMetrics({ metrics, clock: { now: () => 0 } });
  for (let at = 0; at < 2_000; at++) counts.of({ level: "l", schema: `s${at}` }).dispatched();
  const family = (await metrics.collect()).find(
    ({ name }) => name === "apiserver_flowcontrol_dispatched_requests_total",
  );
  expect(family?.series).toHaveLength(501);
  expect(family?.series.at(-1)).toMatchObject({ values: ["overflow", "overflow"], value: 1_500 });
});
