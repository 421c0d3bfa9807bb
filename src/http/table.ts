/** Objects as rows of `meta.k8s.io/v1` Table and as PartialObjectMetadata: what `kubectl get` prints. */
import { humanDuration } from "../machinery/human-duration.ts";
import type { KubeObject } from "../machinery/meta.ts";
import type { KindDefinition, PrinterColumn, RowCondition } from "../registry/kind.ts";

export type IncludeObject = "None" | "Metadata" | "Object";

/** Of the group meta.k8s.io: tables and partial objects are the same in both. */
export type MetaVersion = "v1" | "v1beta1";

/** What has columns: a resource, or what a subresource answers. */
export interface Tabled {
  kind: Pick<KindDefinition, "columns" | "rowConditions">;
}

export interface TableRow {
  cells: (string | number | boolean | null)[];
  conditions?: readonly RowCondition[];
  object?: unknown;
}

export interface Table {
  kind: "Table";
  apiVersion: `meta.k8s.io/${MetaVersion}`;
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  columnDefinitions: object[];
  /** Of tableRow. */
  rows: readonly unknown[];
}

/** An age is text to clients. */
const TYPES: Readonly<Record<string, string>> = { date: "string", timestamp: "date" };

export function columnDefinitions(resource: Tabled): object[] {
  return resource.kind.columns.map((column) => ({
    name: column.name,
    type: TYPES[column.type] ?? column.type,
    format: column.format ?? "",
    description: column.description,
    priority: column.priority ?? 0,
  }));
}

export function tableOf(
  resource: Tabled,
  metadata: Table["metadata"],
  { rows, columns, version = "v1" }: { rows: readonly unknown[]; columns: boolean; version?: MetaVersion },
): Table {
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: columns ? columnDefinitions(resource) : [],
    rows,
  };
}

export function tableRow(
  resource: Tabled,
  object: KubeObject,
  { include, nowMs, version }: { include: IncludeObject; nowMs: number; version?: MetaVersion },
): TableRow {
  const cells = resource.kind.columns.map((column) => cell(column, object, nowMs));
  const conditions = resource.kind.rowConditions?.(object);
  const row = conditions ? { cells, conditions } : { cells };
  if (include === "None") return row;
  return { ...row, object: include === "Object" ? object : partialOf(object, version) };
}

const EMPTY_CELLS = { string: "", timestamp: "", integer: 0, boolean: false, date: "<unknown>" } as const;

/** The row of an object that has nothing but metadata: a bookmark. */
export function emptyRow(
  resource: Tabled,
  object: KubeObject,
  { include, version }: { include: IncludeObject; version?: MetaVersion },
): TableRow {
  const cells = resource.kind.columns.map(({ type }) => EMPTY_CELLS[type]);
  if (include === "None") return { cells };
  return { cells, object: include === "Object" ? object : partialOf(object, version) };
}

/** A date column's value is a time; its cell is how long ago that was. */
function cell(column: PrinterColumn, object: KubeObject, nowMs: number): TableRow["cells"][number] {
  const value = column.value(object, nowMs);
  if (column.type !== "date") return value;
  if (typeof value !== "string" || value === "") return "<unknown>";
  const thenMs = Date.parse(value);
  return Number.isNaN(thenMs) ? value : humanDuration(nowMs - thenMs);
}

export function partialOf(object: KubeObject, version: MetaVersion = "v1"): KubeObject {
  return { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

/** `items` are of partialOf. */
export function partialList(
  metadata: Table["metadata"],
  items: readonly unknown[],
  version: MetaVersion = "v1",
): { kind: string; apiVersion: string; metadata: Table["metadata"]; items: readonly unknown[] } {
  return { kind: "PartialObjectMetadataList", apiVersion: `meta.k8s.io/${version}`, metadata, items };
}
