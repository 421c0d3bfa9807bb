import { expect, test } from "vitest";
import type { LogEntry, PreparedWrite, StoredObject } from "../storage/storage.ts";
import { preparedWrite, type WriteInput } from "../../test/harness/writes.ts";
import { QuotaBook, type Charged } from "./quota-book.ts";

interface Quota {
  revision: number;
  hard?: Record<string, string>;
  used?: Record<string, string>;
  spec?: Record<string, string>;
  uid?: string;
}

function row({ revision, hard, used, spec, uid = "uid-of-q" }: Quota): StoredObject {
  const status = hard ? { hard, ...(used ? { used } : {}) } : {};
  const value = JSON.stringify({ metadata: { name: "q" }, spec: { hard: spec ?? hard ?? {} }, status });
  return {
    resource: "resourcequotas",
    namespace: "ns",
    name: "q",
    uid,
    revision,
    form: "v1/1",
    labels: {},
    fields: {},
    value,
  };
}

function bookOf(quota: Quota | undefined) {
  let stored = quota;
  let reads = 0;
  const book = new QuotaBook({
    storage: {
      getMany: async () => {
        reads++;
        return stored ? [row(stored)] : [];
      },
    },
  });
  return { book, reads: () => reads, store: (next: Quota | undefined) => void (stored = next) };
}

let counter = 0;
function charged(usage: Record<string, string>, rest: Partial<WriteInput> = {}): PreparedWrite {
  const input = { op: "create" as const, namespace: "ns", name: `pod-${++counter}`, ...rest } as WriteInput;
  return { ...preparedWrite(input), charges: [{ name: "q", uid: "uid-of-q", usage }] };
}

/** What becomes of the quota by each write; or why it is refused. */
function usedAfter(all: readonly Charged[]): unknown[] {
  return all.map((one) => {
    if ("outcome" in one)
      return one.outcome.ok ? "" : one.outcome.reason === "quota" ? one.outcome.why : one.outcome.reason;
    const [companion] = one.write.companions ?? [];
    if (companion?.op !== "update") return undefined;
    return (JSON.parse(companion.value) as { status: { used?: object } }).status.used;
  });
}

const TWO = { revision: 7, hard: { pods: "2" }, used: { pods: "0" } };

test("each write of a group goes on top of the one before, up to the limit", async () => {
  const { book, reads } = bookOf(TWO);
  const writes = [charged({ pods: "1" }), charged({ pods: "1" }), charged({ pods: "1" })];
  const all = await book.charge(writes);
  expect(usedAfter(all)).toEqual([
    { pods: "1" },
    { pods: "2" },
    "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2",
  ]);
  const conditions = all.map((one) => ("write" in one ? one.write.conditions : undefined));
  const at = { kind: "head", resource: "resourcequotas", namespace: "ns", name: "q" };
  expect(conditions).toEqual([[{ ...at, revision: 7 }], [{ ...at, writeId: `${writes[0]?.writeId}/0` }], undefined]);
  expect(all.some((one) => "write" in one && one.write.charges !== undefined)).toBe(false);
  expect(reads()).toBe(1);
});

test("writes without charges cost nothing and stay as they are", async () => {
  const { book, reads } = bookOf(TWO);
  const write = preparedWrite({ op: "create", name: "a" });
  expect(await book.charge([write])).toEqual([{ write }]);
  expect(reads()).toBe(0);
});

test("what the log says is known without reading, and nobody is refused by it unread", async () => {
  const { book, reads, store } = bookOf(TWO);
  await book.charge([charged({ pods: "1" })]);
  book.seen([{ ...row({ ...TWO, revision: 9, used: { pods: "2" } }), type: "MODIFIED" } satisfies LogEntry]);
  store({ ...TWO, revision: 11, used: { pods: "1" } });
  expect(usedAfter(await book.charge([charged({ pods: "0" })]))).toEqual([undefined]);
  expect(reads()).toBe(1);
  // Another hub has given back since.
  expect(usedAfter(await book.charge([charged({ pods: "1" })]))).toEqual([{ pods: "2" }]);
  expect(reads()).toBe(2);
  book.clear();
  await book.charge([charged({ pods: "0" })]);
  expect(reads()).toBe(3);
});

test("a quota that is gone, or another one of its name, was not expected", async () => {
  for (const found of [undefined, { ...TWO, uid: "uid-of-another" }]) {
    expect(usedAfter(await bookOf(found).book.charge([charged({ pods: "1" })]))).toEqual(["unexpected"]);
  }
});

test("until a quota has been counted, what it will count changes it", async () => {
  const { book } = bookOf({ revision: 3, spec: { pods: "1" } });
  expect(usedAfter(await book.charge([charged({ pods: "1" }), charged({ pods: "1" })]))).toEqual([
    undefined,
    undefined,
  ]);
  const [one] = await book.charge([charged({ pods: "1" })]);
  expect(one && "write" in one && one.write.companions).toMatchObject([{ op: "update", name: "q" }]);
});
