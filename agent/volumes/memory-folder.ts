/** Folders in memory (tmpfs), where the agent may mount and its mounts are seen by the engine. */
import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface MemoryFolders {
  /** Mounts a tmpfs on an existing folder, once. @returns false where that is not possible: the folder stays a plain one. */
  mount(folder: string, options: { sizeBytes: number | undefined }): Promise<boolean>;
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

export function createMemoryFolders(): MemoryFolders {
  let possible: boolean | undefined;
  return {
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
  return { mount: async () => false, unmountBelow: async () => undefined };
}
