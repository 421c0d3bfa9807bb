/**
 * Writes a set of files so that a reader sees either all old or all new ones: the files live in a time-stamped folder, `..data` is a
 * symlink to it that is renamed into place, and what users open are symlinks through `..data`. The layout is kubelet's, which
 * programs that watch their configuration know.
 */
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readFile,
  readlink,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";

export interface FileToWrite {
  data: Uint8Array;
  mode: number;
}

/** By relative path. */
export type Payload = Map<string, FileToWrite>;

const DATA = "..data";

/** @throws Error for a path that would leave the volume */
export function checkPath(path: string): void {
  const parts = path.split("/");
  if (path === "" || path.startsWith("/") || parts.includes("..") || parts[0]?.startsWith("..")) {
    throw new Error(`invalid path: must be relative and must not contain "..": ${path}`);
  }
}

async function unchanged(folder: string, payload: Payload, group: number | undefined): Promise<boolean> {
  const found = await filesBelow(folder).catch(() => undefined);
  if (found === undefined || found.length !== payload.size) return false;
  for (const path of found) {
    const wanted = payload.get(path);
    if (wanted === undefined) return false;
    const at = join(folder, path);
    const [data, { mode, gid }] = await Promise.all([readFile(at), stat(at)]);
    if ((mode & 0o7777) !== wanted.mode || !data.equals(wanted.data)) return false;
    if (group !== undefined && gid !== group) return false;
  }
  return true;
}

async function filesBelow(folder: string, prefix = ""): Promise<string[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await filesBelow(folder, path)));
    else found.push(path);
  }
  return found;
}

async function writeAll(folder: string, payload: Payload, group: number | undefined): Promise<void> {
  await mkdir(folder, { mode: 0o755 });
  // Not left to the umask: the pod's user must be able to enter.
  await chmod(folder, 0o755);
  for (const [path, file] of payload) {
    const at = join(folder, path);
    await mkdir(dirname(at), { recursive: true, mode: 0o755 });
    await writeFile(at, file.data, { mode: file.mode });
    await chmod(at, file.mode);
    if (group !== undefined) await chown(at, -1, group).catch(ignoreEperm);
  }
}

/** Without root there are no other groups; the files are then the agent's. */
function ignoreEperm(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPERM") throw error;
}

async function pointTo(root: string, target: string): Promise<void> {
  const temporary = join(root, "..data_tmp");
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, join(root, DATA));
}

async function linkUserVisible(root: string, payload: Payload): Promise<void> {
  const names = new Set([...payload.keys()].map((path) => path.split("/")[0] ?? path));
  for (const name of names) {
    const exists = await lstat(join(root, name)).then(
      () => true,
      () => false,
    );
    if (!exists) await symlink(join(DATA, name), join(root, name));
  }
  for (const entry of await readdir(root)) {
    if (!entry.startsWith("..") && !names.has(entry)) await rm(join(root, entry), { force: true, recursive: true });
  }
}

/** @returns true when something was written. `stamp` must differ from call to call. */
export async function writeAtomically(
  root: string,
  payload: Payload,
  options: { stamp: string; group?: number },
): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path);
  const current = await readlink(join(root, DATA)).catch(() => undefined);
  if (current !== undefined && (await unchanged(join(root, current), payload, options.group))) return false;
  const fresh = `..${options.stamp}`;
  await writeAll(join(root, fresh), payload, options.group);
  await pointTo(root, fresh);
  await linkUserVisible(root, payload);
  for (const entry of await readdir(root)) {
    if (entry.startsWith("..") && entry !== DATA && entry !== fresh)
      await rm(join(root, entry), { recursive: true, force: true });
  }
  return true;
}

/** The name of a time-stamped folder: "2026_11_24_03_30_00.1a2b3c". */
export function stampOf(nowMs: number, suffix: string): string {
  return `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-T:]/g, "_")}.${suffix}`;
}
