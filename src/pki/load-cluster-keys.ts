/** Makes a cluster's keys on its first start and loads them on every other. */
import type { Clock, Random } from "../platform/platform.ts";
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
import type { ClusterKeys } from "./cluster-keys.ts";
import { toBase64Url } from "./encoding.ts";
import { createSealer } from "./sealing.ts";

/** One setting holds all keys, so that two first starts agree on all or none. */
const SETTING = "cluster-keys";

/** What is sealed. Private keys as JWK. */
interface StoredKeys {
  version: 1;
  authority: { certificate: string; key: JsonWebKey };
  tokenKeys: JsonWebKey[];
}

/**
 * @throws Error when the stored keys were sealed under another master key. Storage errors pass through.
 */
export async function loadClusterKeys(deps: {
  settings: Settings;
  /** 32 bytes, kept outside the database. */
  masterKey: Uint8Array;
  clock: Clock;
  random: Random;
}): Promise<ClusterKeys> {
  const { settings, clock, random } = deps;
  const sealer = await createSealer(deps);
  let sealed = await settings.get(SETTING);
  if (sealed === undefined) {
    const made = JSON.stringify(await makeKeys(clock, random));
    sealed = await settings.putIfAbsent(SETTING, await sealer.seal(SETTING, made));
  }
  const stored = JSON.parse(await sealer.open(SETTING, sealed)) as StoredKeys;
  const { privateKey } = await importKeyPair(stored.authority.key);
  const { certificate } = stored.authority;
  return {
    clusterCa: certificate,
    issueServingCertificate: (request) => issueCertificate({ authority: { certificate, privateKey }, request, random }),
    tokenKeys: await Promise.all(stored.tokenKeys.map(importTokenKey)),
  };
}

async function makeKeys(clock: Clock, random: Random): Promise<StoredKeys> {
  const authority = await generateKeyPair();
  const token = await generateKeyPair();
  return {
    version: 1,
    authority: {
      certificate: await createAuthority({ keys: authority, clock, random }),
      key: await exportJwk(authority.privateKey),
    },
    tokenKeys: [await exportJwk(token.privateKey)],
  };
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
async function importTokenKey(jwk: JsonWebKey): Promise<ClusterKeys["tokenKeys"][number]> {
  const pair = await importKeyPair(jwk);
  const spki = await exportDer("spki", pair.publicKey);
  return { ...pair, keyId: toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", spki))) };
}
