import { describe, expect, it } from "vitest";
import { createManualTime } from "../../test/harness/timers.ts";
import { bounded } from "./health.ts";

/** Everything that waits for a promise has had its turn. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("a bounded check", () => {
  it("is run once for all who ask within a second, and again after it", async () => {
    const time = createManualTime();
    let runs = 0;
    const check = bounded({ clock: time, timers: time }, { name: "storage", run: async () => void runs++ });
    await Promise.all([check.run(), check.run()]);
    await settled();
    time.advance(999);
    await check.run();
    expect(runs).toBe(1);
    time.advance(1);
    await check.run();
    expect(runs).toBe(2);
    expect(time.pending).toBe(0);
  });

  it("fails after two seconds without an answer, and asks anew then", async () => {
    const time = createManualTime();
    const answers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const check = bounded(
      { clock: time, timers: time },
      { name: "hub", run: () => answers.shift()?.promise ?? Promise.resolve() },
    );
    const [, next] = answers;
    const first = check.run();
    time.advance(1_999);
    expect(check.run()).toBe(first);
    time.advance(1);
    await expect(first).rejects.toThrow("no answer within 2000 ms");
    await settled();
    time.advance(1_000);
    const second = check.run();
    next?.resolve();
    await second;
  });

  it("keeps a failure for a moment too", async () => {
    const time = createManualTime();
    let runs = 0;
    const check = bounded(
      { clock: time, timers: time },
      {
        name: "storage",
        run: async () => {
          runs++;
          throw new Error("gone");
        },
      },
    );
    await expect(check.run()).rejects.toThrow("gone");
    await settled();
    await expect(check.run()).rejects.toThrow("gone");
    expect(runs).toBe(1);
  });
});
