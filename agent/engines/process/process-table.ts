/** Processes of this machine, named so that a number that was given again is not taken for the old process. Linux. */
import { readdir, readFile } from "node:fs/promises";

export interface ProcessIdentity {
  pid: number;
  /** Since boot, in clock ticks. */
  startTicks: string;
  bootId: string;
}

/** Undefined when there is no such process (a zombie is none). */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const startTicks = await startTicksOf(pid);
  if (startTicks === undefined) return undefined;
  const bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")).trim();
  return { pid, startTicks, bootId };
}

async function startTicksOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The name, in brackets, may hold anything. The state comes after it, the start is field 22.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "" || fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

export async function runs(identity: ProcessIdentity): Promise<boolean> {
  const now = await identify(identity.pid);
  return now?.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

/** As it was when the process started; empty when it may not be read. */
export async function environmentOf(pid: number): Promise<Record<string, string>> {
  const text = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  const entries = text
    .split("\0")
    .map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]);
  return Object.fromEntries(entries.filter(([name]) => name !== "")) as Record<string, string>;
}

/** Processes that carry `NAME=value` in their environment, but this one. */
export async function processesWith(name: string, value: string): Promise<number[]> {
  const wanted = Buffer.from(`${name}=${value}`);
  const pids = (await readdir("/proc").catch(() => [])).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      if (pid === process.pid) return [];
      const environment = await readFile(`/proc/${pid}/environ`).catch(() => undefined);
      return environment?.includes(wanted) === true ? [pid] : [];
    }),
  );
  return found.flat();
}

/** A negative pid is a process group. @returns false when there is none */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
