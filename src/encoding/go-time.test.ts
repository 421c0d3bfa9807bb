import { describe, expect, it } from "vitest";
import { canonicalMicroTime, canonicalTime, microTimeOfSeconds, timeOfSeconds } from "./go-time.ts";

describe("metav1.Time", () => {
  it.each([
    ["2026-11-24T03:00:00Z", "2026-11-24T03:00:00Z"],
    ["2026-11-24T03:00:00.999Z", "2026-11-24T03:00:00Z"],
    ["2026-11-24T03:00:00+02:30", "2026-11-24T00:30:00Z"],
    ["2026-12-31T23:30:00-01:00", "2027-01-01T00:30:00Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"],
    ["0099-01-01T00:00:00Z", "0099-01-01T00:00:00Z"],
    ["0001-01-01T00:00:00Z", undefined],
  ])("%s → %s", (text, expected) => {
    expect(canonicalTime(text)).toBe(expected);
  });

  it.each([
    ["x", 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'],
    ["", 'parsing time "" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006"'],
    ["2026-11-24", 'parsing time "2026-11-24" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'],
    ["2026-11-24T03:00:00", 'cannot parse "" as "Z07:00"'],
    ["2026-11-24 03:00:00Z", 'cannot parse " 03:00:00Z" as "T"'],
    ["2026-02-30T00:00:00Z", 'parsing time "2026-02-30T00:00:00Z": day out of range'],
    ["2026-13-01T00:00:00Z", 'parsing time "2026-13-01T00:00:00Z": month out of range'],
    ["2026-01-01T24:00:00Z", 'parsing time "2026-01-01T24:00:00Z": hour out of range'],
    ["2026-01-01T00:00:00Zx", 'parsing time "2026-01-01T00:00:00Zx": extra text: "x"'],
  ])("refuses %s", (text, message) => {
    expect(() => canonicalTime(text)).toThrow(message);
  });
});

describe("metav1.MicroTime", () => {
  it.each([
    ["2026-11-24T03:00:00.123456Z", "2026-11-24T03:00:00.123456Z"],
    ["2026-11-24T03:00:00.000000+01:00", "2026-11-24T02:00:00.000000Z"],
    ["0001-01-01T00:00:00.000000Z", undefined],
  ])("%s → %s", (text, expected) => {
    expect(canonicalMicroTime(text)).toBe(expected);
  });

  it.each(["2026-11-24T03:00:00Z", "2026-11-24T03:00:00.123Z", "2026-11-24T03:00:00.1234567Z"])(
    "refuses %s",
    (text) => {
      expect(() => canonicalMicroTime(text)).toThrow('as "2006-01-02T15:04:05.000000Z07:00": cannot parse');
    },
  );
});

it("writes seconds since 1970", () => {
  expect(timeOfSeconds(0)).toBe("1970-01-01T00:00:00Z");
  expect(timeOfSeconds(-62_135_596_800)).toBeUndefined();
  expect(microTimeOfSeconds(1, 1_999)).toBe("1970-01-01T00:00:01.000001Z");
});
