/** The Node runtime's clock, timers, dice and log. */
import { randomBytes, randomUUID } from "node:crypto";
import type { Log, Platform } from "../platform.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LEVELS)[number];

/** One JSON object a line on standard error; what people should read goes to standard output. */
export function createLog(options: { level: LogLevel; name: string }): Log {
  const lowest = LEVELS.indexOf(options.level);
  const write = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
    if (LEVELS.indexOf(level) < lowest) return;
    const line = { time: new Date().toISOString(), level, name: options.name, message, ...plain(fields) };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

/** Errors have no enumerable members: without this they would be logged as {}. */
function plain(fields: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  if (fields === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error ? (value.stack ?? value.message) : value,
    ]),
  );
}

export function createNodePlatform(options: { level?: LogLevel; name?: string } = {}): Platform {
  return {
    clock: { now: () => Date.now() },
    timers: {
      after(delayMs, run) {
        // A longer delay than 2^31-1 ms would fire at once.
        const timer = setTimeout(run, Math.min(delayMs, 2_147_483_647));
        return () => clearTimeout(timer);
      },
      soon: (run) => void setImmediate(run),
    },
    random: {
      uuid: () => randomUUID(),
      fraction: () => Math.random(),
      bytes: (length) => new Uint8Array(randomBytes(length)),
    },
    log: createLog({ level: options.level ?? "info", name: options.name ?? "gantry" }),
    usage() {
      const { rss, heapUsed } = process.memoryUsage();
      const { user, system } = process.cpuUsage();
      return {
        startedMs: performance.timeOrigin,
        residentBytes: rss,
        heapBytes: heapUsed,
        cpuSeconds: (user + system) / 1e6,
      };
    },
  };
}
