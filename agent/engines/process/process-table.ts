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
  const fields = await statOf(pid);
  return living(fields) ? fields[19] : undefined;
}

/** From the state on, which is field 3: the name before it, in brackets, may hold anything. The start is field 22. */
async function statOf(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function living(fields: readonly string[]): boolean {
  return fields[0] !== "" && fields[0] !== "Z" && fields[0] !== "X";
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

/** What a look over all processes found: those that carry the variable, and those of which it cannot be said yet. */
export interface Found {
  carriers: number[];
  /** In the middle of an exec: for that moment a process has no environment. */
  undecided: number[];
}

/**
 * Processes that carry `NAME=value` in their environment, but this one; undecided are only such as are not older than `since`. What
 * they fork meanwhile may be missed: look again.
 */
export async function processesWith(name: string, value: string, since?: ProcessIdentity): Promise<Found> {
  const wanted = Buffer.from(`${name}=${value}`);
  const pids = (await readdir("/proc").catch(() => [])).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found: Found = { carriers: [], undecided: [] };
  await Promise.all(
    pids.map(async (pid) => {
      if (pid === process.pid) return;
      const environment = await readFile(`/proc/${pid}/environ`).catch(() => undefined);
      if (environment?.includes(wanted) === true) found.carriers.push(pid);
      else if (environment?.length === 0 && (await mayExec(pid, Number(since?.startTicks ?? 0))))
        found.undecided.push(pid);
    }),
  );
  return found;
}

/** Of the flags of a task, field 9: it is the kernel's own (PF_KTHREAD). */
const KERNEL_THREAD = 0x00200000;

/** Whether a process without an environment lives, is a program's and not older than that. */
async function mayExec(pid: number, sinceTicks: number): Promise<boolean> {
  const fields = await statOf(pid);
  return living(fields) && (Number(fields[6]) & KERNEL_THREAD) === 0 && Number(fields[19]) >= sinceTicks;
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
