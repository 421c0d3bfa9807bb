/** What is noted of open streams stays bounded. That streams end: src/relay/edge-streams.test.ts, with objects and sockets. */
import { expect, test } from "vitest";
import { createRevocations } from "../../machinery/opener.ts";
import { silentLog } from "../../../test/harness/silent-log.ts";
import { createHubStreams } from "./hub-streams.ts";

function setUp() {
  const stored = new Map<string, unknown>();
  const serving = new Set<string>();
  const ended: string[] = [];
  let nowMs = 1_000_000;
  let asked = 0;
  const clock = { now: () => nowMs };
  const make = () =>
    createHubStreams({
      storage: {
        list: async <T>() => new Map(stored) as Map<string, T>,
        put: (async (key: string, value: unknown) => void stored.set(key, value)) as DurableObjectStorage["put"],
        delete: (async (keys: string[]) =>
          keys.filter((key) => stored.delete(key)).length) as DurableObjectStorage["delete"],
      },
      brokerOf: (id) => ({
        isServing: async () => (asked++, serving.has(id)),
        end: async () => void ended.push(id),
      }),
      revocations: createRevocations(clock),
      clock,
      log: silentLog,
    });
  return { stored, serving, ended, make, asked: () => asked, passMs: (ms: number) => void (nowMs += ms) };
}

const opener = { user: "user:a", credential: "t" };

test("notes of streams that are over are dropped when they become many, young ones are not asked for", async () => {
  const { stored, make, asked, passMs } = setUp();
  const streams = make();
  for (let at = 0; at < 127; at++) await streams.begin(`s${at}`, { opener, nodeName: "n" });
  passMs(70_000);
  await streams.begin("young", { opener, nodeName: "n" });
  expect([stored.size, asked()]).toEqual([128, 0]);
  passMs(10_000);
  await streams.begin("last", { opener, nodeName: "n" });
  expect([stored.size, asked()]).toEqual([2, 127]);
});

test("no more than a thousand are open, and a full cluster is not looked through for each that asks", async () => {
  const { stored, serving, make, asked, passMs } = setUp();
  const streams = make();
  for (let at = 0; at < 1_000; at++) {
    serving.add(`s${at}`);
    expect(await streams.begin(`s${at}`, { opener, nodeName: "n" })).toBe("begun");
    passMs(100);
  }
  const before = asked();
  expect(await streams.begin("more", { opener, nodeName: "n" })).toBe("full");
  expect(await streams.begin("more", { opener, nodeName: "n" })).toBe("full");
  expect(asked() - before).toBeLessThanOrEqual(1_000);
  expect(stored.size).toBe(1_000);
  serving.clear();
  passMs(120_000);
  expect(await streams.begin("more", { opener, nodeName: "n" })).toBe("begun");
});

test("an object made anew knows what its predecessor has noted", async () => {
  const { stored, ended, make } = setUp();
  await make().begin("mine", { opener, nodeName: "n" });
  await make().begin("other", { opener: { user: "user:b" }, nodeName: "n" });
  await make().revoke({ users: ["user:a"] });
  expect(ended).toEqual(["mine"]);
  expect([...stored.keys()]).toEqual(["stream:other"]);
});
