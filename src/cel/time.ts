/** Durations and timestamps of expressions: nanoseconds, as Go's time package and RFC 3339 write them. */

const UNITS_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const INT64_MAX = 2n ** 63n - 1n;
const TEXT_CHARACTERS_MAX = 128;

/** `1h2m3.5s`: time.ParseDuration. undefined: it is none. */
export function parseDuration(text: string): bigint | undefined {
  if (text.length > TEXT_CHARACTERS_MAX) return undefined;
  const signed = /^([+-]?)(.+)$/s.exec(text);
  const [, sign = "", rest = ""] = signed ?? [];
  if (rest === "0") return 0n;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(rest)) return undefined;
  let total = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of rest.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = UNITS_NS[unit] ?? 0n;
    total += BigInt(whole || "0") * scale + (BigInt(fraction || "0") * scale) / 10n ** BigInt(fraction.length);
  }
  if (total > INT64_MAX) return undefined;
  return sign === "-" ? -total : total;
}

/** RFC 3339, years 1 to 9999. Nanoseconds since 1970; undefined: it is none. */
export function parseTimestamp(text: string): bigint | undefined {
  const found = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:[.,](\d{1,18}))?(Z|[+-]\d{2}:\d{2})$/.exec(text);
  if (!found) return undefined;
  const [, moment = "", fraction = "", zone = ""] = found;
  const ms = Date.parse(`${moment}${zone}`);
  if (Number.isNaN(ms)) return undefined;
  const day = Number(moment.slice(8, 10));
  const lastDay = new Date(Date.UTC(Number(moment.slice(0, 4)), Number(moment.slice(5, 7)), 0)).getUTCDate();
  if (day > lastDay || moment.slice(11, 13) === "24") return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
}

/** As CEL writes it: UTC, no more digits than needed. */
export function timestampText(ns: bigint): string {
  const seconds = ns >= 0n ? ns / 1_000_000_000n : -((-ns + 999_999_999n) / 1_000_000_000n);
  const rest = ns - seconds * 1_000_000_000n;
  const base = new Date(Number(seconds) * 1_000).toISOString().slice(0, 19);
  const fraction = rest === 0n ? "" : `.${rest.toString().padStart(9, "0").replace(/0+$/, "")}`;
  return `${base}${fraction}Z`;
}

/** As CEL writes it: `5400s`, `0.5s`. */
export function durationText(ns: bigint): string {
  const magnitude = ns < 0n ? -ns : ns;
  const rest = (magnitude % 1_000_000_000n).toString().padStart(9, "0").replace(/0+$/, "");
  return `${ns < 0n ? "-" : ""}${magnitude / 1_000_000_000n}${rest === "" ? "" : `.${rest}`}s`;
}
