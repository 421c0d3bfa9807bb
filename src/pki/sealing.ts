/** AES-256-GCM under the master key. What is sealed for one name cannot be opened under another. */
import type { Random } from "../platform/platform.ts";
import { fromBase64, toBase64, toHex } from "./encoding.ts";

interface Sealed {
  /** Names the master key, so that a wrong one is told apart from damage, and keys can rotate. */
  keyId: string;
  iv: string;
  data: string;
}

/** What is sealed cannot be opened: another master key, or damage. The message is for the operator. */
export class SealError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "SealError";
  }
}

export interface Sealer {
  seal(name: string, text: string): Promise<string>;
  /** @throws SealError when the text was sealed under a key that is none of these, or another name, or has been changed */
  open(name: string, sealed: string): Promise<string>;
  /** Was it sealed under the key that seals now? */
  isCurrent(sealed: string): boolean;
}

export interface MasterKeys {
  /** 32 bytes; seals, and opens. */
  masterKey: Uint8Array;
  /** Opens too: the one before, or the one that comes next, while keys are rotated. */
  otherMasterKey?: Uint8Array | undefined;
}

export async function createSealer(options: MasterKeys & { random: Random }): Promise<Sealer> {
  const { masterKey, otherMasterKey, random } = options;
  const current = await importMasterKey(masterKey);
  const other = otherMasterKey && (await importMasterKey(otherMasterKey));
  const known = new Map([...(other ? [[other.id, other.key] as const] : []), [current.id, current.key]]);
  return {
    async seal(name, text) {
      const iv = new Uint8Array(random.bytes(12));
      const data = await crypto.subtle.encrypt(parameters(iv, name), current.key, new TextEncoder().encode(text));
      const sealed: Sealed = { keyId: current.id, iv: toBase64(iv), data: toBase64(new Uint8Array(data)) };
      return JSON.stringify(sealed);
    },
    async open(name, text) {
      const sealed = JSON.parse(text) as Sealed;
      const key = known.get(sealed.keyId);
      if (!key) throw new SealError(`${name} is sealed under another master key (${sealed.keyId})`);
      try {
        const data = await crypto.subtle.decrypt(parameters(fromBase64(sealed.iv), name), key, fromBase64(sealed.data));
        return new TextDecoder().decode(data);
      } catch (cause) {
        throw new SealError(`${name} cannot be opened: it has been changed since it was sealed`, { cause });
      }
    },
    isCurrent: (text) => (JSON.parse(text) as Sealed).keyId === current.id,
  };
}

async function importMasterKey(bytes: Uint8Array): Promise<{ id: string; key: CryptoKey }> {
  if (bytes.length !== 32) throw new Error("the master key must have 32 bytes");
  const raw = new Uint8Array(bytes);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { id: toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", raw)).subarray(0, 8)), key };
}

function parameters(iv: Uint8Array<ArrayBuffer>, name: string) {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(name) };
}
