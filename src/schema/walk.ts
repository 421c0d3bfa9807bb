/**
 * Holds a parsed value against a SchemaNode: finds undeclared members, finds values of a wrong type, and copies the rest
 * without what is undeclared or null. Serves whatever is described by a schema alone (custom resources); built-in objects are
 * decoded by their field facts (encoding/canonical.ts), which know more.
 */
import type { SchemaNode } from "../machinery/schema.ts";

export interface TypeMismatch {
  /** e.g. `spec.containers[0].ports`, "" for the root */
  path: string;
  expected: string;
  /** What was found: "string", "number", "bool", "array", "object". */
  found: string;
  value: unknown;
}

export interface WalkResult {
  /** A fresh copy; it shares with the input only what the schema leaves open (preserveUnknown). */
  value: unknown;
  /** Paths as Kubernetes writes them, e.g. `spec.template.spec.containers[0].foo`. */
  unknownFields: string[];
  /** In order of the document. A mismatched value is left out of the copy. */
  mismatches: TypeMismatch[];
}

export interface WalkOptions {
  /** Members that are valid at the root whatever the schema says (apiVersion, kind, metadata of an object). */
  rootMembers?: readonly string[];
  /** Keep nulls instead of dropping them. */
  keepNulls?: boolean;
}

const DROPPED = Symbol("dropped");

/** Reported faults at most, as Kubernetes does. */
const FAULTS_MAX = 100;

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  if (isRawNumber(value)) return "number";
  return typeof value;
}

function matches(value: unknown, node: SchemaNode): boolean {
  switch (node.type) {
    case "any":
      return true;
    case "object":
      return typeof value === "object" && !Array.isArray(value) && !isRawNumber(value);
    case "array":
      return Array.isArray(value);
    case "boolean":
      return typeof value === "boolean";
    case "integer":
      return typeof value === "number" ? Number.isInteger(value) : isRawNumber(value);
    case "number":
      return typeof value === "number" || isRawNumber(value);
    default:
      if (typeof value === "string") return true;
      if (node.format === "quantity") return typeof value === "number" || isRawNumber(value);
      return node.format === "int-or-string" && typeof value === "number" && Number.isInteger(value);
  }
}

/** A number beyond 2^53 as encoding/json.ts keeps it. */
function isRawNumber(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null && "rawJSON" in value;
}

/** One pass over the value. Its depth is bounded by who parsed it. */
export function walkSchema(value: unknown, node: SchemaNode, options: WalkOptions = {}): WalkResult {
  const unknownFields: string[] = [];
  const mismatches: TypeMismatch[] = [];
  const keepNulls = options.keepNulls === true;

  function walk(at: unknown, schema: SchemaNode, path: string): unknown {
    if (at === null) return keepNulls ? null : DROPPED;
    if (!matches(at, schema)) {
      if (mismatches.length < FAULTS_MAX) {
        mismatches.push({ path, expected: schema.type, found: kindOf(at), value: at });
      }
      return DROPPED;
    }
    if (typeof at !== "object" || isRawNumber(at)) return at;
    if (Array.isArray(at)) return schema.items ? walkItems(at, schema.items, path) : at;
    return schema.type === "any" ? at : walkMembers(at as Record<string, unknown>, schema, path);
  }

  function walkItems(list: readonly unknown[], items: SchemaNode, path: string): unknown[] {
    const out: unknown[] = [];
    list.forEach((item, index) => {
      const walked = walk(item, items, `${path}[${index}]`);
      if (walked !== DROPPED) out.push(walked);
    });
    return out;
  }

  function walkMembers(object: Record<string, unknown>, schema: SchemaNode, path: string): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    const { properties, additional, preserveUnknown } = schema;
    for (const key in object) {
      const member = object[key];
      const child = properties?.get(key) ?? additional;
      if (child) {
        const walked = walk(member, child, path === "" ? key : `${path}.${key}`);
        if (walked !== DROPPED) out[key] = walked;
      } else if (preserveUnknown || (path === "" && options.rootMembers?.includes(key))) {
        out[key] = member;
      } else if (unknownFields.length < FAULTS_MAX) {
        unknownFields.push(path === "" ? key : `${path}.${key}`);
      }
    }
    return out;
  }

  const walked = walk(value, node, "");
  return { value: walked === DROPPED ? undefined : walked, unknownFields, mismatches };
}
