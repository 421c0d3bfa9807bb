/** The Workers runtime's clock, timers, dice and log. */
import type { Log, Platform } from "../platform.ts";

/** One JSON object a line: what Workers Logs indexes. */
function createLog(name: string): Log {
  const write = (level: "debug" | "info" | "warn" | "error") => (message: string, fields?: Record<string, unknown>) =>
    console[level](JSON.stringify({ level, name, message, ...plain(fields) }));
  return { debug: () => {}, info: write("info"), warn: write("warn"), error: write("error") };
}

function plain(fields: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  if (fields === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error ? (value.stack ?? value.message) : value,
    ]),
  );
}

export function createWorkersPlatform(name: string): Platform {
  return {
    clock: { now: () => Date.now() },
    timers: {
      after(delayMs, run) {
        const timer = setTimeout(run, Math.min(delayMs, 2_147_483_647));
        return () => clearTimeout(timer);
      },
    },
    random: {
      uuid: () => crypto.randomUUID(),
      fraction: () => Math.random(),
      bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    },
    log: createLog(name),
  };
}
