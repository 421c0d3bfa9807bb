/**
 * Values that are encrypted at rest. The log encrypts on the way in and decrypts on the way out, so that whoever stands above it (cached
 * reader, fan-out, syncs of agents) knows plain text alone. Only `value` is encrypted: labels and selectable fields are asked for in SQL.
 */
import type { Statement } from "./database.ts";
import type { ObjectKey } from "./storage.ts";

/** What a ciphertext is bound to: it cannot be opened in the place of another. */
export interface ValuePlace extends ObjectKey {
  uid: string;
}

export interface ValueCipher {
  /** Are values of this resource written encrypted? Reading goes by the value itself. */
  covers(resource: string): boolean;
  /** Id of the key that `encrypt` uses now. */
  writingKey(): string;
  encrypt(place: ValuePlace, plain: string): Promise<string>;
  /** An unknown key is looked for once where keys are kept. @throws Error for what is no ciphertext of ours, or of another place */
  decrypt(place: ValuePlace, stored: string): Promise<string>;
  /** Asks for the keys anew: another process may have rotated them. True when another key writes now. @throws StorageError */
  reload(): Promise<boolean>;
}

/** The setting that holds the sealed keys; its member `dataKey` names the writing key in clear, for the guard below. */
export const KEYS_SETTING = "cluster-keys";

const OPENING_BRACE = 0x7b;

/** Plain values are JSON objects; see stored-value.ts. */
export function isEncrypted(value: string): boolean {
  return value.charCodeAt(0) !== OPENING_BRACE;
}

/** How a ciphertext under this key begins. */
export function encryptedPrefix(keyId: string): string {
  return `enc:v1:${keyId}:`;
}

/**
 * Fails the batch it is in (a value must not be null) when another key writes by now. So no process that missed a rotation, however
 * long it slept, stores anything under a key that is about to be dropped.
 */
export function guardStatement(keyId: string): Statement {
  return {
    sql: `INSERT INTO settings (key, value) SELECT key, NULL FROM settings
      WHERE key = '${KEYS_SETTING}' AND json_extract(value, '$.dataKey') <> ?`,
    args: [keyId],
  };
}
