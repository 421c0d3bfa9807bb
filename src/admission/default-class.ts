/** Which of several default classes counts: the newest, of equally old ones the first by name (pkg/volume/util/storageclass.go). */
import type { KubeObject } from "../machinery/meta.ts";

export function newestDefault<T extends KubeObject>(defaults: readonly T[]): T | undefined {
  return defaults.toSorted((a, b) => compareText(createdAt(b), createdAt(a)) || compareText(nameOf(a), nameOf(b)))[0];
}

function createdAt({ metadata }: KubeObject): string {
  return metadata.creationTimestamp ?? "";
}

function nameOf({ metadata }: KubeObject): string {
  return metadata.name ?? "";
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
