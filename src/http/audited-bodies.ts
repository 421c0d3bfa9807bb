/** Bodies as the audit log has them: JSON, and not too large. */
import { decodeRaw } from "../encoding/codec.ts";

/** Larger bodies are left out of an event: the log is for people. */
const BODY_BYTES_MAX = 64 * 1024;

/** Undefined: it is none that can be shown, or too large. Apply patches say that they are YAML, and are JSON mostly. */
export async function valueOf(message: Request | Response): Promise<unknown> {
  const type = message.headers.get("content-type") ?? "";
  const isYaml = type.includes("yaml");
  if (!isYaml && !type.includes("json")) return undefined;
  const text = await textOf(message.body);
  if (text === undefined) return undefined;
  try {
    if (!isYaml || text.startsWith("{")) return JSON.parse(text);
    return decodeRaw({ body: new TextEncoder().encode(text), mediaType: "application/yaml" }).value;
  } catch {
    return undefined;
  }
}

/** As it was sent: whoever gets the object goes on to change it. Undefined: it is too large. */
export function copyOf(object: unknown): unknown {
  const text = JSON.stringify(object);
  return text.length > BODY_BYTES_MAX ? undefined : JSON.parse(text);
}

async function textOf(body: ReadableStream<Uint8Array> | null): Promise<string | undefined> {
  if (body === null) return undefined;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let bytes = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > BODY_BYTES_MAX) {
      await reader.cancel();
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

interface Shown {
  metadata?: { managedFields?: unknown };
  /** Of lists. */
  items?: unknown;
  /** Of tables. */
  rows?: unknown;
  object?: unknown;
}

/** Of an object, of those of a list, and of those of a table (k8s.io/apiserver/pkg/audit/request.go). A copy where something changes. */
export function withoutManagedFields(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const { metadata, items, rows } = value as Shown;
  const shown: Shown = { ...value };
  if (metadata?.managedFields !== undefined) {
    const { managedFields: _, ...rest } = metadata;
    shown.metadata = rest;
  }
  if (Array.isArray(items)) shown.items = items.map(withoutManagedFields);
  if (Array.isArray(rows)) {
    shown.rows = rows.map((row: Shown) => ({
      ...row,
      ...(row.object ? { object: withoutManagedFields(row.object) } : {}),
    }));
  }
  return shown;
}
