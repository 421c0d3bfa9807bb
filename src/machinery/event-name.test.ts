import { expect, test } from "vitest";
import { createEventNames } from "./event-name.ts";

test("names of one millisecond are in the order they were given, and those of a later one follow", () => {
  let now = 1_700_000_000_000;
  const names = createEventNames({ clock: { now: () => now }, random: { fraction: () => 0.25 } });
  const given = [names("web"), names("web"), names("web")];
  now += 1;
  given.push(names("web"));
  expect(given[0]).toBe(`web.${1_700_000_000_000_250_000n.toString(16)}`);
  expect(given.toSorted()).toEqual(given);
  expect(new Set(given).size).toBe(4);
});

test("two recorders at one moment draw different names", () => {
  const clock = { now: () => 1_700_000_000_000 };
  const one = createEventNames({ clock, random: { fraction: () => 0.1 } });
  const other = createEventNames({ clock, random: { fraction: () => 0.9 } });
  expect(one("web")).not.toBe(other("web"));
});
