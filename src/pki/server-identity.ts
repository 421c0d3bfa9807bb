/** Key and certificate with which the embedded server (or a relay) serves TLS under the cluster's own authority. */
import type { Clock } from "../platform/platform.ts";
import { BACKDATE_MS, exportDer, generateKeyPair } from "./certificates.ts";
import type { ClusterKeys } from "./cluster-keys.ts";
import { toPem } from "./encoding.ts";

const SERVER_LIFETIME_MS = 365 * 24 * 3_600_000;

export interface ServerIdentity {
  /** PKCS #8 */
  keyPem: string;
  /** The certificate followed by the cluster's CA. */
  certificatePem: string;
  expiresMs: number;
}

/** Names under which pods know the API: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
export function kubernetesServiceNames(dnsDomain: string): string[] {
  return ["kubernetes", "kubernetes.default", "kubernetes.default.svc", `kubernetes.default.svc.${dnsDomain}`];
}

/**
 * A fresh key and a certificate for a year. `hosts` are further DNS names or IP addresses; localhost, the loopback addresses and the
 * names and address of the `kubernetes` Service are always in it.
 */
export async function issueServerIdentity(options: {
  keys: ClusterKeys;
  clock: Clock;
  cluster: { dnsDomain: string; kubernetesServiceIp: string };
  hosts?: readonly string[];
}): Promise<ServerIdentity> {
  const { keys, clock, cluster, hosts = [] } = options;
  const pair = await generateKeyPair();
  const expiresMs = clock.now() + SERVER_LIFETIME_MS;
  const certificate = await keys.issueServingCertificate({
    commonName: "gantry-apiserver",
    dnsNames: unique(["localhost", ...kubernetesServiceNames(cluster.dnsDomain), ...hosts.filter((h) => !isIp(h))]),
    ipAddresses: unique(["127.0.0.1", "::1", cluster.kubernetesServiceIp, ...hosts.filter(isIp)]),
    publicKey: pair.publicKey,
    notBeforeMs: clock.now() - BACKDATE_MS,
    notAfterMs: expiresMs,
  });
  const pkcs8 = await exportDer("pkcs8", pair.privateKey);
  return { keyPem: toPem("PRIVATE KEY", pkcs8), certificatePem: certificate + keys.clusterCa, expiresMs };
}

function isIp(host: string): boolean {
  return host.includes(":") || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
