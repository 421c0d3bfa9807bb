/**
 * Schedules of CronJobs: five fields, or a word like @daily. After ParseStandard of github.com/robfig/cron v3, which Kubernetes
 * uses, with its texts.
 */

/** Which minutes, hours … match; `any` when the field was a bare `*`, which matters for the two fields of days. */
export interface CronField {
  values: ReadonlySet<number>;
  any: boolean;
}

export type CronSchedule =
  | { minute: CronField; hour: CronField; dayOfMonth: CronField; month: CronField; dayOfWeek: CronField }
  /** @every */
  | { everyMs: number };

interface Bounds {
  min: number;
  max: number;
  names?: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];

const WORDS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const EVERY = "@every ";

/** A prefix that names a time zone is passed over. @throws Error with the library's text */
export function parseCron(spec: string): CronSchedule {
  if (spec === "") throw new Error("empty spec string");
  const text = withoutZone(spec);
  if (text.startsWith(EVERY)) return { everyMs: durationMs(text) };
  const plain = text.startsWith("@") ? WORDS[text] : text;
  if (plain === undefined) throw new Error(`unrecognized descriptor: ${text}`);
  const parts = plain.split(/\s+/).filter((part) => part !== "");
  if (parts.length !== FIELDS.length) {
    throw new Error(`expected exactly 5 fields, found ${parts.length}: [${parts.join(" ")}]`);
  }
  const [minute, hour, dayOfMonth, month, dayOfWeek] = FIELDS.map((bounds, index) => field(parts[index] ?? "", bounds));
  if (!minute || !hour || !dayOfMonth || !month || !dayOfWeek) throw new Error("empty spec string");
  return { minute, hour, dayOfMonth, month, dayOfWeek };
}

function withoutZone(spec: string): string {
  const zone = /^(?:CRON_)?TZ=(\S*)\s*/.exec(spec);
  if (!zone) return spec;
  if (!isTimeZone(zone[1] ?? "")) {
    throw new Error(`provided bad location ${zone[1] ?? ""}: unknown time zone ${zone[1] ?? ""}`);
  }
  return spec.slice(zone[0].length);
}

/** Is this the name of a zone of the IANA database, as this runtime has it? */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) instanceof Intl.DateTimeFormat;
  } catch {
    return false;
  }
}

function field(text: string, bounds: Bounds): CronField {
  const values = new Set<number>();
  let any = false;
  for (const expression of text.split(",")) {
    if (expression === "") continue;
    any = addRange(expression, bounds, values) || any;
  }
  return { values, any };
}

/** Returns whether it was a star without a step. */
function addRange(expression: string, bounds: Bounds, values: Set<number>): boolean {
  const [range = "", stepText, ...slashes] = expression.split("/");
  const [low = "", high, ...hyphens] = range.split("-");
  const isStar = low === "*" || low === "?";
  let start = bounds.min;
  let end = bounds.max;
  if (!isStar) {
    start = numberOrName(low, bounds);
    if (hyphens.length > 0) throw new Error(`too many hyphens: ${expression}`);
    end = high === undefined ? start : numberOrName(high, bounds);
  }
  if (slashes.length > 0) throw new Error(`too many slashes: ${expression}`);
  const step = stepText === undefined ? 1 : number(stepText);
  // "5/15" means "5-max/15".
  if (stepText !== undefined && high === undefined) end = bounds.max;
  if (start < bounds.min) throw new Error(`beginning of range (${start}) below minimum (${bounds.min}): ${expression}`);
  if (end > bounds.max) throw new Error(`end of range (${end}) above maximum (${bounds.max}): ${expression}`);
  if (start > end) throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${expression}`);
  if (step === 0) throw new Error(`step of range should be a positive number: ${expression}`);
  for (let value = start; value <= end; value += step) values.add(value);
  return isStar && step === 1;
}

function numberOrName(text: string, { names, min }: Bounds): number {
  const index = names?.indexOf(text.toLowerCase()) ?? -1;
  return index >= 0 ? index + min : number(text);
}

function number(text: string): number {
  if (!/^[+-]?[0-9]+$/.test(text)) {
    throw new Error(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw new Error(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`,
    );
  }
  if (value < 0) throw new Error(`negative number (${value}) not allowed: ${text}`);
  return value;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** At least a second, in whole seconds, as the library rounds it. */
function durationMs(text: string): number {
  const given = text.slice(EVERY.length);
  if (!/^(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h))+$/.test(given)) {
    throw new Error(`failed to parse duration ${text}: time: invalid duration ${JSON.stringify(given)}`);
  }
  let ms = 0;
  for (const [, amount = "0", unit = ""] of given.matchAll(/([0-9.]+)(ms|s|m|h)/g)) {
    ms += Number(amount) * (UNIT_MS[unit] ?? 0);
  }
  return Math.max(1000, Math.floor(ms / 1000) * 1000);
}
