/**
 * Brings the values of a resource under the key that writes now, or in clear where the resource is no longer encrypted. Rows keep their
 * revision: no client sees a change, and no watcher an event.
 */
import type { Database, Statement } from "./database.ts";
import { callDatabase } from "./errors.ts";
import { isEncrypted, encryptedPrefix, guardStatement, type ValueCipher, type ValuePlace } from "./value-cipher.ts";

/** By the three indexes that together hold every row of a resource; first the lengths alone, then as many values as fit. */
const PAGE = `WITH candidates (revision, bytes) AS (
    SELECT revision, octet_length(value) FROM log WHERE revision IN (
      SELECT revision FROM log INDEXED BY log_live
        WHERE resource = ?1 AND superseded IS NULL AND deleted = 0 AND revision > ?2
      UNION ALL SELECT revision FROM log INDEXED BY log_tombstones
        WHERE resource = ?1 AND superseded IS NULL AND deleted = 1 AND revision > ?2
      UNION ALL SELECT revision FROM log INDEXED BY log_superseded
        WHERE resource = ?1 AND superseded IS NOT NULL AND revision > ?2)
    ORDER BY revision LIMIT ?3
  ), page (revision, bytes_before) AS (
    SELECT revision, sum(bytes) OVER (ORDER BY revision) - bytes FROM candidates
  )
  SELECT l.revision, l.namespace, l.name, l.uid, l.value
  FROM page CROSS JOIN log AS l ON l.revision = page.revision
  WHERE page.bytes_before < ?4 ORDER BY l.revision`;

const REWRITE = `UPDATE log SET value = ? WHERE revision = ?`;

export interface ReencryptedSlice {
  rewritten: number;
  /** Rows that cannot be decrypted; they stay as they are. */
  unreadable: number;
  /** Where the next slice begins; undefined when this was the last. */
  next: number | undefined;
}

/** `reencryptSlice` over one database. */
export type Reencrypt = (slice: {
  resource: string;
  since: number;
  rowsMax: number;
  bytesMax: number;
}) => Promise<ReencryptedSlice>;

/**
 * One slice of the rows of a resource, from the one after `since`. Idempotent, and safe beside writes and compaction: what is stored
 * meanwhile is under the new key and comes later in the order.
 * @throws StorageError "unavailable", also when another key writes by now: then reload the keys and begin again
 */
export async function reencryptSlice(
  { database, cipher }: { database: Database; cipher: ValueCipher },
  { resource, since, rowsMax, bytesMax }: Parameters<Reencrypt>[0],
): Promise<ReencryptedSlice> {
  const keyId = cipher.writingKey();
  const select = { sql: PAGE, args: [resource, since, rowsMax, bytesMax] };
  const [page] = await callDatabase(() => database.batch([select], "read"));
  const rows = page?.rows ?? [];
  const updates: Statement[] = [];
  let unreadable = 0;
  for (const [revision, namespace, name, uid, value] of rows as [number, string, string, string, string][]) {
    const place = { resource, namespace, name, uid };
    const wanted = await rewritten({ cipher, keyId }, place, value);
    if (wanted === undefined) unreadable++;
    else if (wanted !== value) updates.push({ sql: REWRITE, args: [wanted, revision] });
  }
  if (updates.length > 0) await callDatabase(() => database.batch([guardStatement(keyId), ...updates], "write"));
  const last = rows.at(-1)?.[0];
  return { rewritten: updates.length, unreadable, next: typeof last === "number" ? last : undefined };
}

async function rewritten(
  { cipher, keyId }: { cipher: ValueCipher; keyId: string },
  place: ValuePlace,
  value: string,
): Promise<string | undefined> {
  const covered = cipher.covers(place.resource);
  if (covered ? value.startsWith(encryptedPrefix(keyId)) : !isEncrypted(value)) return value;
  try {
    const plain = isEncrypted(value) ? await cipher.decrypt(place, value) : value;
    return covered ? await cipher.encrypt(place, plain) : plain;
  } catch {
    return undefined;
  }
}
