/** Times as Go's `time.Parse` reads RFC 3339 and as metav1.Time and metav1.MicroTime write them. */

const SECONDS_LAYOUT = "2006-01-02T15:04:05Z07:00";
const MICRO_LAYOUT = "2006-01-02T15:04:05.000000Z07:00";

const SECONDS = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,]\d+)?(?:Z|([+-])(\d\d):(\d\d))$/;
const MICRO = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})(?:Z|([+-])(\d\d):(\d\d))$/;

/** What is usual and already canonical, so that most times need no arithmetic. */
const CANONICAL_SECONDS = /^(?!0001-)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;

/** The parts of the layout, in order, with what a value may have in their place. */
const ELEMENTS: readonly (readonly [string, RegExp])[] = [
  ["2006", /^\d{4}/],
  ["-", /^-/],
  ["01", /^\d\d/],
  ["-", /^-/],
  ["02", /^\d\d/],
  ["T", /^T/],
  ["15", /^\d\d/],
  [":", /^:/],
  ["04", /^\d\d/],
  [":", /^:/],
  ["05", /^\d\d/],
];

/** What Go says of a value that is no such time. */
function faultOf(text: string, micro: boolean): string {
  const head = `parsing time ${JSON.stringify(text)}`;
  const layout = micro ? MICRO_LAYOUT : SECONDS_LAYOUT;
  const zone: readonly [string, RegExp] = ["Z07:00", /^(?:Z|[+-]\d\d:\d\d)/];
  const fraction: readonly [string, RegExp] = micro ? [".000000", /^\.\d{6}/] : ["", /^(?:[.,]\d+)?/];
  let rest = text;
  for (const [element, pattern] of [...ELEMENTS, fraction, zone]) {
    const found = pattern.exec(rest);
    if (!found) {
      return `${head} as "${layout}": cannot parse ${JSON.stringify(rest)} as "${element}"`;
    }
    rest = rest.slice(found[0].length);
  }
  return rest === "" ? `${head}: day out of range` : `${head}: extra text: ${JSON.stringify(rest)}`;
}

/** The fields of a broken-down time, or why they are none. */
function unixMsOf(parts: readonly (string | undefined)[], zone: readonly (string | undefined)[]): number | string {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  if (month < 1 || month > 12) return "month out of range";
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (day < 1 || date.getUTCDate() !== day) return "day out of range";
  if (hour > 23) return "hour out of range";
  if (minute > 59) return "minute out of range";
  if (second > 59) return "second out of range";
  const [sign, zoneHours = "0", zoneMinutes = "0"] = zone;
  if (Number(zoneHours) > 24) return "time zone offset hour out of range";
  if (Number(zoneMinutes) > 60) return "time zone offset minute out of range";
  const offset = (Number(zoneHours) * 60 + Number(zoneMinutes)) * (sign === "-" ? -1 : 1);
  return date.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000;
}

/** Go's zero time, which JSON writes as null. */
const ZERO_TIME_MS = -62_135_596_800_000;

/** "2026-11-24T03:00:00Z", or undefined for Go's zero time. @throws Error worded as Go words it */
export function canonicalTime(text: string): string | undefined {
  if (CANONICAL_SECONDS.test(text)) return text;
  const found = SECONDS.exec(text);
  if (!found) throw new Error(faultOf(text, false));
  const unixMs = unixMsOf(found.slice(1, 7), found.slice(7));
  if (typeof unixMs === "string") throw new Error(`parsing time ${JSON.stringify(text)}: ${unixMs}`);
  return unixMs === ZERO_TIME_MS ? undefined : secondsText(unixMs);
}

/** "2026-11-24T03:00:00.000000Z", or undefined for Go's zero time. @throws Error worded as Go words it */
export function canonicalMicroTime(text: string): string | undefined {
  const found = MICRO.exec(text);
  if (!found) throw new Error(faultOf(text, true));
  const unixMs = unixMsOf(found.slice(1, 7), found.slice(8));
  if (typeof unixMs === "string") throw new Error(`parsing time ${JSON.stringify(text)}: ${unixMs}`);
  const micros = found[7] ?? "000000";
  if (unixMs === ZERO_TIME_MS && micros === "000000") return undefined;
  return secondsText(unixMs).replace("Z", `.${micros}Z`);
}

/** A time of whole seconds since 1970. */
export function timeOfSeconds(seconds: number): string | undefined {
  const unixMs = seconds * 1000;
  return unixMs === ZERO_TIME_MS ? undefined : secondsText(unixMs);
}

export function microTimeOfSeconds(seconds: number, nanos: number): string | undefined {
  const text = timeOfSeconds(seconds);
  return text?.replace("Z", `.${String(Math.floor(nanos / 1000)).padStart(6, "0")}Z`);
}

function secondsText(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19)}Z`;
}
