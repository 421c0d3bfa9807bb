/** Removes what a test's containerd has left on the machine: processes, mounts, links, cgroups, files. */
import { execFile } from "node:child_process";
import { readdir, readFile, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Followed by the process id of its test. */
export const FOLDER_PREFIX = "gantry-containerd-";
const CGROUPS = "/sys/fs/cgroup";
const CNI_RESULTS = "/var/lib/cni/results";

/** What runs of test processes that are no more have left. */
export async function sweepContainerds(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(FOLDER_PREFIX) ? Number(name.slice(FOLDER_PREFIX.length).split("-")[0]) : 0;
    if (pid > 0 && !alive(pid)) await clearContainerd(join(tmpdir(), name));
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function clearContainerd(folder: string): Promise<void> {
  const ids = await containerIds(folder);
  const cgroups = await cgroupsOf(ids);
  // The engine and its shims first: they would start or restart nothing, but they hold files.
  await killAll(await processesNaming(folder));
  for (const cgroup of cgroups) await killAll(await processesOf(cgroup));
  await unmountBelow(folder);
  await deleteBridge(folder);
  for (const cgroup of cgroups) await removeCgroup(cgroup);
  await removeEmptyParents();
  for (const name of await readdir(CNI_RESULTS).catch(() => [])) {
    if (ids.some((id) => name.includes(id))) await rm(join(CNI_RESULTS, name), { force: true });
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** Of sandboxes and containers, running or not. */
async function containerIds(folder: string): Promise<string[]> {
  const base = join(folder, "root/io.containerd.grpc.v1.cri");
  const found = await Promise.all(["sandboxes", "containers"].map((kind) => readdir(join(base, kind)).catch(() => [])));
  const tasks = await readdir(join(folder, "state/io.containerd.runtime.v2.task/k8s.io")).catch(() => []);
  return [...new Set([...found.flat(), ...tasks])];
}

/** Containers' cgroups are named by their ids, wherever in the hierarchies the engine puts them (v1 and v2). */
async function cgroupsOf(ids: string[]): Promise<string[]> {
  const parents = await cgroupParents();
  const found = await Promise.all(
    parents.map(async (parent) => {
      const names = await readdir(parent).catch(() => []);
      return names.filter((name) => ids.includes(name)).map((name) => join(parent, name));
    }),
  );
  return found.flat();
}

async function cgroupParents(): Promise<string[]> {
  const hierarchies = await readdir(CGROUPS).catch(() => []);
  return [CGROUPS, ...hierarchies.map((name) => join(CGROUPS, name))].map((path) => join(path, "k8s.io"));
}

async function processesOf(cgroup: string): Promise<number[]> {
  const text = await readFile(join(cgroup, "cgroup.procs"), "utf8").catch(() => "");
  return text.split("\n").filter(Boolean).map(Number);
}

/** Those whose command line names the folder: containerd and the shims, by their socket. */
async function processesNaming(folder: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      const [program = ""] = command.split("\0");
      const ours = /(^|\/)containerd(-shim-runc-v2)?$/.test(program) && command.includes(`${folder}/`);
      return ours ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

async function killAll(pids: number[]): Promise<void> {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone by itself.
    }
  }
  for (let tries = 0; (await anyRuns(pids)) && tries < 200; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A zombie does not: it only waits for its parent. */
async function anyRuns(pids: number[]): Promise<boolean> {
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    if (stat !== "" && !stat.slice(stat.lastIndexOf(")")).startsWith(") Z")) return true;
  }
  return false;
}

async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile("/proc/self/mounts", "utf8"))
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${folder}/`));
  for (const path of mounts.toReversed()) await run("umount", ["-l", path]).catch(() => undefined);
}

async function deleteBridge(folder: string): Promise<void> {
  const netns = await readFile(join(folder, "netns"), "utf8").catch(() => undefined);
  const confs = await readdir(join(folder, "cni")).catch(() => []);
  for (const conf of confs.filter((name) => name.endsWith(".conflist"))) {
    const bridge = /"bridge": "([\w-]+)"/.exec(await readFile(join(folder, "cni", conf), "utf8"))?.[1];
    if (bridge === undefined) continue;
    const where = netns === undefined ? [] : ["-n", netns];
    await run("ip", [...where, "link", "delete", bridge]).catch(() => undefined);
  }
}

async function removeCgroup(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await removeCgroup(join(path, entry.name));
  }
  // A process that has just been killed keeps its cgroup for a moment.
  for (let tries = 0; tries < 50; tries++) {
    const gone = await rmdir(path).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code === "ENOENT",
    );
    if (gone) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What engines share by fixed names goes when it is empty; that fails while another engine uses it. */
async function removeEmptyParents(): Promise<void> {
  const shared = ["/run/containerd/s", "/run/containerd", "/var/lib/cni/results"];
  for (const path of [...(await cgroupParents()), ...shared]) await rmdir(path).catch(() => undefined);
}
