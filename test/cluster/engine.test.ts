/** The CRI engine against a real containerd. */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Engine, SandboxConfig } from "../../agent/engines/engine.ts";
import { containerConfig, engineSuite } from "../contract/engine.suite.ts";
import { BUSYBOX_IMAGE, missing, startContainerd, type TestContainerd } from "../harness/containerd.ts";
import { eventually } from "../harness/eventually.ts";

const run = promisify(execFile);
const lacking = missing();
const skip = lacking.length === 0 ? undefined : `missing here: ${lacking.join(", ")}`;

engineSuite(
  "cri",
  async () => {
    const containerd = await startContainerd({ podCidr: "10.252.1.0/24" });
    let engine = await containerd.createEngine();
    return {
      engine,
      image: BUSYBOX_IMAGE,
      directory: join(containerd.folder, "logs"),
      async reconnect() {
        engine = await containerd.createEngine();
        return engine;
      },
      async close() {
        await engine.close();
        await containerd.stop();
      },
    };
  },
  skip === undefined ? {} : { skip },
);

const SANDBOX: SandboxConfig = {
  namespace: "default",
  name: "web",
  uid: "10000000-0000-4000-8000-000000000001",
  attempt: 0,
  hostname: "web",
  hostNetwork: false,
  logDirectory: "",
  dns: { servers: ["192.0.2.53"], searches: ["default.svc.cluster.local"], options: ["ndots:5"] },
  portMappings: [],
  labels: {},
  annotations: {},
  cgroupParent: "",
  privileged: false,
};

const named = (text: string) => (skip === undefined ? text : `${text} (${skip})`);

test.skipIf(skip !== undefined)(
  named("two engines in two network namespaces may even use the same pod CIDR"),
  async () => {
    const names = ["a", "b"].map((letter) => `gt-${process.pid}-${letter}`);
    const running: TestContainerd[] = [];
    try {
      for (const netns of names) {
        await run("ip", ["netns", "add", netns]);
        running.push(await startContainerd({ netns }));
      }
      const found = await Promise.all(
        running.map(async (containerd, i) => {
          const engine = await containerd.createEngine();
          await engine.configureNetwork({ podCidr: "10.252.2.0/24" });
          const sandbox = { ...SANDBOX, logDirectory: join(containerd.folder, "logs") };
          const id = await engine.runSandbox(sandbox);
          const { ips } = await engine.sandboxStatus(id);
          const { stdout } = await run("ip", ["-n", names[i] ?? "", "-4", "addr", "show", containerd.bridgeName]);
          await engine.close();
          return { ips, bridge: stdout.includes("10.252.2.1/24") };
        }),
      );
      expect(found).toEqual([
        { ips: ["10.252.2.2"], bridge: true },
        { ips: ["10.252.2.2"], bridge: true },
      ]);
      expect(await leftBy(running[0])).not.toEqual([]);
    } finally {
      for (const containerd of running) await containerd.stop();
      for (const netns of names) await run("ip", ["netns", "delete", netns]).catch(() => undefined);
    }
    for (const containerd of running) expect(await leftBy(containerd)).toEqual([]);
  },
);

/** Processes, mounts and cgroups that name the engine's folder. */
async function leftBy(containerd: TestContainerd | undefined): Promise<string[]> {
  const folder = containerd?.folder ?? "";
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (command.includes(folder)) found.push(command);
  }
  const mounts = await readFile("/proc/self/mounts", "utf8");
  return [...found, ...mounts.split("\n").filter((line) => line.includes(folder))];
}

if (skip === undefined) {
  let containerd: TestContainerd;
  let engine: Engine;
  let sandbox: SandboxConfig;
  let sandboxId: string;

  beforeAll(async () => {
    containerd = await startContainerd({ podCidr: "10.252.3.0/24" });
    engine = await containerd.createEngine();
    sandbox = { ...SANDBOX, logDirectory: join(containerd.folder, "logs") };
    sandboxId = await engine.runSandbox(sandbox);
  });
  afterAll(async () => {
    await engine?.close();
    await containerd?.stop();
  });

  let counter = 0;
  async function start(changes: Parameters<typeof containerConfig>[0]): Promise<string> {
    const imageRef = (await engine.imageStatus(BUSYBOX_IMAGE))?.imageRef ?? "";
    const name = `app-${++counter}`;
    const config = containerConfig({ name, image: BUSYBOX_IMAGE, imageRef, logPath: `${name}/0.log`, ...changes });
    const id = await engine.createContainer(sandboxId, sandbox, config);
    await engine.startContainer(id);
    return id;
  }
  const sh = async (containerId: string, script: string) =>
    (await engine.execSync({ containerId, command: ["sh", "-c", script], timeoutSeconds: 10 })).output.trim();

  test("the pod has its address, host name and resolv.conf, and answers HTTP", async () => {
    const id = await start({
      command: ["sh", "-c", "mkdir /www && echo page >/www/index.html && httpd -f -p 8080 -h /www"],
    });
    const { ips } = await engine.sandboxStatus(sandboxId);
    const page = await eventually(async () => (await fetch(`http://${ips[0]}:8080/`)).text(), { everyMs: 50 });
    expect(page).toBe("page\n");
    expect(await sh(id, "hostname; cat /etc/resolv.conf; wget -qO- http://127.0.0.1:8080/")).toBe(
      "web\nsearch default.svc.cluster.local\nnameserver 192.0.2.53\noptions ndots:5\npage",
    );
  });

  test("volumes, user, capabilities, memory limit and a read-only root take effect", async () => {
    const volume = join(containerd.folder, "volume");
    await mkdir(volume);
    await writeFile(join(volume, "file"), "from the host");
    const id = await start({
      command: ["sleep", "1000"],
      mounts: [
        { hostPath: volume, containerPath: "/data", readOnly: true },
        { hostPath: volume, containerPath: "/rw", readOnly: false },
      ],
      resources: { cpuShares: 2, cpuQuota: 0, cpuPeriod: 0, memoryLimitBytes: 32 * 1024 * 1024, oomScoreAdj: 1000 },
      security: {
        privileged: false,
        runAsUser: 1234,
        runAsGroup: 5678,
        readOnlyRootFilesystem: true,
        addCapabilities: [],
        dropCapabilities: ["ALL"],
        allowPrivilegeEscalation: false,
        supplementalGroups: [4321],
      },
    });
    expect(await sh(id, "cat /data/file")).toBe("from the host");
    expect(await sh(id, "touch /data/x 2>&1; touch /x 2>&1")).toMatch(/Read-only.*\n.*Read-only/);
    expect(await sh(id, "id -u; id -g; id -G")).toMatch(/^1234\n5678\n(5678 4321|4321 5678)$/);
    expect(await sh(id, "grep -E 'CapEff|NoNewPrivs' /proc/self/status | tr -d '\\t '")).toBe(
      "CapEff:0000000000000000\nNoNewPrivs:1",
    );
    expect(
      await sh(
        id,
        "grep -c '^proc /proc/sys proc ro' /proc/mounts; ls /sys/firmware | wc -l; cat /proc/1/oom_score_adj",
      ),
    ).toBe("1\n0\n1000");
  });

  test("a container that takes too much memory is reported as OOMKilled", async () => {
    const command = ["sh", "-c", "sleep 0.2; x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo $x | wc -c"];
    const resources = {
      cpuShares: 2,
      cpuQuota: 0,
      cpuPeriod: 0,
      memoryLimitBytes: 16 * 1024 * 1024,
      oomScoreAdj: 1000,
    };
    const id = await start({ command, resources });
    const status = await eventually(
      async () => {
        const found = await engine.containerStatus(id);
        expect(found.state).toBe("exited");
        return found;
      },
      { everyMs: 50 },
    );
    expect(status).toMatchObject({ reason: "OOMKilled", exitCode: 137 });
  });

  test("a terminal can be resized", async () => {
    const containerId = await start({ command: ["sleep", "1000"] });
    const command = ["sh", "-c", "read go; stty size"];
    const session = await engine.exec({ containerId, command, stdin: true, tty: true });
    session.resize({ columns: 132, rows: 43 });
    // A resize has no answer; it is carried by a stream of its own beside the input.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const writer = session.stdin?.getWriter();
    await writer?.write(new TextEncoder().encode("\n"));
    expect(await new Response(session.stdout).text()).toContain("43 132");
    expect(await session.exit).toEqual({ exitCode: 0 });
  });

  test("a command that is not there fails the exec with the engine's words", async () => {
    const containerId = await start({ command: ["sleep", "1000"] });
    const session = await engine.exec({ containerId, command: ["/nope"], stdin: false, tty: false });
    await expect(session.exit).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining("/nope") as string,
    });
  });

  test("logs go on in a new file after rotation", async () => {
    const containerId = await start({ command: ["sh", "-c", "while :; do echo tick; sleep 0.05; done"] });
    const { logPath } = await engine.containerStatus(containerId);
    await run("mv", [logPath, `${logPath}.1`]);
    await engine.reopenLog?.(containerId);
    await eventually(async () => expect(await readFile(logPath, "utf8")).toContain("tick"), { everyMs: 50 });
  });

  test("the engine is taken up again after its own crash, with the same containers", async () => {
    const id = await start({ command: ["sleep", "1000"] });
    const before = await engine.containerStatus(id);
    await containerd.kill();
    await expect(engine.listContainers()).rejects.toMatchObject({ code: "unavailable" });
    await containerd.start();
    const after = await eventually(() => engine.containerStatus(id), { everyMs: 50 });
    expect(after).toEqual(before);
    await engine.stopContainer(id, 0);
    expect((await engine.containerStatus(id)).exitCode).toBe(137);
  });
}
