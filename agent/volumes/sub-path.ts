/**
 * subPath: a part of a volume as a mount, never anything outside of it, whatever symlinks the pod's containers put there, before or while it
 * is looked for. After SafeMakeDir of k8s.io/kubernetes/pkg/volume/util/subpath/subpath_linux.go: links are resolved first, and what they
 * lead to is then walked from one handle to the next, where no link is followed.
 */
import { constants } from "node:fs";
import { chmod, mkdir, open, readlink, realpath, type FileHandle } from "node:fs/promises";
import { join, sep } from "node:path";
import { checkPath } from "./atomic-writer.ts";

/** Linux: the handle names a file without opening it. Node has no constant for it. */
const O_PATH = 0o10000000;
/** Fails for a link where O_DIRECTORY is set, and opens the link itself where it is not. */
const UNFOLLOWED = O_PATH | constants.O_NOFOLLOW;

/**
 * Resolves `subPath` below the volume and creates missing folders, never outside. The path is true of the moment: who uses it later pins
 * it (memory-folder.ts). @throws Error when it leads outside
 */
export async function resolveSubPath(volumeRoot: string, subPath: string): Promise<string> {
  checkPath(subPath);
  const root = await realpath(volumeRoot);
  const outside = new Error(`subPath "${subPath}" leads outside of its volume`);
  const { real, missing } = await resolved(root, partsOf(subPath));
  if (!inside(root, real)) throw outside;
  const walked = [await open(root, UNFOLLOWED | constants.O_DIRECTORY)];
  try {
    const mode = (await last(walked).stat()).mode & 0o7777;
    for (const part of [...partsOf(real.slice(root.length)), ...missing])
      walked.push(await step(last(walked), part, { mode, outside }));
    const name = await readlink(handlePath(last(walked)));
    // A folder may have been moved away under the walk.
    if (!inside(root, name)) throw outside;
    return name;
  } finally {
    for (const handle of walked) await handle.close();
  }
}

/** What there is of the path, without links, and the parts that there are not. */
async function resolved(root: string, parts: readonly string[]): Promise<{ real: string; missing: string[] }> {
  for (let count = parts.length; count > 0; count--) {
    try {
      return { real: await realpath(join(root, ...parts.slice(0, count))), missing: parts.slice(count) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return { real: root, missing: [...parts] };
}

/** The file or folder `part` of a folder; a new folder where there is nothing. @throws `outside` for a link: it was none a moment ago */
async function step(
  folder: FileHandle,
  part: string,
  { mode, outside }: { mode: number; outside: Error },
): Promise<FileHandle> {
  const path = join(handlePath(folder), part);
  const found = await openIfThere(path);
  const handle = found ?? (await make(path, mode));
  if (!(await handle.stat()).isSymbolicLink()) return handle;
  await handle.close();
  throw outside;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return await open(path, UNFOLLOWED).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
}

/** As open as the volume itself: the container's user may be anyone. The mode is set by the handle, or it could be that of something else. */
async function make(path: string, mode: number): Promise<FileHandle> {
  // Follows no link in its last part, and fails where there is one.
  await mkdir(path);
  const made = await open(path, UNFOLLOWED);
  if ((await made.stat()).isDirectory()) await chmod(handlePath(made), mode);
  return made;
}

function handlePath({ fd }: FileHandle): string {
  return `/proc/self/fd/${fd}`;
}

function last(handles: readonly FileHandle[]): FileHandle {
  const handle = handles.at(-1);
  if (!handle) throw new Error("nothing has been walked");
  return handle;
}

function inside(root: string, path: string): boolean {
  return path === root || path.startsWith(root + sep);
}

function partsOf(path: string): string[] {
  return path.split(sep).filter((part) => part !== "" && part !== ".");
}
