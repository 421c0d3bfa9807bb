/** Decrypts what was read from the log. Rows that are not encrypted cost a look at one character, and no turn of the event loop. */
import { StorageError } from "./errors.ts";
import type { LogEntry, PreparedWrite, StoredObject } from "./storage.ts";
import { isEncrypted, type ValueCipher, type ValuePlace } from "./value-cipher.ts";

export function needsOpening({ value }: { value: string }): boolean {
  return isEncrypted(value);
}

/** Where nothing is encrypted do not call it: it costs a turn. @throws StorageError "unreadable" when one of them cannot be decrypted */
export async function openObjects(
  objects: readonly StoredObject[],
  cipher: ValueCipher | undefined,
): Promise<StoredObject[]> {
  return await Promise.all(objects.map((object) => opened(object, cipher)));
}

async function opened(object: StoredObject, cipher: ValueCipher | undefined): Promise<StoredObject> {
  if (!isEncrypted(object.value)) return object;
  return { ...object, value: await plainText(object, object.value, cipher) };
}

export function entryNeedsOpening({ value, before }: LogEntry): boolean {
  return isEncrypted(value) || (before?.value !== undefined && isEncrypted(before.value));
}

/** Entries that cannot be decrypted say so: the log goes on for everybody else. */
export async function openEntries(entries: readonly LogEntry[], cipher: ValueCipher | undefined): Promise<LogEntry[]> {
  return await Promise.all(entries.map((entry) => openEntry(entry, cipher)));
}

async function openEntry(entry: LogEntry, cipher: ValueCipher | undefined): Promise<LogEntry> {
  if (!entryNeedsOpening(entry)) return entry;
  const { before } = entry;
  try {
    const value = isEncrypted(entry.value) ? await plainText(entry, entry.value, cipher) : entry.value;
    if (before?.value === undefined || !isEncrypted(before.value)) return { ...entry, value };
    return { ...entry, value, before: { ...before, value: await plainText(entry, before.value, cipher) } };
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== "unreadable") throw error;
    // Well-formed, and of no use: nobody is shown it.
    const value = JSON.stringify({ metadata: { name: entry.name } });
    return { ...entry, value, ...(before ? { before: { ...before, value } } : {}), unreadable: true };
  }
}

async function plainText(place: ValuePlace, stored: string, cipher: ValueCipher | undefined): Promise<string> {
  const { resource, namespace, name } = place;
  const where = `${resource} ${namespace}/${name}`;
  if (!cipher) throw new StorageError("unreadable", `${where} is encrypted, and there are no keys here`);
  try {
    return await cipher.decrypt(place, stored);
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    throw new StorageError("unreadable", `the stored value of ${where} cannot be decrypted`, { cause });
  }
}

/** Is there anything in these writes that is stored encrypted? */
export function isCovered(writes: readonly PreparedWrite[], cipher: ValueCipher | undefined): cipher is ValueCipher {
  if (cipher === undefined) return false;
  return writes.some(
    ({ resource, companions }) =>
      cipher.covers(resource) || companions?.some((companion) => cipher.covers(companion.resource)),
  );
}

/** The writes with the values that are to be stored. */
export async function sealedWrites(writes: readonly PreparedWrite[], cipher: ValueCipher): Promise<PreparedWrite[]> {
  const sealed = async <T extends ValuePlace & { value: string }>(row: T): Promise<T> =>
    cipher.covers(row.resource) ? { ...row, value: await cipher.encrypt(row, row.value) } : row;
  return await Promise.all(
    writes.map(async (write) => {
      const own = await sealed(write);
      if (!write.companions) return own;
      const companions = write.companions.map(async (one) => (one.op === "create" ? await sealed(one) : one));
      return { ...own, companions: await Promise.all(companions) };
    }),
  );
}
