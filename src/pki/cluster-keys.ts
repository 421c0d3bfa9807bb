/** The secrets of a cluster: its certificate authority and its token signing key. Made once, stored sealed, loaded on start. */

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
  /** ES256. Newest first; verification accepts all. */
  tokenKeys: readonly { keyId: string; privateKey: CryptoKey; publicKey: CryptoKey }[];
}
