import { expect, test } from "vitest";
import { events } from "../kinds/core/events/types.ts";
import type { Client } from "./client.ts";
import { postEach } from "./post-each.ts";

const named = (count: number) => Array.from({ length: count }, (_, at) => ({ metadata: { name: `e-${at}` } }));

function server(answer: (item: object, at: number) => object | undefined) {
  const requests: number[] = [];
  const create = async (_ref: unknown, { items }: { items: object[] }) => {
    requests.push(items.length);
    return { items: items.map(answer).filter((one) => one !== undefined) };
  };
  return { client: { create } as unknown as Client, requests };
}

test("each item has its own end, in its place, however many requests it takes", async () => {
  const conflict = { kind: "Status", status: "Failure", reason: "Conflict", code: 409, message: "no" };
  const { client, requests } = server((_item, at) => (at === 3 ? conflict : { kind: "Status", status: "Success" }));
  const ends = await postEach(client, events, { kind: "EventList", items: named(300) });
  expect(requests).toEqual([128, 128, 44]);
  expect(ends).toHaveLength(300);
  expect(ends.flatMap((end, at) => (end ? [[at, end.reason]] : []))).toEqual([
    [3, "Conflict"],
    [131, "Conflict"],
    [259, "Conflict"],
  ]);
});

test("what is not answered has not succeeded, and nothing asks nothing", async () => {
  const { client, requests } = server(() => undefined);
  expect((await postEach(client, events, { kind: "EventList", items: named(1) })).map((end) => end?.reason)).toEqual([
    "InternalError",
  ]);
  await postEach(client, events, { kind: "EventList", items: [] });
  expect(requests).toEqual([1]);
});
