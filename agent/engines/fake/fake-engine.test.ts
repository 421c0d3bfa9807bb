import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { engineSuite } from "../../../test/contract/engine.suite.ts";
import { realClock, realTimers } from "../../../test/harness/timers.ts";
import { EngineError } from "../engine.ts";
import { createFakeEngine } from "./fake-engine.ts";

engineSuite(
  "fake",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "gantry-fake-"));
    const engine = createFakeEngine({ clock: realClock, timers: realTimers });
    engine.images.set("app:1", { imageRef: "sha256:app" });
    engine.unpullable.set("gantry.invalid/nothing:1", "manifest unknown");
    return {
      engine,
      image: "app:1",
      directory,
      reconnect: async () => engine,
      close: () => rm(directory, { recursive: true, force: true }),
    };
  },
  {
    programs: {
      exit: (code) => ["exit", String(code)],
      print: (text) => ["print", text],
      run: ["run"],
      stubborn: ["ignore-term"],
      cat: ["cat"],
    },
    skipProcesses: "the fake has none",
  },
);

test("failures come as they were asked for, and no longer", async () => {
  const engine = createFakeEngine({ clock: realClock, timers: realTimers });
  engine.fail("pullImage", new EngineError("pull", "too many requests"), 2);
  await expect(engine.pullImage("app:1")).rejects.toThrow("too many requests");
  await expect(engine.pullImage("app:1")).rejects.toThrow("too many requests");
  expect(await engine.pullImage("app:1")).toBe("sha256:app:1");
  engine.setDown(true);
  await expect(engine.listContainers()).rejects.toMatchObject({ code: "unavailable" });
  engine.setDown(false);
  expect(await engine.listContainers()).toEqual([]);
});
