/** Rows of the log as objects and entries. Columns are read by position: the lists here are in the order of the decoders. */
import type { SqlValue } from "./database.ts";
import type { LogEntry, StoredObject } from "./storage.ts";

type Row = readonly SqlValue[];
type Strings = Readonly<Record<string, string>>;

export const OBJECT_COLUMNS = "revision, resource, namespace, name, uid, form, labels, fields, value";

/** Decodes rows; remembers the label and field sets seen last, of which a cluster has few. */
export interface RowDecoder {
  /** `offset` columns come before OBJECT_COLUMNS. */
  object(row: Row, offset?: number): StoredObject;
  /** Of ENTRY_COLUMNS. `own` gives the value of a row that this process has just written: it is not read back. */
  entry(row: Row, own?: (writeId: string) => string | undefined): LogEntry;
}

/** `l` is the row, `p` the version before; ?1 is a JSON array of write ids whose value is not wanted. */
export const ENTRY_COLUMNS = `l.revision, l.resource, l.namespace, l.name, l.uid, l.form, l.labels, l.fields,
  CASE WHEN l.write_id IN (SELECT value FROM json_each(?1)) THEN NULL ELSE l.value END,
  l.write_id, l.created, l.deleted, p.labels, p.fields,
  CASE WHEN p.labels <> l.labels OR p.fields <> l.fields THEN p.value END, nullif(p.form, l.form)`;

const REMEMBERED_SETS_MAX = 1_000;
/** Longer texts are parsed each time: the memory is to stay small. */
const REMEMBERED_LENGTH_MAX = 512;

export function createRowDecoder(): RowDecoder {
  const remembered = new Map<string, Strings>([["{}", Object.freeze({})]]);

  function strings(value: SqlValue | undefined): Strings {
    const text = String(value);
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const parsed = Object.freeze(JSON.parse(text) as Record<string, string>);
    if (text.length > REMEMBERED_LENGTH_MAX) return parsed;
    if (remembered.size >= REMEMBERED_SETS_MAX) remembered.clear();
    remembered.set(text, parsed);
    return parsed;
  }

  function object(row: Row, offset = 0): StoredObject {
    return {
      revision: row[offset] as number,
      resource: row[offset + 1] as string,
      namespace: row[offset + 2] as string,
      name: row[offset + 3] as string,
      uid: row[offset + 4] as string,
      form: row[offset + 5] as string,
      labels: strings(row[offset + 6]),
      fields: strings(row[offset + 7]),
      value: row[offset + 8] as string,
    };
  }

  return {
    object,
    entry(row, own) {
      const stored = object(row);
      const value = (row[8] ?? own?.(row[9] as string)) as string;
      if (row[10] === 0) return { ...stored, value, type: "ADDED" };
      const type = row[11] === 1 ? "DELETED" : "MODIFIED";
      const labels = strings(row[12]);
      const fields = strings(row[13]);
      const changed = row[14];
      if (typeof changed !== "string") return { ...stored, value, type, before: { labels, fields } };
      const form = row[15];
      const before = { labels, fields, value: changed, ...(typeof form === "string" ? { form } : {}) };
      return { ...stored, value, type, before };
    },
  };
}
