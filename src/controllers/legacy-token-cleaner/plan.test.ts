import { expect, test } from "vitest";
import { planToken, type TokenPlan } from "./plan.ts";

const at = (text: string) => Date.parse(text);
const never = Number.POSITIVE_INFINITY;
const USED = "kubernetes.io/legacy-token-last-used";
const INVALID = "kubernetes.io/legacy-token-invalid-since";
const OLD = "2020-05-01T12:00:00Z";

test.each<[string, { created?: string; labels?: Record<string, string>; since?: string; now: string }, TokenPlan]>([
  ["not tracked", { since: "x", now: "2026-01-01T00:00:00Z" }, { step: "wait", untilMs: never }],
  [
    "tracked for less than a year",
    { since: "2025-01-01", now: "2026-01-01T23:59:59Z" },
    { step: "wait", untilMs: at("2026-01-02T00:00:00Z") },
  ],
  ["never used in a year", { now: "2026-01-02T00:00:00Z" }, { step: "invalidate", day: "2026-01-02" }],
  [
    "young",
    { created: "2025-06-01T12:00:00Z", now: "2026-06-01T12:00:00Z" },
    { step: "wait", untilMs: at("2026-06-01T12:00:00.001Z") },
  ],
  [
    "used a year ago",
    { labels: { [USED]: "2025-03-01" }, now: "2026-03-01T12:00:00Z" },
    { step: "wait", untilMs: at("2026-03-02T00:00:00Z") },
  ],
  [
    "used more than a year ago",
    { labels: { [USED]: "2025-03-01" }, now: "2026-03-02T00:00:00Z" },
    { step: "invalidate", day: "2026-03-02" },
  ],
  ["used on no day", { labels: { [USED]: "lately" }, now: "2027-01-01T00:00:00Z" }, { step: "wait", untilMs: never }],
  [
    "invalid since no day",
    { labels: { [INVALID]: "long" }, now: "2027-01-01T00:00:00Z" },
    { step: "invalidate", day: "2027-01-01" },
  ],
  [
    "invalid for a year",
    { labels: { [INVALID]: "2026-02-01" }, now: "2027-02-01T23:59:59Z" },
    { step: "wait", untilMs: at("2027-02-02T00:00:00Z") },
  ],
  ["invalid for longer", { labels: { [INVALID]: "2026-02-01" }, now: "2027-02-02T00:00:00Z" }, { step: "delete" }],
  [
    "used again after it was made invalid",
    { labels: { [INVALID]: "2026-02-01", [USED]: "2027-02-01" }, now: "2027-02-02T00:00:00Z" },
    { step: "wait", untilMs: at("2028-02-02T00:00:00Z") },
  ],
])("a token that is %s", (_, { created = OLD, labels = {}, since = "2025-01-01", now }, expected) => {
  const plan = planToken({ createdMs: at(created), labels }, { trackedSince: since, nowMs: at(now) });
  expect(plan).toEqual(expected);
});
