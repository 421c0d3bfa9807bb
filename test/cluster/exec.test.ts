/** Exec over the streaming server of a real containerd: what a client of kubectl exec, cp and attach relies on. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ContainerConfig, Engine, ExecSession } from "../../agent/engines/engine.ts";
import { BUSYBOX_IMAGE, missing, startContainerd, type TestContainerd } from "../harness/containerd.ts";
import { eventually } from "../harness/eventually.ts";

const MB = 1_000_000;
const BIG = 20 * MB;
const lacking = missing();
const missingHere = lacking.length === 0 ? "" : ` (missing here: ${lacking.join(", ")})`;

describe.skipIf(lacking.length > 0)(`exec over containerd${missingHere}`, () => {
  let containerd: TestContainerd;
  let engine: Engine;
  let containerId: string;

  beforeAll(async () => {
    containerd = await startContainerd({ podCidr: "10.252.4.0/24" });
    engine = await containerd.createEngine();
    const sandbox = {
      namespace: "default",
      name: "exec",
      uid: "10000000-0000-4000-8000-000000000004",
      attempt: 0,
      hostname: "exec",
      hostNetwork: false,
      logDirectory: join(containerd.folder, "logs"),
      dns: { servers: [], searches: [], options: [] },
      portMappings: [],
      labels: {},
      annotations: {},
      cgroupParent: "",
      privileged: false,
    };
    const sandboxId = await engine.runSandbox(sandbox);
    const imageRef = (await engine.imageStatus(BUSYBOX_IMAGE))?.imageRef ?? "";
    const config: ContainerConfig = {
      name: "app",
      attempt: 0,
      image: BUSYBOX_IMAGE,
      imageRef,
      command: ["sleep", "100000"],
      args: [],
      workingDir: "",
      env: [],
      mounts: [],
      logPath: "app/0.log",
      stdin: false,
      stdinOnce: false,
      tty: false,
      labels: {},
      annotations: {},
      resources: { cpuShares: 2, cpuQuota: 0, cpuPeriod: 0, memoryLimitBytes: 0, oomScoreAdj: 0 },
      security: {
        privileged: false,
        readOnlyRootFilesystem: false,
        addCapabilities: [],
        dropCapabilities: [],
        allowPrivilegeEscalation: true,
        supplementalGroups: [],
      },
    };
    containerId = await engine.createContainer(sandboxId, sandbox, config);
    await engine.startContainer(containerId);
  });
  afterAll(async () => {
    await engine?.close();
    await containerd?.stop();
  });

  const exec = (script: string, { stdin = false, tty = false } = {}): Promise<ExecSession> =>
    engine.exec({ containerId, command: ["sh", "-c", script], stdin, tty });

  const outDone = () => engine.execSync({ containerId, command: ["test", "-e", "/tmp/out-done"], timeoutSeconds: 10 });

  /** What a process answers to its whole input. */
  async function answer(script: string, input: Uint8Array): Promise<{ text: string; exitCode: number }> {
    const session = await exec(script, { stdin: true });
    const text = new Response(session.stdout).text();
    const writer = session.stdin?.getWriter();
    await writer?.write(input);
    await writer?.close();
    return { text: (await text).trim(), ...(await session.exit) };
  }

  test("input arrives whole and ends, while output goes on", async () => {
    const input = new Uint8Array(300_000).fill(120);
    expect(await answer("wc -c; echo done", input)).toEqual({ text: "300000\ndone", exitCode: 0 });
    expect(await answer("wc -c", new Uint8Array())).toEqual({ text: "0", exitCode: 0 });
  });

  test("exit codes", async () => {
    for (const code of [0, 1, 42, 255]) {
      const session = await exec(`exit ${code}`);
      expect(await session.exit).toEqual({ exitCode: code });
    }
    expect(await (await exec("kill -9 $$")).exit).toEqual({ exitCode: 137 });
  });

  test("both outputs, apart, whole before and after the end of the process", async () => {
    const session = await exec("echo out; echo err >&2; exit 3");
    // The order matters: the end may be known before anything is read.
    expect(await session.exit).toEqual({ exitCode: 3 });
    const { stdout, stderr } = session;
    expect(await Promise.all([new Response(stdout).text(), new Response(stderr).text()])).toEqual(["out\n", "err\n"]);
  });

  test("a terminal joins the outputs, echoes input and follows its size", async () => {
    const session = await exec('read -r go; stty size; echo "err $go" >&2; exit 5', { stdin: true, tty: true });
    expect(session.stderr).toBeUndefined();
    const text = new Response(session.stdout).text();
    session.resize({ columns: 123, rows: 45 });
    const writer = session.stdin?.getWriter();
    // Sizes go another way than input. There is no telling when one has arrived but by its effect on the terminal.
    await eventually(async () => {
      const { output } = await engine.execSync({
        containerId,
        command: ["sh", "-c", "for t in /dev/pts/[0-9]*; do stty size -F $t; done"],
        timeoutSeconds: 10,
      });
      expect(output).toContain("45 123");
    });
    await writer?.write(new TextEncoder().encode("typed\n"));
    const shown = await text;
    expect(shown).toContain("typed\r\n45 123\r\nerr typed\r\n");
    expect(await session.exit).toEqual({ exitCode: 5 });
  });

  test("20 MB out: a slow reader stops the process and gets every byte in order", async () => {
    const lines = BIG / 10;
    const session = await exec(`seq -w 1 ${String(lines).padStart(9, "0")}; touch /tmp/out-done`);
    const errors = new Response(session.stderr).text();
    const reader = session.stdout.getReader();
    const first = (await reader.read()).value ?? new Uint8Array();
    expect(first.length).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    // Kernel buffers and ours hold some of it, never all.
    expect((await outDone()).exitCode).toBe(1);
    const received = createHash("md5").update(first);
    for (let reads = 0; ; reads++) {
      const { done: over, value } = await reader.read();
      if (over) break;
      received.update(value);
      if (reads % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const sent = createHash("md5");
    for (let i = 1; i <= lines; i++) sent.update(`${String(i).padStart(9, "0")}\n`);
    expect(received.digest("hex")).toBe(sent.digest("hex"));
    expect(await session.exit).toEqual({ exitCode: 0 });
    expect(await errors).toBe("");
    expect((await outDone()).exitCode).toBe(0);
  });

  test("20 MB in: a process that does not read stops the writer, then gets every byte", async () => {
    const session = await exec("while ! test -e /tmp/go; do sleep 0.1; done; md5sum", { stdin: true });
    const text = new Response(session.stdout).text();
    const chunk = Buffer.from(Array.from({ length: MB }, (_, i) => (i * 31) % 251));
    const writer = session.stdin?.getWriter();
    let taken = 0;
    const writing = (async () => {
      for (let i = 0; i < BIG / MB; i++) {
        await writer?.write(chunk);
        taken++;
      }
      await writer?.close();
    })();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(taken).toBeLessThan(BIG / MB);
    await engine.execSync({ containerId, command: ["touch", "/tmp/go"], timeoutSeconds: 10 });
    await writing;
    const hash = createHash("md5");
    for (let i = 0; i < BIG / MB; i++) hash.update(chunk);
    expect(await text).toContain(hash.digest("hex"));
    expect(await session.exit).toEqual({ exitCode: 0 });
  });
});
