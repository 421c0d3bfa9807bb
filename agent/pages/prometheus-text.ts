/** The text that Prometheus scrapes: https://prometheus.io/docs/instrumenting/exposition_formats/ */

/** Labels, value, and when it was measured. */
export type Sample = readonly [labels: string, value: number, atMs?: number];
export type Description = readonly [name: string, help: string, type: "counter" | "gauge" | "histogram"];

/** None where nothing was measured. */
export function family([name, help, type]: Description, samples: readonly Sample[]): string[] {
  if (samples.length === 0) return [];
  const lines = samples.map(
    ([labels, value, atMs]) => `${name}${labels} ${value}${atMs === undefined ? "" : ` ${atMs}`}`,
  );
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines];
}

export function labelsOf(labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(",")}}`;
}

export function textOf(families: readonly string[]): string {
  return [...families, ""].join("\n");
}
