/** Who changes his mind while the edge starts leaves nothing running: workerd and the libSQL server are groups of their own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { command } from "../harness/command.ts";
import { eventually } from "../harness/eventually.ts";
import { startGantry } from "../harness/gantry-process.ts";
import { requires } from "../harness/requires.ts";
import { lacks } from "./control-plane.ts";

requires("ps", ...lacks("edge"))("the start of the edge", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("ended by %s", async (signal) => {
    const folder = await mkdtemp(join(tmpdir(), "gantry-edge-start-"));
    const children = async (): Promise<string[]> => {
      const { stdout } = await command(["ps", "-eo", "args"]);
      return stdout.split("\n").filter((line) => line.includes(folder) && !line.includes("main.ts"));
    };
    const gantry = startGantry(["edge", "--no-agent", "--port", "0", "--data", folder]);
    try {
      await eventually(async () => expect(await children()).not.toEqual([]), { everyMs: 50 });
      gantry.signal(signal);
      expect(await gantry.ended).toBeGreaterThan(0);
      await eventually(async () => expect(await children()).toEqual([]), { withinMs: 10_000 });
    } finally {
      await gantry.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
