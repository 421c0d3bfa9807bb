/**
 * Metrics as text: Prometheus' own format (0.0.4) and OpenMetrics 1.0.0 for scrapers that ask for it.
 * https://prometheus.io/docs/instrumenting/exposition_formats/ and https://github.com/OpenObservability/OpenMetrics
 */
import type { FamilySnapshot } from "./metrics.ts";

export type ExpositionFormat = "prometheus" | "openmetrics";

export const EXPOSITION_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** What the scraper likes best; text where it names nothing that is known. */
export function expositionFormat(accept: string | null): ExpositionFormat {
  let best: { format: ExpositionFormat; quality: number } = { format: "prometheus", quality: 0 };
  for (const entry of (accept ?? "").split(",")) {
    const [type = "", ...parameters] = entry.split(";").map((part) => part.trim().toLowerCase());
    const version = parameters.find((parameter) => parameter.startsWith("version="));
    const quality = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
    const open = type === "application/openmetrics-text" && (version === undefined || version === "version=1.0.0");
    if (!open && !["text/plain", "text/*", "*/*"].includes(type)) continue;
    if (quality > best.quality) best = { format: open ? "openmetrics" : "prometheus", quality };
  }
  return best.format;
}

export function exposition(families: readonly FamilySnapshot[], format: ExpositionFormat): string {
  const lines: string[] = [];
  for (const family of families) {
    if (family.series.length === 0) continue;
    const name = format === "openmetrics" ? metricName(family) : family.name;
    lines.push(`# HELP ${name} ${escapedHelp(family.help)}`, `# TYPE ${name} ${family.type}`);
    if (family.type === "histogram") histogramLines(lines, family, format);
    else for (const { values, value } of family.series) lines.push(`${sample(family, values)} ${goFloat(value)}`);
  }
  if (format === "openmetrics") lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

/** In OpenMetrics the suffix belongs to the sample, not to the family. */
function metricName({ name, type }: FamilySnapshot): string {
  return type === "counter" ? name.replace(/_total$/, "") : name;
}

function histogramLines(
  lines: string[],
  family: FamilySnapshot & { type: "histogram" },
  format: ExpositionFormat,
): void {
  const { name, labels, buckets } = family;
  for (const { values, counts, sum } of family.series) {
    let total = 0;
    counts.forEach((count, at) => {
      total += count;
      const bound = boundText(buckets[at] ?? Number.POSITIVE_INFINITY, format);
      lines.push(
        `${sample({ name: `${name}_bucket`, labels: [...labels, "le"] }, [...values, bound])} ${goFloat(total)}`,
      );
    });
    lines.push(`${sample({ name: `${name}_sum`, labels }, values)} ${goFloat(sum)}`);
    lines.push(`${sample({ name: `${name}_count`, labels }, values)} ${goFloat(total)}`);
  }
}

/** OpenMetrics wants a number with a point. */
function boundText(bound: number, format: ExpositionFormat): string {
  const text = goFloat(bound);
  return format === "openmetrics" && /^-?[0-9]+$/.test(text) ? `${text}.0` : text;
}

function sample({ name, labels }: { name: string; labels: readonly string[] }, values: readonly string[]): string {
  if (labels.length === 0) return name;
  return `${name}{${labels.map((label, at) => `${label}="${escapedValue(values[at] ?? "")}"`).join(",")}}`;
}

function escapedValue(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}

function escapedHelp(text: string): string {
  return text.replace(/[\\\n]/g, (character) => (character === "\n" ? "\\n" : "\\\\"));
}

/** As Go prints it (%g): the bounds of buckets are labels, and "1e+06" is not "1000000" to a query. */
export function goFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return "0";
  const [digits = "", power = "0"] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return String(value);
  return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}
