/** The bindings of wrangler.toml, and what an isolate makes of them once. */
import type { AccountsReminder } from "./accounts-reminder.ts";
import type { ClusterHub } from "./hub-object.ts";
import type { ClusterLoops } from "./loops-object.ts";
import type { StreamBroker } from "./stream-broker.ts";

export interface Env {
  CLUSTER_HUB: DurableObjectNamespace<ClusterHub>;
  CLUSTER_LOOPS: DurableObjectNamespace<ClusterLoops>;
  ACCOUNTS_REMINDER: DurableObjectNamespace<AccountsReminder>;
  STREAM_BROKER: DurableObjectNamespace<StreamBroker>;
  /** libSQL over HTTP. */
  DATABASE_URL: string;
  DATABASE_TOKEN?: string;
  /** The admin API of the libSQL server, where databases are made and removed. Without it there is one cluster, and nobody signs up. */
  DATABASE_ADMIN_URL?: string;
  /** Sent there as `Authorization`. */
  DATABASE_ADMIN_AUTHORIZATION?: string;
  /** Of an OAuth app: then people may log in by GitHub. */
  GITHUB_CLIENT_ID?: string;
  GITHUB_CLIENT_SECRET?: string;
  /** Where mail is handed over (accounts/mail-webhook.ts). Without it addresses are not verified, and invitations are passed on by hand. */
  MAIL_WEBHOOK_URL?: string;
  MAIL_WEBHOOK_SECRET?: string;
  /** 32 bytes in base64; seals the cluster's keys. */
  MASTER_KEY: string;
  /** The one before, or the one that comes next, while master keys are rotated: it opens, and seals nothing. */
  MASTER_KEY_OTHER?: string;
  /** SHA-256 in hex of the administrators' tokens, separated by commas. */
  ADMIN_TOKEN_HASHES: string;
  /** Public address of the API. */
  SERVER_URL: string;
  /** PEM in base64 of a private authority that signed the server's certificate; told to those who make a kubeconfig. */
  SERVER_CA?: string;
  /** Group-resources whose values are encrypted at rest, separated by commas; "secrets" where it is absent. */
  ENCRYPTED_RESOURCES?: string;
  /** JSON of an AuthenticationConfiguration (apiserver.config.k8s.io/v1): OIDC issuers that the cluster at the root believes. */
  AUTHENTICATION_CONFIG?: string;
  /** JSON of an audit.k8s.io/v1 Policy. */
  AUDIT_POLICY?: string;
  AUDIT_RETENTION_DAYS?: string;
  /** Admission plugins beside the default ones, and default ones to leave out; separated by commas. */
  ENABLE_ADMISSION_PLUGINS?: string;
  DISABLE_ADMISSION_PLUGINS?: string;
  /** Seconds; see ClusterConfig. */
  NODE_MONITOR_GRACE_SECONDS?: string;
  NOT_READY_TOLERATION_SECONDS?: string;
}
