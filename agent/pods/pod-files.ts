/** What a pod has on the node's disk: `<state>/pods/<uid>` and its log folder. */
import { mkdir, open, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Pod, PodStatus } from "./pod.ts";

/** What a worker has to know again after a restart of the agent. */
export interface PodRecord {
  status: PodStatus | undefined;
  verdict: { reason: string; message: string } | undefined;
  /** By container: what it was started with, by attempt. */
  definitions: Record<string, { attempt: number; definition: string }>;
}

export interface PodFiles {
  directory: string;
  logDirectory: string;
  load(): Promise<PodRecord | undefined>;
  save(record: PodRecord): Promise<void>;
  writeHosts(text: string): Promise<string>;
  /** An empty file for the termination message of one attempt. */
  makeTerminationLog(container: string, attempt: number): Promise<string>;
  /** At most 4 KiB of it. */
  readTerminationLog(container: string, attempt: number): Promise<string>;
  /** The end of a container's log, as a message: at most 2 KiB and 80 lines. */
  logTail(logPath: string): Promise<string>;
  removeAttempt(container: string, attempt: number): Promise<void>;
  removeAll(): Promise<void>;
}

const MESSAGE_BYTES_MAX = 4096;
const LOG_TAIL_BYTES = 2048;
const LOG_TAIL_LINES = 80;

export function podLogDirectory(stateDirectory: string, pod: { namespace: string; name: string; uid: string }): string {
  return join(stateDirectory, "logs", `${pod.namespace}_${pod.name}_${pod.uid}`);
}

async function readEnd(path: string, bytesMax: number): Promise<string> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return "";
  try {
    const { size } = await file.stat();
    const length = Math.min(size, bytesMax);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

export function createPodFiles(stateDirectory: string, pod: Pod): PodFiles {
  const { uid } = pod.metadata;
  const directory = join(stateDirectory, "pods", uid);
  const logDirectory = podLogDirectory(stateDirectory, pod.metadata);
  const recordFile = join(directory, "record.json");
  const terminationLog = (container: string, attempt: number) =>
    join(directory, "containers", container, String(attempt));
  return {
    directory,
    logDirectory,
    async load() {
      const text = await readFile(recordFile, "utf8").catch(() => undefined);
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text) as PodRecord;
      } catch {
        // Cut off by a power failure: what the engine shows has to do.
        return undefined;
      }
    },
    async save(record) {
      await mkdir(directory, { recursive: true, mode: 0o750 });
      await writeFile(`${recordFile}.new`, JSON.stringify(record), { mode: 0o600 });
      await rename(`${recordFile}.new`, recordFile);
    },
    async writeHosts(text) {
      const path = join(directory, "etc-hosts");
      await mkdir(directory, { recursive: true, mode: 0o750 });
      // In place: the file is mounted into containers that run.
      if ((await readFile(path, "utf8").catch(() => undefined)) !== text) await writeFile(path, text, { mode: 0o644 });
      return path;
    },
    async makeTerminationLog(container, attempt) {
      const path = terminationLog(container, attempt);
      await mkdir(join(directory, "containers", container), { recursive: true });
      // Written by whatever user the container runs as.
      const file = await open(path, "w", 0o666);
      await file.chmod(0o666);
      await file.close();
      return path;
    },
    readTerminationLog: (container, attempt) => readEnd(terminationLog(container, attempt), MESSAGE_BYTES_MAX),
    async logTail(logPath) {
      const text = await readEnd(logPath, LOG_TAIL_BYTES * 4);
      const lines = text.split("\n").filter((line) => /^\S+ (stdout|stderr) [FP] /.test(line));
      const bare = lines.slice(-LOG_TAIL_LINES).map((line) => line.replace(/^\S+ \S+ ([FP]) /, ""));
      return bare.length === 0 ? "" : `${bare.join("\n")}\n`.slice(-LOG_TAIL_BYTES);
    },
    async removeAttempt(container, attempt) {
      await rm(terminationLog(container, attempt), { force: true });
      await rm(join(logDirectory, container, `${attempt}.log`), { force: true });
    },
    async removeAll() {
      await rm(directory, { recursive: true, force: true });
      await rm(logDirectory, { recursive: true, force: true });
    },
  };
}

/** Uids that have a folder on disk. */
export async function uidsOnDisk(stateDirectory: string): Promise<string[]> {
  return readdir(join(stateDirectory, "pods")).catch(() => []);
}
