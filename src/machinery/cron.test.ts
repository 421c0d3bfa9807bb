import { describe, expect, it } from "vitest";
import { parseCron } from "./cron.ts";

describe("schedules", () => {
  it.each([
    ["*/15 * * * *", { minute: [0, 15, 30, 45] }],
    ["5/20 1-3 * * *", { minute: [5, 25, 45], hour: [1, 2, 3] }],
    ["0 0 1,15 JAN,dec mon-FRI", { dayOfMonth: [1, 15], month: [1, 12], dayOfWeek: [1, 2, 3, 4, 5] }],
    ["@weekly", { minute: [0], hour: [0], dayOfWeek: [0] }],
    ["CRON_TZ=Europe/Berlin 0 4 ? * *", { hour: [4] }],
  ])("%s", (text, expected) => {
    const fields = Object.entries(parseCron(text)).map(([name, field]) => [
      name,
      typeof field === "number" ? field : [...field.values],
    ]);
    expect(Object.fromEntries(fields)).toMatchObject(expected);
  });
  it("tell a star from a full range", () => {
    const schedule = parseCron("* */2 1-31 * ?");
    if ("everyMs" in schedule) throw new Error("not of five fields");
    const { minute, hour, dayOfMonth, dayOfWeek } = schedule;
    expect([minute.any, hour.any, dayOfMonth.any, dayOfWeek.any]).toEqual([true, false, false, true]);
  });
  it("may say how often", () => expect(parseCron("@every 1h30m0.7s")).toEqual({ everyMs: 5_400_000 }));

  it.each([
    ["", "empty spec string"],
    ["* * * *", "expected exactly 5 fields, found 4: [* * * *]"],
    ["60 * * * *", "end of range (60) above maximum (59): 60"],
    ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
    ["5-2 * * * *", "beginning of range (5) beyond end of range (2): 5-2"],
    ["1-2-3 * * * *", "too many hyphens: 1-2-3"],
    ["*/2/3 * * * *", "too many slashes: */2/3"],
    ["*/0 * * * *", "step of range should be a positive number: */0"],
    ["a * * * *", 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
    ["@never", "unrecognized descriptor: @never"],
    ["@every soon", 'failed to parse duration @every soon: time: invalid duration "soon"'],
    ["TZ=Mars/Base * * * * *", "provided bad location Mars/Base: unknown time zone Mars/Base"],
  ])("%j is refused", (text, why) => expect(() => parseCron(text)).toThrow(why));
});
