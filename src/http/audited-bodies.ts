/** Bodies as the audit log has them: JSON, and not too large. */

/** Larger bodies are left out of an event: the log is for people. */
const BODY_BYTES_MAX = 64 * 1024;

/** Undefined: it is no JSON, or too large. */
export async function jsonOf(message: Request | Response): Promise<unknown> {
  if (!message.headers.get("content-type")?.includes("json")) return undefined;
  const text = await textOf(message.body);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
