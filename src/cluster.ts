/** What the API of one cluster is made of. A platform fills it in; `createApp` serves it. */
import type { PluginChoice } from "./admission/plugin-choice.ts";
import type { PodSecurityConfiguration } from "./admission/pod-security/plugin.ts";
import type { LimitedResource } from "./admission/resource-quota.ts";
import type { ClientCertificate } from "./authn/client-certificate.ts";
import { DEFAULT_AUDIT_CONFIG, type Audit, type AuditConfig } from "./audit/audit.ts";
import { SEATS_DEFAULT } from "./flowcontrol/flow-control.ts";
import type { Hub, Presence } from "./hub/hub.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { ClusterKeys } from "./pki/cluster-keys.ts";
import { ENCRYPTED_DEFAULT } from "./pki/load-cluster-keys.ts";
import type { Platform } from "./platform/platform.ts";
import type { ServerSockets } from "./platform/sockets.ts";
import type { NodeStreams } from "./relay/node-streams.ts";
import type { Reencrypt } from "./storage/reencryption.ts";
import type { LogEntry, PolicyReader, SnapshotReader, StorageReader } from "./storage/storage.ts";

export interface Cluster {
  id: string;
  storage: StorageReader;
  hub: Hub;
  /**
   * Where this process is the only writer: it hears of every commit, before the writer has his answer. So a token ends with what it is
   * bound to (elsewhere it is remembered for seconds), and permissions need not be asked for.
   */
  onCommit?: (listener: (entries: readonly LogEntry[]) => void) => unknown;
  presence: Presence;
  streams: NodeStreams;
  /** Absent: watches are served over HTTP alone. */
  sockets?: ServerSockets;
  keys: ClusterKeys;
  /** Absent where keys cannot be rotated from. */
  reencrypt?: Reencrypt;
  /** Absent: nothing is recorded. */
  audit?: Audit;
  /** Where a request comes from, as the platform itself knows. */
  clientAddress?: (request: Request) => string | undefined;
  /**
   * The certificate that the client of a request has proved to have the key of, as its connection says; the same object for all requests
   * of a connection. Whose it is has not been looked at. Absent where clients cannot show any (Workers).
   */
  clientCertificate?: (request: Request) => ClientCertificate | undefined;
  platform: Platform;
  config: ClusterConfig;
  /** What `/metrics` shows; the app makes its own where nobody counts beside it. */
  metrics?: Metrics;
  /** Reads that tell of the policy's revision, see SqlReaderDeps.watchPolicy; used so where there is no onCommit: there others write, too. */
  readerOf: (watchPolicy?: () => (revision: number) => void) => StorageReader & PolicyReader & SnapshotReader;
}

export interface ClusterConfig {
  /** Public address of the API, e.g. "https://127.0.0.1:6443". */
  serverUrl: string;
  /** Issuer of service account tokens. */
  issuer: string;
  dnsDomain: string;
  serviceCidr: string;
  /** ClusterIP of the `kubernetes` Service: the first address of serviceCidr. */
  kubernetesServiceIp: string;
  /** Pod CIDRs of nodes are cut from this. */
  podCidr: string;
  nodePodCidrBits: number;
  /** Static administrators' tokens as SHA-256 in hex (embedded mode). */
  adminTokenHashes: readonly string[];
  /** Group-resources whose values are encrypted at rest: "secrets", "configmaps". */
  encryptedResources: readonly string[];
  /** What is recorded of requests, and for how long. */
  audit: AuditConfig;
  /** Requests that are worked on at once, of all priority levels together, in one process or isolate. */
  requestsInFlightMax: number;
  nodeMonitorGraceMs: number;
  /** How long pods stay bound to an unreachable node (DefaultTolerationSeconds; Kubernetes: 300). */
  notReadyTolerationSeconds: number;
  /** Levels of pod security for namespaces that name none, and who is exempt; by default all pods are let through. */
  podSecurity?: PodSecurityConfiguration;
  /** Admission plugins that are switched on and off. By default no Service gets externalIPs (DenyServiceExternalIPs). */
  plugins?: PluginChoice;
  /** What may only be used where a quota covers it (ResourceQuota); by default nothing. */
  limitedResources?: readonly LimitedResource[];
}

export const DEFAULT_CLUSTER_CONFIG: Omit<ClusterConfig, "serverUrl" | "issuer" | "adminTokenHashes"> = {
  dnsDomain: "cluster.local",
  serviceCidr: "10.96.0.0/12",
  kubernetesServiceIp: "10.96.0.1",
  podCidr: "10.244.0.0/16",
  nodePodCidrBits: 24,
  encryptedResources: ENCRYPTED_DEFAULT,
  audit: DEFAULT_AUDIT_CONFIG,
  requestsInFlightMax: SEATS_DEFAULT,
  nodeMonitorGraceMs: 40_000,
  notReadyTolerationSeconds: 300,
};
