/** The one setting that holds all keys of a cluster, sealed under the platform's master key; each change is a compare-and-swap. */
import { KEYS_SETTING } from "../storage/value-cipher.ts";
import type { Settings } from "../storage/storage.ts";
import type { Sealer } from "./sealing.ts";

export interface StoredTokenKey extends JsonWebKey {
  /** Unix ms. Until then it is only published, so that whoever caches the public keys knows it before it is needed. */
  signsFromMs?: number;
}

export interface StoredDataKey {
  id: string;
  /** 32 bytes in base64. */
  bytes: string;
}

/** What is sealed. Private keys as JWK. */
export interface StoredKeys {
  version: 1;
  authority: { certificate: string; key: JsonWebKey };
  /** Newest first. */
  tokenKeys: StoredTokenKey[];
  /** Newest first: that one writes. Absent in clusters made before values were encrypted. */
  dataKeys?: StoredDataKey[];
  /** Resources that may have encrypted values: those that are, or once were, to be encrypted. */
  encrypted?: string[];
}

/** The text of the setting beside what it holds. */
export interface Opened {
  text: string;
  keys: StoredKeys;
}

/** Two rotations at once, and a start of a newer release: more than these never meet. */
const ATTEMPTS_MAX = 8;

export async function openStored(sealer: Sealer, text: string): Promise<Opened> {
  return { text, keys: JSON.parse(await sealer.open(KEYS_SETTING, text)) as StoredKeys };
}

export async function sealStored(sealer: Sealer, keys: StoredKeys): Promise<string> {
  const sealed = JSON.parse(await sealer.seal(KEYS_SETTING, JSON.stringify(keys))) as object;
  // In clear, for the guard in SQL: see storage/value-cipher.ts.
  return JSON.stringify({ ...sealed, dataKey: keys.dataKeys?.[0]?.id });
}

/**
 * Replaces the keys by what `change` makes of those that are stored; undefined leaves them. `change` is asked again when somebody else
 * was faster. @throws StorageError "unavailable"
 */
export async function changeStored(
  { settings, sealer }: { settings: Settings; sealer: Sealer },
  from: Opened,
  change: (keys: StoredKeys, text: string) => StoredKeys | undefined,
): Promise<Opened> {
  let current = from;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const keys = change(current.keys, current.text);
    if (keys === undefined) return current;
    const to = await sealStored(sealer, keys);
    const text = await settings.replace(KEYS_SETTING, { from: current.text, to });
    current = await openStored(sealer, text);
    if (text === to) return current;
  }
  throw new Error("the cluster's keys are changed by others again and again");
}
