import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../../test/harness/silent-log.ts";
import { realClock, realTimers } from "../../test/harness/timers.ts";
import { detectEngine, type DetectEngineOptions } from "./detect.ts";
import { EngineError } from "./engine.ts";

describe("detection of the engine", () => {
  let folder: string;
  let warnings: string[];
  let other: Server | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "gantry-detect-"));
    warnings = [];
  });
  afterEach(async () => {
    other?.close();
    other = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  const detect = (changes: Partial<DetectEngineOptions>) =>
    detectEngine({
      preference: "auto",
      socketPaths: [join(folder, "none.sock")],
      stateDirectory: folder,
      clock: realClock,
      timers: realTimers,
      log: { ...silentLog, warn: (message) => void warnings.push(message) },
      ...changes,
    });

  test("without a socket, auto is plain processes, and says so", async () => {
    const engine = await detect({});
    expect(await engine.info()).toMatchObject({ name: "process", idPrefix: "process://", podNetwork: false });
    expect(warnings.join("\n")).toMatch(/no container engine answers here[^]*ISOLATES NOTHING/);
    await engine.close();
  });

  test("a socket behind which there is no engine is passed over", async () => {
    const path = join(folder, "other.sock");
    const server = createServer((socket) => socket.on("error", () => undefined).destroy());
    other = server;
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const engine = await detect({ socketPaths: [path] });
    expect((await engine.info()).name).toBe("process");
    await engine.close();
  });

  test("cri without an engine is refused in one line that names every socket", async () => {
    const socketPaths = [join(folder, "a.sock"), join(folder, "b.sock")];
    const failure = await detect({ preference: "cri", socketPaths }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineError);
    expect(failure).toMatchObject({ code: "unavailable" });
    const { message } = failure as EngineError;
    for (const path of socketPaths) expect(message).toContain(path);
    expect(message).not.toContain("\n");
  });
});
