/** Which form of an answer the client asked for. After k8s.io/apiserver/pkg/endpoints/handlers/negotiation. */
import { StatusError } from "../machinery/status-error.ts";

export type Shape = "object" | "table" | "partial";

export interface Form {
  encoding: "json" | "yaml";
  shape: Shape;
  /** As it goes into Content-Type; for watches a suffix is added. */
  contentType: string;
  /** Indented JSON (`?pretty=true`, browsers and curl). */
  pretty: boolean;
}

const PLAIN: Form = { encoding: "json", shape: "object", contentType: "application/json", pretty: false };
const YAML: Form = { encoding: "yaml", shape: "object", contentType: "application/yaml", pretty: false };

const MEDIA_TYPES: Readonly<Record<string, "json" | "yaml">> = {
  "application/json": "json",
  "application/*": "json",
  "*/*": "json",
  "application/yaml": "yaml",
  "text/yaml": "yaml",
  "application/x-yaml": "yaml",
};

const SERVED =
  "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf";

/** The first entry of Accept that can be served wins, as clients list what they like best first (with equal or falling q). */
export function negotiate(accept: string | null, shapes: readonly Shape[] = ["object"]): Form {
  if (accept === null || accept === "" || accept === "application/json" || accept === "*/*") return PLAIN;
  for (const entry of byQuality(accept)) {
    const form = formOfEntry(entry, shapes);
    if (form) return form;
  }
  throw new StatusError("NotAcceptable", SERVED);
}

/** The entries of an Accept header, best first; those that are refused (q=0) are left out. */
export function byQuality(accept: string): string[] {
  const entries = accept.split(",").map((entry) => ({ entry, q: qualityOf(entry) }));
  // Array.prototype.sort is stable: equal qualities keep the client's order.
  return entries.toSorted((a, b) => b.q - a.q).flatMap(({ entry, q }) => (q > 0 ? [entry] : []));
}

function qualityOf(entry: string): number {
  const match = /;\s*q=([0-9.]+)/i.exec(entry);
  return match ? Number(match[1]) : 1;
}

function formOfEntry(entry: string, shapes: readonly Shape[]): Form | undefined {
  const [type = "", ...params] = entry.split(";").map((part) => part.trim());
  const encoding = MEDIA_TYPES[type.toLowerCase()];
  if (encoding === undefined) return undefined;
  const asked = new Map(params.map((param) => param.split("=", 2) as [string, string | undefined]));
  const as = asked.get("as");
  if (as === undefined) return encoding === "json" ? PLAIN : YAML;
  if (asked.get("g") !== "meta.k8s.io" || asked.get("v") !== "v1") return undefined;
  const shape = shapeOf(as);
  if (shape === undefined || !shapes.includes(shape)) return undefined;
  return { encoding, shape, contentType: encoding === "json" ? "application/json" : "application/yaml", pretty: false };
}

function shapeOf(as: string): Shape | undefined {
  if (as === "Table") return "table";
  if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") return "partial";
  return undefined;
}
