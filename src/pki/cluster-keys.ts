/** The secrets of a cluster: its certificate authority, its token signing keys and the keys of values at rest. Stored sealed. */
import type { ValueCipher } from "../storage/value-cipher.ts";
import type { CertificateAsked } from "./signed-certificates.ts";

export interface TokenKey {
  keyId: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
}

export interface ClusterKeys {
  /** PEM of the cluster's CA certificate. */
  clusterCa: string;
  /** Issues a serving certificate by the cluster's CA. `publicKey` is SPKI. Returns PEM. */
  issueServingCertificate(request: {
    commonName: string;
    dnsNames: readonly string[];
    ipAddresses: readonly string[];
    publicKey: CryptoKey;
    notBeforeMs: number;
    notAfterMs: number;
  }): Promise<string>;
  /** Issues what was asked for by the cluster's CA; whether it may be is the caller's to know. Returns PEM. */
  signCertificate(asked: CertificateAsked): Promise<string>;
  /** ES256. The first one signs now; verification accepts all. Read it anew each time: keys rotate. */
  readonly tokenKeys: readonly TokenKey[];
  /** Undefined for a key that is not this cluster's. One that is not known here is looked for where keys are kept, at intervals. */
  tokenKey(keyId: string): Promise<TokenKey | undefined>;
  /** Of values at rest. */
  values: ValueCipher;
  rotation: KeyRotation;
}

/** See rotate-keys.ts for the order. Each step is one compare-and-swap of all keys, so two rotations at once agree. */
export interface KeyRotation {
  /** Makes new keys unless a rotation is under way, and says which resources may have encrypted values. */
  begin(): Promise<{ dataKey: string; resources: readonly string[] }>;
  /** Ids of token keys that no bound token can be signed by any more. */
  endedTokenKeys(): readonly string[];
  /**
   * Drops what reads nothing any more: data keys other than `dataKey`, and these token keys. Does nothing when another rotation has
   * begun since.
   */
  finish(done: { dataKey: string; tokenKeys: readonly string[] }): Promise<void>;
  /** When the newest token key begins to sign (Unix ms). */
  signsFromMs(): number;
}
