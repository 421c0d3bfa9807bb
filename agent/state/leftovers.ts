/** Removes what nobody wants: sandboxes, containers and folders of pods that are no longer this node's. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../src/platform/platform.ts";
import type { Engine } from "../engines/engine.ts";
import { uidsOnDisk } from "../pods/pod-files.ts";
import type { RuntimeView } from "../pods/runtime-view.ts";
import type { MemoryFolders } from "../volumes/memory-folder.ts";

export async function clearLeftovers(at: {
  engine: Engine;
  view: RuntimeView;
  stateDirectory: string;
  wanted: ReadonlySet<string>;
  memory: MemoryFolders;
  log: Log;
}): Promise<void> {
  const { engine, view, stateDirectory, wanted, memory, log } = at;
  const strays = view.uids().filter((uid) => !wanted.has(uid));
  for (const uid of strays) {
    log.info("removing a stray pod", { uid });
    const { sandboxes, containers } = view.of(uid);
    try {
      for (const { id, state } of containers) {
        if (state === "running") await engine.stopContainer(id, 0);
        await engine.removeContainer(id);
      }
      for (const { id } of sandboxes) {
        await engine.stopSandbox(id);
        await engine.removeSandbox(id);
      }
    } catch (error) {
      log.warn("a stray pod could not be removed", { uid, error });
    }
  }
  if (strays.length > 0) await view.refresh();
  await clearFolders(stateDirectory, wanted, memory, log);
}

async function clearFolders(
  stateDirectory: string,
  wanted: ReadonlySet<string>,
  memory: MemoryFolders,
  log: Log,
): Promise<void> {
  const folders = (await uidsOnDisk(stateDirectory))
    .filter((uid) => !wanted.has(uid))
    .map((uid) => join(stateDirectory, "pods", uid));
  const logs = join(stateDirectory, "logs");
  for (const name of await readdir(logs).catch(() => [])) {
    if (!wanted.has(name.split("_")[2] ?? "")) folders.push(join(logs, name));
  }
  for (const folder of folders) {
    try {
      await memory.unmountBelow(folder);
      await rm(folder, { recursive: true, force: true });
    } catch (error) {
      log.warn("a folder of a pod that is gone could not be removed", { folder, error });
    }
  }
}
