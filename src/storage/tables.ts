/**
 * The tables of one cluster's database, for drizzle: migrations are generated from here, and queries that are not hot are typed by
 * it. The trigger that supersedes the version before, and the first value of the sequence, stand in the migration alone.
 */
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Every version of every object once. `value` is last, so that no other column lies behind its overflow pages. */
export const logTable = sqliteTable(
  "log",
  {
    /** Is the resourceVersion. */
    revision: integer("revision").primaryKey({ autoIncrement: true }),
    resource: text("resource").notNull(),
    namespace: text("namespace").notNull(),
    name: text("name").notNull(),
    uid: text("uid").notNull(),
    /** Revision of the row that created the object; 0 in that row itself. */
    created: integer("created").notNull(),
    /** Revision of the version before (of the tombstone, where a name is used again); 0 for none. */
    previous: integer("previous").notNull(),
    /** Revision that took this row's place; null for the head of a key. Set by a trigger. */
    superseded: integer("superseded"),
    /** 1 in a tombstone. */
    deleted: integer("deleted").notNull(),
    /** Unix ms of the commit; says how far history may be compacted. */
    written: integer("written").notNull(),
    form: text("form").notNull(),
    /** JSON object of strings. */
    labels: text("labels").notNull(),
    /** JSON object of strings. */
    fields: text("fields").notNull(),
    /** Unix ms, or null for what lives until it is deleted. */
    expires: integer("expires"),
    writeId: text("write_id").notNull(),
    value: text("value").notNull(),
  },
  (table) => [
    index("log_live")
      // Labels only to be read there: a selector need not fetch the rows that it does not want.
      .on(table.resource, table.namespace, table.name, table.labels)
      .where(sql`superseded IS NULL AND deleted = 0`),
    index("log_tombstones")
      .on(table.resource, table.namespace, table.name)
      .where(sql`superseded IS NULL AND deleted = 1`),
    index("log_superseded")
      .on(table.resource, table.superseded)
      .where(sql`superseded IS NOT NULL`),
    index("log_expires")
      .on(table.expires)
      .where(sql`expires IS NOT NULL AND superseded IS NULL AND deleted = 0`),
  ],
);

/** Which live objects have a value in a field that is looked up; see lookup-sql.ts. Kept by triggers, WITHOUT ROWID. */
export const lookupTable = sqliteTable(
  "lookup",
  {
    resource: text("resource").notNull(),
    field: text("field").notNull(),
    value: text("value").notNull(),
    namespace: text("namespace").notNull(),
    name: text("name").notNull(),
  },
  (table) => [primaryKey({ columns: [table.resource, table.field, table.value, table.namespace, table.name] })],
);

/** What was asked of the API, by time; see audit/audit-store.ts. WITHOUT ROWID: one b-tree, one row written an event. */
export const auditTable = sqliteTable(
  "audit",
  {
    /** Unix ms when the request came to the event's stage. */
    at: integer("at").notNull(),
    id: text("id").notNull(),
    user: text("user").notNull(),
    verb: text("verb").notNull(),
    resource: text("resource").notNull(),
    namespace: text("namespace").notNull(),
    bytes: integer("bytes").notNull(),
    /** JSON of an audit.k8s.io/v1 Event. */
    event: text("event").notNull(),
  },
  (table) => [primaryKey({ columns: [table.at, table.id] })],
);

/** Numbers the log keeps about itself: "floor", and "policy" (policy-sql.ts). Of the audit log: "audit_rows", "audit_bytes". */
export const stateTable = sqliteTable("state", {
  key: text("key").primaryKey(),
  value: integer("value").notNull(),
});

/** See `Settings`. */
export const settingsTable = sqliteTable("settings", {
  key: text("key").primaryKey(),
  value: text("value").notNull(),
});
