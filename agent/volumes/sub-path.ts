/** subPath: a part of a volume as a mount, never anything outside of it, whatever symlinks the pod's containers have put there. */
import { chmod, lstat, mkdir, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { checkPath } from "./atomic-writer.ts";

function inside(root: string, path: string): boolean {
  return path === root || path.startsWith(root + sep);
}

/**
 * Resolves `subPath` below the volume and creates missing folders.
 * Each step is resolved before the next is made, so that nothing is ever created outside. @throws Error when it leads outside
 */
export async function resolveSubPath(volumeRoot: string, subPath: string): Promise<string> {
  checkPath(subPath);
  const root = await realpath(volumeRoot);
  const mode = (await stat(root)).mode & 0o7777;
  let at = root;
  for (const part of subPath.split("/").filter((p) => p !== "" && p !== ".")) {
    const next = join(at, part);
    const exists = await lstat(next).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return false;
        throw error;
      },
    );
    if (!exists) {
      await mkdir(next);
      // As open as the volume itself: the container's user may be anyone.
      await chmod(next, mode);
    }
    at = await realpath(next);
    if (!inside(root, at)) throw new Error(`subPath "${subPath}" leads outside of its volume`);
  }
  return at;
}
