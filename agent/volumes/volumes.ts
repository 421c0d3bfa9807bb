/** The volumes of one pod as folders of the node: set up before the first container, kept current, removed at the end. */
import { chmod, chown, mkdir, realpath, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Random } from "../../src/platform/platform.ts";
import { quantity } from "../pods/quantity.ts";
import type { Container, Pod, Volume, VolumeMount } from "../pods/pod.ts";
import { expand } from "../pods/env.ts";
import { stampOf, writeAtomically } from "./atomic-writer.ts";
import type { MemoryFolders } from "./memory-folder.ts";
import { VolumeError, volumePayload, type PayloadSources } from "./payload.ts";
import { resolveSubPath } from "./sub-path.ts";

export interface PodVolumes {
  /** Makes or refreshes every volume; idempotent. @throws VolumeError naming the volume */
  setUp(pod: Pod, sources: PayloadSources): Promise<void>;
  /** Mounts of a container, after setUp. @throws Error for a subPath that leads outside */
  mounts(
    pod: Pod,
    container: Container,
    env: ReadonlyMap<string, string>,
  ): Promise<{ hostPath: string; containerPath: string; readOnly: boolean }[]>;
  tearDown(): Promise<void>;
}

/** Beside the plugins' folders; volumes cannot be called that. */
const SUB_PATHS = ".sub-paths";

/** Directory names as kubelet's plugins have them. */
function pluginOf(volume: Volume): string {
  if (volume.configMap) return "kubernetes.io~configmap";
  if (volume.secret) return "kubernetes.io~secret";
  if (volume.projected) return "kubernetes.io~projected";
  if (volume.downwardAPI) return "kubernetes.io~downward-api";
  return "kubernetes.io~empty-dir";
}

async function prepareHostPath({ path, type = "" }: { path: string; type?: string }): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  const fail = (what: string) => new VolumeError(`hostPath type check failed: ${path} is not a ${what}`);
  if (type === "DirectoryOrCreate" && !found) return void (await mkdir(path, { recursive: true, mode: 0o755 }));
  if (type === "FileOrCreate" && !found) return writeFile(path, "", { mode: 0o644 });
  if (type.startsWith("Directory") && !found?.isDirectory()) throw fail("directory");
  if (type.startsWith("File") && !found?.isFile()) throw fail("file");
  if (type === "Socket" && !found?.isSocket()) throw fail("socket file");
  if (type === "CharDevice" && !found?.isCharacterDevice()) throw fail("character device");
  if (type === "BlockDevice" && !found?.isBlockDevice()) throw fail("block device");
  // Without a type nothing is checked, but engines refuse to mount what is not there.
  if (type === "" && !found) await mkdir(path, { recursive: true, mode: 0o755 });
}

export function createPodVolumes(deps: {
  /** "<state>/pods/<uid>/volumes" */
  directory: string;
  memory: MemoryFolders;
  clock: Clock;
  random: Random;
}): PodVolumes {
  const { directory, memory, clock, random } = deps;
  const folderOf = (volume: Volume) => volume.hostPath?.path ?? join(directory, pluginOf(volume), volume.name);

  async function emptyDirectory(pod: Pod, volume: Volume): Promise<void> {
    const folder = folderOf(volume);
    const exists = await stat(folder).catch(() => undefined);
    if (!exists) await mkdir(folder, { recursive: true });
    if (volume.emptyDir?.medium === "Memory") {
      const limit = quantity(volume.emptyDir.sizeLimit);
      await memory.mount(folder, { sizeBytes: limit > 0 ? limit : undefined });
    }
    if (exists) return;
    const group = pod.spec.securityContext?.fsGroup;
    if (group !== undefined) await chown(folder, -1, group).catch(() => undefined);
    await chmod(folder, group === undefined ? 0o777 : 0o2777);
  }

  async function files(pod: Pod, volume: Volume, sources: PayloadSources): Promise<void> {
    const payload = await volumePayload(pod, volume, sources);
    if (payload === undefined) throw new VolumeError("no volume plugin matched");
    const folder = folderOf(volume);
    await mkdir(folder, { recursive: true, mode: 0o755 });
    if (volume.secret || volume.projected) await memory.mount(folder, { sizeBytes: undefined });
    const group = pod.spec.securityContext?.fsGroup;
    if (group !== undefined) for (const file of payload.values()) file.mode |= 0o440;
    const stamp = stampOf(clock.now(), random.uuid().slice(0, 8));
    await writeAtomically(folder, payload, { stamp, ...(group === undefined ? {} : { group }) });
  }

  async function setUpOne(pod: Pod, volume: Volume, sources: PayloadSources): Promise<void> {
    try {
      if (volume.hostPath) await prepareHostPath(volume.hostPath);
      else if (volume.emptyDir || Object.keys(volume).length === 1) await emptyDirectory(pod, volume);
      else await files(pod, volume, sources);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${why}`, { cause: error });
    }
  }

  async function source(
    volume: Volume,
    mount: VolumeMount,
    at: { env: ReadonlyMap<string, string>; target: string },
  ): Promise<string> {
    const subPath = mount.subPathExpr ? expand(mount.subPathExpr, (name) => at.env.get(name)) : mount.subPath;
    if (!subPath) return folderOf(volume);
    const root = await realpath(folderOf(volume));
    const path = await resolveSubPath(root, subPath);
    return memory.pin({ path, root, target: join(directory, SUB_PATHS, at.target) });
  }

  return {
    async setUp(pod, sources) {
      for (const volume of pod.spec.volumes ?? []) await setUpOne(pod, volume, sources);
    },
    async mounts(pod, container, env) {
      const result = [];
      for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
        const volume = pod.spec.volumes?.find((v) => v.name === mount.name);
        if (volume === undefined) throw new Error(`volume "${mount.name}" not found`);
        const hostPath = await source(volume, mount, { env, target: `${container.name}/${index}` });
        const readOnly = mount.readOnly === true || pluginOf(volume) !== "kubernetes.io~empty-dir";
        result.push({
          hostPath,
          containerPath: mount.mountPath,
          readOnly: volume.hostPath ? mount.readOnly === true : readOnly,
        });
      }
      return result;
    },
    async tearDown() {
      await memory.unmountBelow(directory);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
