/** AES-256-GCM for values at rest. What a ciphertext belongs to is part of what it vouches for. */
import type { Random } from "../platform/platform.ts";
import { encryptedPrefix, type ValueCipher, type ValuePlace } from "../storage/value-cipher.ts";
import { fromBase64, toBase64 } from "../machinery/base64.ts";

export interface DataKey {
  /** 16 hexadecimal digits. */
  id: string;
  key: CryptoKey;
}

export const DATA_KEY_BYTES = 32;
const IV_BYTES = 12;

export async function importDataKey(id: string, bytes: Uint8Array): Promise<DataKey> {
  const key = await crypto.subtle.importKey("raw", new Uint8Array(bytes), "AES-GCM", false, ["encrypt", "decrypt"]);
  return { id, key };
}

export function createValueCipher(deps: {
  /** The first writes; all read. Asked each time, as keys rotate. */
  keys: () => readonly [DataKey, ...DataKey[]];
  /** Resources that are written encrypted. */
  resources: readonly string[];
  reload: () => Promise<boolean>;
  random: Random;
}): ValueCipher {
  const { keys, random, reload } = deps;
  const covered = new Set(deps.resources);

  async function keyOf(stored: string): Promise<DataKey> {
    const id = stored.split(":", 3)[2] ?? "";
    const known = () => (stored.startsWith(encryptedPrefix(id)) ? keys().find((key) => key.id === id) : undefined);
    const found = known();
    if (found) return found;
    await reload();
    const key = known();
    if (!key) throw new Error("encrypted under a key that this cluster does not have");
    return key;
  }

  return {
    covers: (resource) => covered.has(resource),
    writingKey: () => keys()[0].id,
    reload,
    async encrypt(place, plain) {
      const [{ id, key }] = keys();
      const iv = new Uint8Array(random.bytes(IV_BYTES));
      const text = await crypto.subtle.encrypt(parameters(iv, place), key, new TextEncoder().encode(plain));
      const bytes = new Uint8Array(IV_BYTES + text.byteLength);
      bytes.set(iv);
      bytes.set(new Uint8Array(text), IV_BYTES);
      return encryptedPrefix(id) + toBase64(bytes);
    },
    async decrypt(place, stored) {
      const { id, key } = await keyOf(stored);
      const bytes = new Uint8Array(fromBase64(stored.slice(encryptedPrefix(id).length)));
      const iv = bytes.subarray(0, IV_BYTES);
      const plain = await crypto.subtle.decrypt(parameters(iv, place), key, bytes.subarray(IV_BYTES));
      return new TextDecoder().decode(plain);
    },
  };
}

/** Names hold no slash. The uid tells an object from an earlier one of its name. */
function parameters(iv: Uint8Array<ArrayBuffer>, { resource, namespace, name, uid }: ValuePlace) {
  const additionalData = new TextEncoder().encode([resource, namespace, name, uid].join("/"));
  return { name: "AES-GCM", iv, additionalData };
}
