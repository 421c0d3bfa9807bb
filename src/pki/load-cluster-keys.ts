/** Makes a cluster's keys on its first start, loads them on every other, and keeps up with their rotation. */
import type { Clock, Random } from "../platform/platform.ts";
import { KEYS_SETTING } from "../storage/value-cipher.ts";
import type { Settings } from "../storage/storage.ts";
import {
  createAuthority,
  EC_KEY,
  exportDer,
  exportJwk,
  generateKeyPair,
  issueCertificate,
  type KeyPair,
} from "./certificates.ts";
import type { ClusterKeys, KeyRotation, TokenKey } from "./cluster-keys.ts";
import { fromBase64, toBase64, toBase64Url, toHex } from "./encoding.ts";
import { createSealer, type MasterKeys, type Sealer } from "./sealing.ts";
import { signCertificate } from "./signed-certificates.ts";
import {
  changeStored,
  openStored,
  sealStored,
  type Opened,
  type StoredDataKey,
  type StoredKeys,
} from "./stored-keys.ts";
import { createValueCipher, DATA_KEY_BYTES, importDataKey, type DataKey } from "./value-cipher.ts";

/** Encrypted at rest unless a cluster says otherwise: group-resources, as `ObjectKey.resource`. */
export const ENCRYPTED_DEFAULT: readonly string[] = ["secrets"];

/** A key is published for so long before it signs: verifiers outside may cache the public keys for an hour (as Kubernetes allows them). */
const PUBLISHED_FIRST_MS = 3_600_000;
/** No token lives longer than a year (http/subresources/token.ts). */
const TOKEN_LIFE_MS_MAX = 365 * 24 * 3_600_000;
/** Whoever sends tokens with made-up key ids costs one read of a setting in this time. */
const RELOAD_INTERVAL_MS = 2_000;

/** The master keys are kept outside the database. */
interface Deps extends MasterKeys {
  settings: Settings;
  clock: Clock;
  random: Random;
  /** Resources whose values are written encrypted. */
  encrypted?: readonly string[];
}

/**
 * @throws SealError when the stored keys were sealed under another master key. Storage errors pass through.
 */
export async function loadClusterKeys(deps: Deps): Promise<ClusterKeys> {
  const sealer = await createSealer(deps);
  const opened = await completed(deps, sealer, await openOrMake(deps, sealer));
  const { certificate, key } = opened.keys.authority;
  const { privateKey } = await importKeyPair(key);
  const { clock, random } = deps;
  const authority = { certificate, privateKey };
  const keyring = new Keyring(deps, sealer);
  await keyring.take(opened);
  return {
    clusterCa: certificate,
    issueServingCertificate: (request) => issueCertificate({ authority, request, random }),
    signCertificate: (asked) => signCertificate({ authority, asked, clock, random }),
    get tokenKeys() {
      return keyring.tokenKeys();
    },
    tokenKey: (keyId) => keyring.tokenKey(keyId),
    values: createValueCipher({
      keys: () => keyring.dataKeys,
      resources: deps.encrypted ?? ENCRYPTED_DEFAULT,
      reload: () => keyring.reload(),
      random,
    }),
    rotation: keyring,
  };
}

async function openOrMake(deps: Deps, sealer: Sealer): Promise<Opened> {
  const { settings } = deps;
  const text = await settings.get(KEYS_SETTING);
  if (text !== undefined) return await openStored(sealer, text);
  const made = await sealStored(sealer, await makeKeys(deps));
  return await openStored(sealer, await settings.putIfAbsent(KEYS_SETTING, made));
}

/** Sealed under the master key of now, with a data key, and every resource that is to be encrypted in the list of those that may be. */
function completed(deps: Deps, sealer: Sealer, opened: Opened): Promise<Opened> {
  const wanted = deps.encrypted ?? ENCRYPTED_DEFAULT;
  return changeStored({ settings: deps.settings, sealer }, opened, (keys, text) => {
    const isCurrent = sealer.isCurrent(text);
    const { dataKeys = [], encrypted = [] } = keys;
    const missing = wanted.filter((resource) => !encrypted.includes(resource));
    if (isCurrent && dataKeys.length > 0 && missing.length === 0) return undefined;
    return {
      ...keys,
      dataKeys: dataKeys.length > 0 ? dataKeys : [newDataKey(deps.random)],
      encrypted: [...encrypted, ...missing],
    };
  });
}

type DataKeys = readonly [DataKey, ...DataKey[]];

/** The keys as this process knows them. */
class Keyring implements KeyRotation {
  readonly #deps: Deps;
  readonly #sealer: Sealer;
  #opened: Opened | undefined;
  #data: DataKeys | undefined;
  #tokens: readonly (TokenKey & { signsFromMs: number })[] = [];
  #reloading: Promise<boolean> | undefined;
  #reloadedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: Deps, sealer: Sealer) {
    this.#deps = deps;
    this.#sealer = sealer;
  }

  async take(opened: Opened): Promise<void> {
    const { dataKeys = [], tokenKeys } = opened.keys;
    const [first, ...others] = await Promise.all(dataKeys.map(({ id, bytes }) => importDataKey(id, fromBase64(bytes))));
    if (first === undefined) throw new Error("the cluster has no data key");
    const tokens = await Promise.all(
      tokenKeys.map(async (jwk) => ({ ...(await importTokenKey(jwk)), signsFromMs: jwk.signsFromMs ?? 0 })),
    );
    this.#opened = opened;
    this.#data = [first, ...others];
    this.#tokens = tokens;
  }

  get dataKeys(): DataKeys {
    if (this.#data === undefined) throw new Error("the keys are not loaded yet");
    return this.#data;
  }

  tokenKeys(): readonly TokenKey[] {
    const nowMs = this.#deps.clock.now();
    const signing = this.#tokens.findIndex(({ signsFromMs }) => signsFromMs <= nowMs);
    if (signing <= 0) return this.#tokens;
    return [...this.#tokens.slice(signing), ...this.#tokens.slice(0, signing)];
  }

  async tokenKey(keyId: string): Promise<TokenKey | undefined> {
    const known = () => this.#tokens.find((key) => key.keyId === keyId);
    const found = known();
    if (found !== undefined || this.#reloadedMs + RELOAD_INTERVAL_MS > this.#deps.clock.now()) return found;
    await this.reload();
    return known();
  }

  /** Calls at the same time share one read. */
  reload(): Promise<boolean> {
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  async #reload(): Promise<boolean> {
    this.#reloadedMs = this.#deps.clock.now();
    const text = await this.#deps.settings.get(KEYS_SETTING);
    if (text === undefined || text === this.#opened?.text) return false;
    const before = this.dataKeys[0].id;
    await this.take(await openStored(this.#sealer, text));
    return this.dataKeys[0].id !== before;
  }

  async begin(): Promise<{ dataKey: string; resources: readonly string[] }> {
    const { clock, random } = this.#deps;
    await this.reload();
    const tokenKey = await newTokenKey();
    const dataKey = newDataKey(random);
    await this.#change((keys) => {
      const { dataKeys = [], tokenKeys } = keys;
      const nowMs = clock.now();
      const isAhead = (tokenKeys[0]?.signsFromMs ?? 0) > nowMs;
      const isUnderWay = dataKeys.length > 1;
      if (isUnderWay && isAhead) return undefined;
      return {
        ...keys,
        dataKeys: isUnderWay ? dataKeys : [dataKey, ...dataKeys],
        tokenKeys: isAhead ? tokenKeys : [{ ...tokenKey, signsFromMs: nowMs + PUBLISHED_FIRST_MS }, ...tokenKeys],
      };
    });
    return { dataKey: this.dataKeys[0].id, resources: this.#opened?.keys.encrypted ?? [] };
  }

  endedTokenKeys(): readonly string[] {
    const nowMs = this.#deps.clock.now();
    // A key has signed its last token when the next newer one began to.
    return this.#tokens
      .filter((_, at) => at > 0 && (this.#tokens[at - 1]?.signsFromMs ?? nowMs) + TOKEN_LIFE_MS_MAX < nowMs)
      .map(({ keyId }) => keyId);
  }

  signsFromMs(): number {
    return this.#tokens[0]?.signsFromMs ?? 0;
  }

  async finish({ dataKey, tokenKeys: ended }: { dataKey: string; tokenKeys: readonly string[] }): Promise<void> {
    // Of a key that somebody else has added meanwhile this process knows no id: it stays.
    const known = this.#opened?.keys.tokenKeys ?? [];
    const dropped = new Set(known.filter((_, at) => ended.includes(this.#tokens[at]?.keyId ?? "")).map(({ x }) => x));
    await this.#change((keys) => {
      const { dataKeys = [], tokenKeys } = keys;
      if (dataKeys[0]?.id !== dataKey) return undefined;
      const encrypted = [...(this.#deps.encrypted ?? ENCRYPTED_DEFAULT)];
      return {
        ...keys,
        dataKeys: dataKeys.slice(0, 1),
        tokenKeys: tokenKeys.filter(({ x }) => !dropped.has(x)),
        encrypted,
      };
    });
  }

  async #change(change: (keys: StoredKeys) => StoredKeys | undefined): Promise<void> {
    const { settings } = this.#deps;
    if (this.#opened === undefined) throw new Error("the keys are not loaded yet");
    await this.take(await changeStored({ settings, sealer: this.#sealer }, this.#opened, change));
  }
}

async function makeKeys({ clock, random, encrypted = ENCRYPTED_DEFAULT }: Deps): Promise<StoredKeys> {
  const authority = await generateKeyPair();
  return {
    version: 1,
    authority: {
      certificate: await createAuthority({ keys: authority, clock, random }),
      key: await exportJwk(authority.privateKey),
    },
    tokenKeys: [await newTokenKey()],
    dataKeys: [newDataKey(random)],
    encrypted: [...encrypted],
  };
}

async function newTokenKey(): Promise<JsonWebKey> {
  return await exportJwk((await generateKeyPair()).privateKey);
}

function newDataKey(random: Random): StoredDataKey {
  return { id: toHex(random.bytes(8)), bytes: toBase64(random.bytes(DATA_KEY_BYTES)) };
}

async function importKeyPair(jwk: JsonWebKey): Promise<KeyPair> {
  const { kty, crv, x, y, d } = jwk as { kty: string; crv: string; x: string; y: string; d: string };
  const publicJwk = { kty, crv, x, y };
  return {
    privateKey: await crypto.subtle.importKey("jwk", { ...publicJwk, d }, EC_KEY, false, ["sign"]),
    publicKey: await crypto.subtle.importKey("jwk", publicJwk, EC_KEY, true, ["verify"]),
  };
}

/** The key id is the digest of the public key, as with Kubernetes' service account tokens. */
async function importTokenKey(jwk: JsonWebKey): Promise<TokenKey> {
  const pair = await importKeyPair(jwk);
  const spki = await exportDer("spki", pair.publicKey);
  return { ...pair, keyId: toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", spki))) };
}
