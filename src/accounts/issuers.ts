/**
 * Issuers outside that a cluster believes (AuthenticationConfiguration), as its admins have said: a text in the cluster's row. What it says
 * is asked for when a token of somebody outside comes, and then at intervals, so that a change counts everywhere within seconds.
 */
import type { Authenticator } from "../authn/authenticator.ts";
import { claimedIssuer, createOidcAuthenticator } from "../authn/oidc/authenticator.ts";
import { readConfiguration, type ReadConfiguration } from "../authn/oidc/configuration.ts";
import type { FetchDocument } from "../authn/oidc/issuer-keys.ts";
import { SYSTEM_PREFIX, type IssuerRules } from "../authn/oidc/validation.ts";
import type { Clock, Log } from "../platform/platform.ts";
import type { Database } from "../storage/database.ts";
import type { ClusterRecord } from "./accounts.ts";
import { clusterUrl } from "./front-door.ts";

/** With the five seconds for which a token is remembered, a change counts after seven. */
const REMEMBER_MS = 2_000;
/** Of clusters of strangers; a file of an operator may name more. */
const CLUSTER_ISSUERS_MAX = 8;

export interface ClusterIssuers {
  /** Null: none. Undefined where there is no such cluster. */
  read(id: string): Promise<string | null | undefined>;
  /** Null: none from now on. It has been checked. */
  write(id: string, text: string | null): Promise<void>;
}

export function createClusterIssuers({ database }: { database: Database }): ClusterIssuers {
  return {
    async read(id) {
      const sql = "SELECT authentication FROM clusters WHERE id = ? AND state <> 'deleting'";
      const [found] = await database.batch([{ sql, args: [id], single: true }], "read");
      const [row] = found?.rows ?? [];
      return row && (row[0] as string | null);
    },
    async write(id, text) {
      const sql = "UPDATE clusters SET authentication = ? WHERE id = ? AND state <> 'deleting'";
      await database.batch([{ sql, args: [text, id] }], "write");
    },
  };
}

/** What the admins of a cluster may say, who are strangers to whoever runs this. */
export function issuerRules(options: { baseUrl: string; id: string; takesCertificateAuthority: boolean }): IssuerRules {
  const own = clusterUrl(options.baseUrl, options.id);
  return {
    issuersMax: CLUSTER_ISSUERS_MAX,
    disallowedIssuers: [own, `${own}/nodes`],
    // As whom the accounts' own tokens act.
    reservedPrefixes: [SYSTEM_PREFIX, "user:", "robot:", "org:"],
    publicAddressesOnly: true,
    takesCertificateAuthority: options.takesCertificateAuthority,
  };
}

export interface ClusterIssuersDeps {
  database: Database;
  clock: Clock;
  log: Log;
  cluster: Pick<ClusterRecord, "id">;
  baseUrl: string;
  fetchDocument: FetchDocument;
}

/** In the chain of one cluster. Tokens that are not of issuers outside cost nothing here. @throws StatusError "Unauthorized" */
export function createClusterOidc(deps: ClusterIssuersDeps): Authenticator {
  const { clock, log, cluster, baseUrl, fetchDocument } = deps;
  const stored = createClusterIssuers(deps);
  // What it names was checked where it was written.
  const rules = issuerRules({ baseUrl, id: cluster.id, takesCertificateAuthority: true });
  let known: { text: string | null; authenticator: Authenticator | undefined } | undefined;
  let reading: Promise<void> | undefined;
  let readMs = Number.NEGATIVE_INFINITY;

  /** Keys that are known stay, as long as the text does. */
  async function read(): Promise<void> {
    const text = (await stored.read(cluster.id)) ?? null;
    readMs = clock.now();
    if (known?.text === text) return;
    const configuration: ReadConfiguration =
      text === null ? { issuers: [] } : readConfiguration(JSON.parse(text), rules);
    if ("errors" in configuration) log.error("the issuers of a cluster cannot be read", { cluster: cluster.id });
    const issuers = "errors" in configuration ? [] : configuration.issuers;
    const authenticator =
      issuers.length === 0 ? undefined : createOidcAuthenticator({ issuers, rules, fetchDocument, clock, log });
    known = { text, authenticator };
  }

  return {
    async authenticate(request) {
      const issuer = request.token === undefined ? undefined : claimedIssuer(request.token);
      // Only issuers by HTTPS are ever named; tokens in Secrets are of "kubernetes/serviceaccount".
      if (!issuer?.startsWith("https://") || rules.disallowedIssuers.includes(issuer)) return undefined;
      if (clock.now() - readMs >= REMEMBER_MS) {
        reading ??= read().finally(() => (reading = undefined));
        await reading;
      }
      return await known?.authenticator?.authenticate(request);
    },
  };
}
