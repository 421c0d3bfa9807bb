/**
 * A containerd of a test's own: everything it makes is in one folder (or named after it) and is removed by stop(). What a run that
 * was killed has left behind is removed by the next one.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { access, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createCriEngine } from "../../agent/engines/cri/cri-engine.ts";
import type { Engine } from "../../agent/engines/engine.ts";
import type { Log } from "../../src/platform/platform.ts";
import { dockerArchive, type ImageFile, type ImageSpec } from "./container-image.ts";
import { clearContainerd, FOLDER_PREFIX, sweepContainerds } from "./containerd-cleaning.ts";
import { silentLog } from "./silent-log.ts";
import { realClock, realTimers } from "./timers.ts";

const run = promisify(execFile);

const CNI_PLUGINS = "/usr/lib/cni";
const BUSYBOX = "/bin/busybox";
const START_MS_MAX = 30_000;
const ORDERLY_STOP_MS_MAX = 15_000;
export const PAUSE_IMAGE = "gantry.test/pause:1";
/** A shell and the usual small tools, from the machine's static busybox. */
export const BUSYBOX_IMAGE = "gantry.test/busybox:1";

export interface TestContainerdOptions {
  /** Name of a network namespace (`ip netns add`), which its pods' bridge is then in. Default: this process'. */
  netns?: string;
  /** Configures the network at once. Otherwise it is the engine's configureNetwork that does. */
  podCidr?: string;
}

export interface TestContainerd {
  socketPath: string;
  /** Removed by stop(). */
  folder: string;
  cniConfDir: string;
  bridgeName: string;
  log: string;
  /** A client like the agent's. Close it yourself. */
  createEngine(options?: { log?: Log }): Promise<Engine>;
  buildImage(image: ImageSpec): Promise<void>;
  /** Kills the engine itself, as a crash would; containers run on. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What this machine lacks for real containers, by name. */
export function missing(): string[] {
  const path = (process.env["PATH"] ?? "").split(":").concat("/usr/sbin", "/sbin");
  const programs = ["containerd", "ctr", "runc", "ip", "nsenter", "iptables"];
  const lacking = programs.filter((name) => !path.some((folder) => existsSync(join(folder, name))));
  for (const plugin of ["bridge", "host-local", "portmap", "loopback"]) {
    if (!existsSync(join(CNI_PLUGINS, plugin))) lacking.push(`CNI plugin ${plugin}`);
  }
  if (!existsSync(BUSYBOX)) lacking.push("busybox");
  if (process.getuid?.() !== 0) lacking.push("root");
  return lacking;
}

export async function startContainerd(options: TestContainerdOptions = {}): Promise<TestContainerd> {
  const lacking = missing();
  if (lacking.length > 0) throw new Error(`no containers without ${lacking.join(", ")}`);
  await sweepContainerds();
  const folder = await mkdtemp(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
  const server = new ContainerdServer(folder, options);
  try {
    await server.start();
    await server.buildImage(pauseImage());
    await server.buildImage(await busyboxImage());
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class ContainerdServer implements TestContainerd {
  readonly folder: string;
  readonly socketPath: string;
  readonly cniConfDir: string;
  readonly bridgeName: string;
  readonly log: string;
  private readonly options: TestContainerdOptions;
  private child: ChildProcess | undefined;

  constructor(folder: string, options: TestContainerdOptions) {
    this.folder = folder;
    this.options = options;
    this.socketPath = join(folder, "containerd.sock");
    this.cniConfDir = join(folder, "cni");
    this.log = join(folder, "containerd.log");
    // Names of links end at 15 characters; the folder's end is random.
    this.bridgeName = `gt-${folder.slice(-6)}`;
  }

  async start(): Promise<void> {
    await mkdir(this.cniConfDir, { recursive: true });
    await writeFile(join(this.folder, "config.toml"), this.config());
    const { netns } = this.options;
    if (netns !== undefined) {
      await writeFile(join(this.folder, "netns"), netns);
      await run("ip", ["-n", netns, "link", "set", "lo", "up"]);
    }
    const command = ["containerd", "--config", join(this.folder, "config.toml")];
    const [program = "", ...args] =
      netns === undefined ? command : ["nsenter", `--net=/var/run/netns/${netns}`, ...command];
    const log = openSync(this.log, "a");
    const child = spawn(program, args, { stdio: ["ignore", log, log] });
    closeSync(log);
    child.on("error", () => undefined);
    this.child = child;
    await this.answers();
    if (this.options.podCidr === undefined) return;
    const engine = await this.createEngine();
    await engine.configureNetwork({ podCidr: this.options.podCidr }).finally(() => engine.close());
  }

  private async answers(): Promise<void> {
    const untilMs = Date.now() + START_MS_MAX;
    for (;;) {
      const ended = this.child === undefined || this.child.exitCode !== null || this.child.signalCode !== null;
      if (ended || Date.now() > untilMs) {
        const log = await readFile(this.log, "utf8").catch(() => "");
        throw new Error(`containerd does not start:\n${log.slice(-2_000)}`);
      }
      const listening = await access(this.socketPath).then(
        () => true,
        () => false,
      );
      if (listening) {
        const engine = await this.createEngine().catch(() => undefined);
        if (engine !== undefined) return await engine.close();
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  createEngine(options: { log?: Log } = {}): Promise<Engine> {
    return createCriEngine({
      socketPath: this.socketPath,
      clock: realClock,
      timers: realTimers,
      log: options.log ?? silentLog,
      stateDirectory: join(this.folder, "agent"),
      cniConfDir: this.cniConfDir,
      bridgeName: this.bridgeName,
    });
  }

  async buildImage(image: ImageSpec): Promise<void> {
    const archive = join(this.folder, "image.tar");
    await writeFile(archive, dockerArchive(image));
    await run("ctr", ["--address", this.socketPath, "-n", "k8s.io", "images", "import", archive]);
    // The CRI hears of it by an event.
    const engine = await this.createEngine();
    try {
      for (let tries = 0; (await engine.imageStatus(image.name)) === undefined; tries++) {
        if (tries === 200) throw new Error(`containerd does not show ${image.name}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } finally {
      await engine.close();
    }
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  async stop(): Promise<void> {
    // An engine that hangs is killed all the same.
    const late = new Promise((resolve) => setTimeout(resolve, ORDERLY_STOP_MS_MAX));
    await Promise.race([this.removePods().catch(() => undefined), late]);
    await this.kill();
    await clearContainerd(this.folder);
  }

  /** The orderly way, in which the CNI plugins take back what they made. */
  private async removePods(): Promise<void> {
    const engine = await this.createEngine();
    try {
      const sandboxes = await engine.listSandboxes();
      await Promise.allSettled(sandboxes.map(({ id }) => engine.removeSandbox(id)));
    } finally {
      await engine.close();
    }
  }

  private config(): string {
    const { folder } = this;
    return `version = 2
root = "${folder}/root"
state = "${folder}/state"
oom_score = 0
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.tracing",
]
[grpc]
  address = "${this.socketPath}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${CNI_PLUGINS}"
    conf_dir = "${this.cniConfDir}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
      Root = "${folder}/runc"
`;
  }
}

function pauseImage(): ImageSpec {
  return {
    name: PAUSE_IMAGE,
    files: [{ path: "bin" }, { path: "bin/busybox", content: busyboxBytes() }],
    entrypoint: ["/bin/busybox", "sleep", "2147483647"],
  };
}

async function busyboxImage(): Promise<ImageSpec> {
  const { stdout } = await run(BUSYBOX, ["--list"]);
  const applets = stdout.split("\n").filter((name) => /^[\w[.-]+$/.test(name) && name !== "busybox");
  const folders = ["bin", "usr", "usr/bin", "etc", "root", "home", "tmp", "var", "var/run", "dev", "proc", "sys"];
  const files: ImageFile[] = [
    ...folders.map((path) => ({ path, mode: path === "tmp" ? 0o1777 : 0o755 })),
    { path: "bin/busybox", content: busyboxBytes() },
    ...applets.map((name) => ({ path: `bin/${name}`, linkTo: "busybox" })),
    { path: "usr/bin/env", linkTo: "/bin/busybox" },
    { path: "etc/passwd", content: "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n", mode: 0o644 },
    { path: "etc/group", content: "root:x:0:\nnobody:x:65534:\n", mode: 0o644 },
  ];
  return { name: BUSYBOX_IMAGE, files, cmd: ["sh"] };
}

function busyboxBytes(): Uint8Array {
  return readFileSync(BUSYBOX);
}
