/** Columns of `kubectl get` in the forms that most kinds use: pkg/printers/internalversion of Kubernetes. */
import { humanDuration } from "../machinery/human-duration.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { formatLabels, formatLabelSelector, type LabelSelector } from "../machinery/selectors.ts";
import type { PrinterColumn } from "../registry/kind.ts";

type Cell<T extends KubeObject, V> = (obj: T, nowMs: number) => V;

export function text<T extends KubeObject>(
  name: string,
  description: string,
  value: Cell<T, string>,
): PrinterColumn<T> {
  return { name, type: "string", description, value };
}

export function count<T extends KubeObject>(
  name: string,
  description: string,
  value: Cell<T, number>,
): PrinterColumn<T> {
  return { name, type: "integer", description, value };
}

/** A number that clients are told is text, where Kubernetes does so. */
export function countText<T extends KubeObject>(
  name: string,
  description: string,
  value: Cell<T, number | string>,
): PrinterColumn<T> {
  return { name, type: "string", description, value };
}

export function flag<T extends KubeObject>(
  name: string,
  description: string,
  value: Cell<T, boolean>,
): PrinterColumn<T> {
  return { name, type: "boolean", description, value };
}

/** Shown with `-o wide` only. */
export function wide<T extends KubeObject>(column: PrinterColumn<T>): PrinterColumn<T> {
  return { ...column, priority: 1 };
}

/** A map of labels as a cell. */
export function labelsCell(labels: Readonly<Record<string, string>> | undefined): string {
  return formatLabels(labels) || "<none>";
}

/** A selector as a cell; an absent one and an empty one look alike. */
export function selectorCell(selector: LabelSelector | undefined): string {
  return formatLabelSelector(selector) || "<none>";
}

/** How long ago a time was. */
export function sinceCell(time: string | null | undefined, nowMs: number): string {
  return time ? humanDuration(nowMs - Date.parse(time)) : "<unknown>";
}

/** The first three of a list, and how many more there are. */
export function firstThree(values: readonly string[]): string {
  return values.length <= 3 ? values.join(",") : `${values.slice(0, 3).join(",")} + ${values.length - 3} more...`;
}
