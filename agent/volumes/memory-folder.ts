/** What volumes need of `mount`, where the agent may mount and its mounts are seen by the engine: folders in memory and fixed paths. */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { mkdir, open, readFile, readlink, writeFile } from "node:fs/promises";
import { dirname, sep } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface MemoryFolders {
  /** Mounts a tmpfs on an existing folder, once. @returns false where that is not possible: the folder stays a plain one. */
  mount(folder: string, options: { sizeBytes: number | undefined }): Promise<boolean>;
  /**
   * A path that keeps leading to what `path` is now, whatever a container makes of the names on the way: `target`, a mount of the
   * very file or folder. `path` itself where mounting is not possible. @throws Error when `path` has come to lead out of `root`
   */
  pin(at: { path: string; root: string; target: string }): Promise<string>;
  /** Unmounts everything at and below the folder. */
  unmountBelow(folder: string): Promise<void>;
}

async function mountsBelow(folder: string): Promise<string[]> {
  const text = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  return text
    .split("\n")
    .map((line) => (line.split(" ")[4] ?? "").replaceAll("\\040", " "))
    .filter((path) => path === folder || path.startsWith(`${folder}/`));
}

async function mountNamespace(pid: number | "self"): Promise<string | undefined> {
  return readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined);
}

async function parentOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^PPid:\s+(\d+)/m.exec(text)?.[1] ?? 0);
}

/**
 * The engine sees our mounts only from the same mount namespace. That it lives in the one of our ancestors is the best guess there is;
 * `ip netns exec`, for one, makes a namespace of its own. Ancestors that may not be looked at are taken for equal.
 */
export async function mountsAreShared(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  const own = await mountNamespace("self");
  for (let pid = process.ppid; pid > 0; pid = await parentOf(pid)) {
    const theirs = await mountNamespace(pid);
    if (theirs !== undefined && theirs !== own) return false;
  }
  return true;
}

/** Linux: the handle names the file without opening it. Node has no constant for it. */
const O_PATH = 0o10000000;

async function pin({ path, root, target }: { path: string; root: string; target: string }): Promise<string> {
  const file = await open(path, O_PATH | constants.O_NOFOLLOW);
  try {
    const handle = `/proc/${process.pid}/fd/${file.fd}`;
    const real = await readlink(handle);
    const found = await file.stat();
    const outside = real !== root && !real.startsWith(root + sep);
    if (outside || found.isSymbolicLink()) throw new Error(`${path} leads out of its volume`);
    const isFolder = found.isDirectory();
    if ((await mountsBelow(target)).includes(target)) await run("umount", ["-l", target]);
    await mkdir(isFolder ? target : dirname(target), { recursive: true });
    if (!isFolder) await writeFile(target, "");
    await run("mount", ["--bind", handle, target]);
    return target;
  } finally {
    await file.close();
  }
}

export function createMemoryFolders(): MemoryFolders {
  let possible: boolean | undefined;
  return {
    async pin(at) {
      possible ??= await mountsAreShared();
      return possible ? pin(at) : at.path;
    },
    async mount(folder, { sizeBytes }) {
      possible ??= await mountsAreShared();
      if (!possible) return false;
      if ((await mountsBelow(folder)).includes(folder)) return true;
      const options = sizeBytes === undefined ? [] : ["-o", `size=${sizeBytes}`];
      try {
        await run("mount", ["-t", "tmpfs", ...options, "tmpfs", folder]);
        return true;
      } catch {
        possible = false;
        return false;
      }
    },
    async unmountBelow(folder) {
      // Deepest first.
      for (const path of (await mountsBelow(folder)).toReversed()) await run("umount", ["-l", path]);
    },
  };
}

export function createNoMemoryFolders(): MemoryFolders {
  return { mount: async () => false, pin: async ({ path }) => path, unmountBelow: async () => undefined };
}
