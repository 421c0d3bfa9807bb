/** The accounts put together, over a database, a host of clusters and the runtime's ports. */
import type { Authenticator } from "../authn/authenticator.ts";
import { StatusError } from "../machinery/status-error.ts";
import type { Fetch } from "../client/client.ts";
import type { Platform } from "../platform/platform.ts";
import type { Database } from "../storage/database.ts";
import { migrate } from "../storage/migrate.ts";
import type { ClusterHost, ClusterRecord, SendMail } from "./accounts.ts";
import { AUTH_PATH, createAccountsApi, type AccountsApiDeps, type RequestLimits } from "./api/api.ts";
import { createAttempts } from "./api/attempts.ts";
import { createIdempotency } from "./api/idempotency.ts";
import { createRateLimit } from "./api/rate-limit.ts";
import type { AuthOptions } from "./better-auth.ts";
import { ABANDONED_MS, createClusters, type Clusters } from "./clusters.ts";
import { createDisconnect, type Remind } from "./disconnect.ts";
import { createFrontDoor } from "./front-door.ts";
import { createClusterIssuers, createClusterOidc, type ClusterIssuersDeps } from "./issuers.ts";
import { accountsMigrations } from "./migrations/index.ts";
import { createOrganisations } from "./organisations.ts";
import { createPeople } from "./people.ts";
import { createPrincipals, userIn } from "./principals.ts";
import { TOKEN_PREFIX } from "./secrets.ts";
import { createTokens } from "./tokens.ts";

export interface AccountsDeps {
  /** The accounts' own; migrated here. */
  database: Database;
  host: ClusterHost;
  /** Has `catchUp` called; see disconnect.ts. */
  remind?: Remind | undefined;
  platform: Platform;
  /** Seals what is derived from it: sessions' cookies. */
  masterKey: Uint8Array;
  baseUrl: string;
  serverCa?: string | undefined;
  /** False on Workers, which know the public authorities alone. */
  takesCertificateAuthority: boolean;
  sendMail?: SendMail | undefined;
  inBackground?: AuthOptions["inBackground"];
  github?: AuthOptions["github"];
  limits?: Partial<RequestLimits>;
  clientAddress: AccountsApiDeps["clientAddress"];
}

export interface Accounts {
  clusters: Clusters;
  /** Takes up what others have revoked and not told. `left`: there is something still. @throws DatabaseError */
  catchUp(): Promise<{ left: boolean }>;
  /** Takes up whatever others have left half-way and are not at any more. Writes nothing where there is nothing. @throws DatabaseError */
  sweep(): Promise<void>;
  /** Serves /v1 and all clusters; what is neither goes to `root`. */
  inFrontOf(root: Fetch): Fetch;
}

export const ACCOUNTS_DATABASE = "accounts";

/** @throws StorageError "unavailable" */
export async function createAccounts(deps: AccountsDeps): Promise<Accounts> {
  const { database, host, platform, baseUrl, serverCa, sendMail, inBackground, github, limits, clientAddress } = deps;
  const { takesCertificateAuthority } = deps;
  await migrate(database, { migrations: accountsMigrations });
  const { clock, random, log } = platform;
  const { remind } = deps;
  const disconnect = createDisconnect({ database, host, clock, random, log, remind });
  const shared = { database, clock, random, log, disconnect };
  const secret = await derivedSecret(deps.masterKey, "better-auth");
  const clusters = createClusters({ ...shared, host, remind });
  const accounts = createAccountsApi({
    ...shared,
    host,
    clusters,
    issuers: createClusterIssuers(shared),
    takesCertificateAuthority,
    organisations: createOrganisations(shared),
    tokens: createTokens(shared),
    people: createPeople({
      database,
      disconnect,
      secret,
      baseUrl,
      basePath: AUTH_PATH,
      sendMail,
      inBackground,
      github,
    }),
    principals: createPrincipals(shared),
    idempotency: createIdempotency({ ...shared, timers: platform.timers }),
    rateLimit: createRateLimit(shared),
    attempts: createAttempts(shared),
    sendMail,
    baseUrl,
    serverCa,
    clientAddress,
    ...(limits ? { limits } : {}),
  });
  const catchUp = async (): Promise<{ left: boolean }> => {
    const { left } = await disconnect.catchUp();
    await clusters.finishRemovals();
    return { left };
  };
  return {
    clusters,
    catchUp,
    async sweep() {
      await clusters.finish({ forMs: ABANDONED_MS });
      await catchUp();
    },
    inFrontOf: (root) => createFrontDoor({ accounts, clusters, host, root, clock, random, log }),
  };
}

/** Who may come into a cluster besides its own: by the accounts' tokens, and by those of issuers that its admins have named. */
export function clusterAuthenticators(
  deps: ClusterIssuersDeps & { cluster: Pick<ClusterRecord, "id" | "organisation"> },
): readonly Authenticator[] {
  return [createAccountTokens(deps), createClusterOidc(deps)];
}

/**
 * The accounts' tokens in the chain of one cluster. A token that is none of ours is nobody else's either, so it ends here.
 * @throws StatusError "Unauthorized"
 */
export function createAccountTokens(deps: {
  database: Database;
  clock: Platform["clock"];
  cluster: Pick<ClusterRecord, "id" | "organisation">;
}): Authenticator {
  const principals = createPrincipals(deps);
  return {
    async authenticate({ token }) {
      if (!token?.startsWith(TOKEN_PREFIX)) return undefined;
      const principal = await principals.ofToken(token);
      const user = principal && userIn(deps.cluster, principal);
      if (!user) throw new StatusError("Unauthorized", "Unauthorized");
      return user;
    },
  };
}

/** HKDF, so that no key is used for two things. */
async function derivedSecret(masterKey: Uint8Array, purpose: string): Promise<string> {
  const key = await crypto.subtle.importKey("raw", new Uint8Array(masterKey), "HKDF", false, ["deriveBits"]);
  const info = new TextEncoder().encode(`gantry ${purpose}`);
  const bits = await crypto.subtle.deriveBits(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info },
    key,
    256,
  );
  return Array.from(new Uint8Array(bits), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
