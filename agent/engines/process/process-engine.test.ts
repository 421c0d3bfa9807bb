import { existsSync, readFileSync } from "node:fs";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { containerConfig, engineSuite } from "../../../test/contract/engine.suite.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { silentLog } from "../../../test/harness/silent-log.ts";
import { realClock, realTimers } from "../../../test/harness/timers.ts";
import type { Log } from "../../../src/platform/platform.ts";
import { createSpdyConnection } from "../../streams/spdy.ts";
import type { ContainerConfig, Engine, SandboxConfig } from "../engine.ts";
import { createProcessEngine } from "./process-engine.ts";

const programs = ["mkfifo", "script"].filter((name) => !existsSync(`/usr/bin/${name}`) && !existsSync(`/bin/${name}`));
const lacking = process.platform === "linux" ? programs : ["Linux"];
const skip = lacking.length === 0 ? undefined : `missing here: ${lacking.join(", ")}`;

const open = (stateDirectory: string, log: Log = silentLog) =>
  createProcessEngine({ stateDirectory, clock: realClock, timers: realTimers, log });

engineSuite(
  "process",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "gantry-process-"));
    let engine = await open(directory);
    return {
      engine,
      image: "busybox:1",
      directory: join(directory, "logs"),
      async reconnect() {
        engine = await open(directory);
        return engine;
      },
      async close() {
        for (const { id } of await engine.listSandboxes()) await engine.removeSandbox(id);
        await engine.close();
        await rm(directory, { recursive: true, force: true });
      },
    };
  },
  { knowsImages: false, ...(skip === undefined ? {} : { skip }) },
);

describe.skipIf(skip !== undefined)(`processes as containers${skip === undefined ? "" : ` (${skip})`}`, () => {
  let directory: string;
  let engine: Engine;
  let sandbox: SandboxConfig;
  let sandboxId: string;
  const warnings: string[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "gantry-process-"));
    warnings.length = 0;
    engine = await open(directory, { ...silentLog, warn: (message) => void warnings.push(message) });
    sandbox = {
      namespace: "default",
      name: "p",
      uid: "u",
      attempt: 0,
      hostname: "p",
      hostNetwork: false,
      logDirectory: join(directory, "logs"),
      dns: { servers: [], searches: [], options: [] },
      portMappings: [],
      labels: {},
      annotations: {},
      cgroupParent: "",
      privileged: false,
    };
    sandboxId = await engine.runSandbox(sandbox);
  });
  afterEach(async () => {
    await engine.removeSandbox(sandboxId);
    await engine.close();
    await rm(directory, { recursive: true, force: true });
  });

  const create = (changes: Partial<ContainerConfig>) =>
    engine.createContainer(sandboxId, sandbox, containerConfig({ image: "busybox", ...changes }));
  async function start(script: string, changes: Partial<ContainerConfig> = {}): Promise<string> {
    const id = await create({ command: ["sh", "-c", script], ...changes });
    await engine.startContainer(id);
    return id;
  }
  /** A new agent; `meanwhile` happens while there is none. */
  async function restart(meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
    await engine.close();
    await meanwhile();
    engine = await open(directory);
  }
  const ended = (id: string) =>
    eventually(
      async () => {
        const status = await engine.containerStatus(id);
        expect(status.state).toBe("exited");
        return status;
      },
      { everyMs: 20 },
    );

  test("it says loudly what it is", async () => {
    expect(warnings.join()).toContain("ISOLATES NOTHING");
    expect(await engine.info()).toMatchObject({ name: "process", idPrefix: "process://", podNetwork: false });
  });

  test.each([
    ["an image without a command", { image: "nginx:1.27" }, /cannot run the image nginx:1\.27/],
    ["a program that is not there", { command: ["no-such-program"] }, /no program "no-such-program"/],
    [
      "a volume at a path of its own",
      { command: ["true"], mounts: [{ hostPath: "/tmp", containerPath: "/data", readOnly: false }] },
      /cannot mount a volume at \/data/,
    ],
    [
      "a folder that is not there",
      { command: ["true"], workingDir: "/no/such/folder" },
      /no folder \/no\/such\/folder/,
    ],
    [
      "a user by name",
      { command: ["true"], security: { ...containerConfig({}).security, runAsUserName: "app" } },
      /no user app/,
    ],
  ])("refuses %s", async (_, changes: Partial<ContainerConfig>, message) => {
    await expect(create(changes)).rejects.toMatchObject({
      code: "refused",
      message: expect.stringMatching(message) as string,
    });
    expect(await readdir(join(directory, "process", "containers"))).toEqual([]);
  });

  test("stands for a few images, and takes arguments as theirs", async () => {
    const id = await create({ image: "docker.io/library/busybox:1.36", args: ["sh", "-c", "exit 4"] });
    await engine.startContainer(id);
    expect((await ended(id)).exitCode).toBe(4);
  });

  test("what every container gets mounted is there by a variable", async () => {
    const mounts = [{ hostPath: join(directory, "message"), containerPath: "/dev/termination-log", readOnly: false }];
    await ended(await start('echo "last words" >"$GANTRY_TERMINATION_LOG"', { mounts }));
    expect(await readFile(join(directory, "message"), "utf8")).toBe("last words\n");
  });

  test("the agent's own environment is not the container's", async () => {
    process.env["GANTRY_TEST_SECRET"] = "secret";
    const containerId = await start("sleep 100");
    delete process.env["GANTRY_TEST_SECRET"];
    const { output } = await engine.execSync({ containerId, command: ["env"], timeoutSeconds: 5 });
    expect(output).not.toContain("GANTRY_TEST_SECRET");
  });

  test("no secret of a container's environment is kept on disk", async () => {
    const id = await start("sleep 100", { env: [{ name: "PASSWORD", value: "hunter2-on-disk" }] });
    const record = await readFile(join(directory, "process", "containers", id, "container.json"), "utf8");
    expect(record).not.toContain("hunter2");
    await restart();
    const { output } = await engine.execSync({
      containerId: id,
      command: ["sh", "-c", "echo $PASSWORD"],
      timeoutSeconds: 5,
    });
    expect(output).toBe("hunter2-on-disk\n");
  });

  test("port-forward reaches what listens at the machine's localhost", async () => {
    const server = createServer((socket) => void socket.end("hello"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { socket, head } = await engine.portForward({ sandboxId, ports: [] });
    const spdy = createSpdyConnection(socket, { head });
    const headers = { port: String((server.address() as AddressInfo).port), requestID: "0" };
    const errors = spdy.openStream({ headers: { ...headers, streamType: "error" } });
    const data = spdy.openStream({ headers: { ...headers, streamType: "data" } });
    expect(await new Response(data.readable).text()).toBe("hello");
    expect(await new Response(errors.readable).text()).toBe("");
    spdy.close();
    server.close();
  });

  test("what ends while there is no agent has its exit code, and loses no output", async () => {
    const id = await start(
      "echo before; while ! test -e go; do sleep 0.02; done; echo meanwhile; sleep 0.5; echo after; exit 6",
    );
    const { logPath } = await engine.containerStatus(id);
    await restart(async () => {
      const { writeFile } = await import("node:fs/promises");
      await writeFile(join(directory, "process", "containers", id, "work", "go"), "");
      await new Promise((resolve) => setTimeout(resolve, 200));
    });
    expect(await ended(id)).toMatchObject({ exitCode: 6, reason: "Error" });
    const lines = (await readFile(logPath, "utf8"))
      .trim()
      .split("\n")
      .map((line) => line.split(" ").at(-1));
    expect(lines).toEqual(["before", "meanwhile", "after"]);
  });

  test("what was over before the next agent came is known to it", async () => {
    const id = await start("sleep 0.1; exit 8");
    await restart(() => new Promise((resolve) => setTimeout(resolve, 500)));
    expect(await engine.containerStatus(id)).toMatchObject({ state: "exited", exitCode: 8 });
  });

  // The first process ends while others are in the middle of a fork or an exec.
  test.each(Array.from({ length: 10 }, (_, at) => at))("nothing outlives its container at once (%i)", async (at) => {
    const marker = `4${process.pid}.${at}`;
    const id = await start(
      `for i in 1 2 3 4 5 6; do setsid sh -c 'setsid sleep ${marker} & sleep ${marker}' & done; exit 3`,
    );
    expect((await ended(id)).exitCode).toBe(3);
    expect(await processesNaming(marker)).toEqual([]);
  });

  test("nothing outlives its container, also not what left the process group", async () => {
    const marker = `3${process.pid}.5`;
    const id = await start(`setsid sleep ${marker} & sleep ${marker} & sleep 0.2; exit 3`);
    expect((await ended(id)).exitCode).toBe(3);
    await eventually(async () => expect(await processesNaming(marker)).toEqual([]), { everyMs: 20 });
  });
});

async function processesNaming(text: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = pids.map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    } catch {
      return "";
    }
  });
  return found.filter((command) => command.includes(text));
}
