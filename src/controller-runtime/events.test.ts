import { expect, test } from "vitest";
import { silentLog } from "../../test/harness/silent-log.ts";
import { createManualTime } from "../../test/harness/timers.ts";
import type { Client } from "../client/client.ts";
import type { CoreEvent } from "../kinds/core/events/types.ts";
import { notFound } from "../machinery/status-error.ts";
import { createEventRecorder } from "./events.ts";

function setUp() {
  const time = createManualTime();
  const written: CoreEvent[] = [];
  const patched: { name: string; body: unknown }[] = [];
  const requests: number[] = [];
  let expired = false;
  const client = {
    create: async (_ref: unknown, { items }: { items: CoreEvent[] }) => {
      requests.push(items.length);
      written.push(...items);
      return { items: items.map(() => ({ status: "Success" })) };
    },
    patch: async (_ref: unknown, at: { name: string }, _type: string, body: unknown) => {
      if (expired) throw notFound({ group: "", resource: "events" }, at.name);
      patched.push({ name: at.name, body });
    },
  } as unknown as Client;
  const platform = {
    clock: time,
    timers: time,
    log: silentLog,
    random: { uuid: () => "", fraction: () => 0, bytes: (length: number) => new Uint8Array(length) },
  };
  const recorder = createEventRecorder({ client, platform, component: "test-controller" });
  const about = { apiVersion: "v1", kind: "Pod", namespace: "n", name: "p", uid: "u" };
  const record = (message: string) => recorder.record({ about, type: "Normal", reason: "Did", message });
  return { time, written, patched, requests, recorder, record, expire: () => (expired = true) };
}

test("an event names its object, its component and its times", async () => {
  const { recorder, record, written } = setUp();
  record("hello");
  await recorder.flush();
  expect(written).toEqual([
    expect.objectContaining({
      metadata: { name: "p.e8d4a51000", namespace: "n" },
      involvedObject: { apiVersion: "v1", kind: "Pod", namespace: "n", name: "p", uid: "u" },
      reason: "Did",
      message: "hello",
      type: "Normal",
      count: 1,
      source: { component: "test-controller" },
    }),
  ]);
});

test("the same again raises the count, at most every five seconds; another message is another event", async () => {
  const { recorder, record, written, patched, time } = setUp();
  for (let index = 0; index < 10; index++) record("hello");
  record("other");
  await recorder.flush();
  expect(written.map(({ message }) => message)).toEqual(["hello", "other"]);
  expect(patched).toEqual([]);
  time.advance(6_000);
  record("hello");
  await recorder.flush();
  expect(patched).toEqual([{ name: "p.e8d4a51000", body: expect.objectContaining({ count: 11 }) as unknown }]);
});

test("an event that has expired is told anew", async () => {
  const { recorder, record, written, time, expire } = setUp();
  record("hello");
  await recorder.flush();
  expire();
  time.advance(3_600_000);
  record("hello");
  await recorder.flush();
  expect(written.map(({ metadata, count }) => [metadata.name, count])).toEqual([
    ["p.e8d4a51000", 1],
    ["p.42f055db000", 1],
  ]);
});

test("what is recorded in one breath goes in one request, up to a bound", async () => {
  const { recorder, record, written, requests } = setUp();
  for (let index = 0; index < 150; index++) record(`number ${index}`);
  await recorder.flush();
  expect(requests).toEqual([64, 64, 22]);
  expect(written.map(({ message }) => message)).toEqual(Array.from({ length: 150 }, (_, index) => `number ${index}`));
});

test("more than a thousand that wait are dropped, and what is recorded afterwards is not", async () => {
  const { recorder, record, written } = setUp();
  for (let index = 0; index < 1_200; index++) record(`number ${index}`);
  await recorder.flush();
  expect(written.length).toBe(1_000);
  record("later");
  await recorder.flush();
  expect(written.at(-1)?.message).toBe("later");
});
