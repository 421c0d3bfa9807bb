/** Parts of durations and timestamps. Zones of names are the runtime's; those of offsets are `+01:00`. */
import { Duration, Fault, Timestamp, type Value } from "./values.ts";

const DURATION_NS: Readonly<Record<string, bigint>> = {
  getHours: 3_600_000_000_000n,
  getMinutes: 60_000_000_000n,
  getSeconds: 1_000_000_000n,
  getMilliseconds: 1_000_000n,
};

const PARTS: Readonly<Record<string, ((date: Date) => number) | undefined>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDayOfYear: (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDate: (date) => date.getUTCDate(),
  getDayOfWeek: (date) => date.getUTCDay(),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

export function timeFunction(name: string, of: Value, [zone]: readonly Value[]): Value | undefined {
  if (of instanceof Duration) {
    const unit = Object.hasOwn(DURATION_NS, name) ? DURATION_NS[name] : undefined;
    if (unit === undefined) return undefined;
    return name === "getMilliseconds" ? (of.ns / unit) % 1_000n : of.ns / unit;
  }
  const part = of instanceof Timestamp && Object.hasOwn(PARTS, name) ? PARTS[name] : undefined;
  if (!part || !(of instanceof Timestamp)) return undefined;
  const ms = Number(of.ns / 1_000_000n);
  const offsetMs = typeof zone === "string" ? zoneOffsetMs(zone, ms) : 0;
  return offsetMs === undefined
    ? new Fault(`unknown time zone ${typeof zone === "string" ? zone : ""}`)
    : BigInt(part(new Date(ms + offsetMs)));
}

function zoneOffsetMs(zone: string, ms: number): number | undefined {
  if (zone === "" || zone === "UTC") return 0;
  const offset = /^([+-]?)(\d{2}):(\d{2})$/.exec(zone);
  if (offset) return (offset[1] === "-" ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) * 60_000;
  try {
    const parts = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(
      new Date(ms),
    );
    const name = parts.find(({ type }) => type === "timeZoneName")?.value ?? "GMT";
    return name === "GMT" ? 0 : zoneOffsetMs(name.slice(3), ms);
  } catch {
    return undefined;
  }
}
