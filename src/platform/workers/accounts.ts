/** People and their clusters on the edge: a database of accounts, and for each cluster a database and two Durable Objects by its id. */
import { waitUntil } from "cloudflare:workers";
import type { ClusterApi, ClusterHost } from "../../accounts/accounts.ts";
import { ACCOUNTS_DATABASE, clusterAuthenticators, createAccounts, type Accounts } from "../../accounts/index.ts";
import { createMailWebhook } from "../../accounts/mail-webhook.ts";
import type { App } from "../../app.ts";
import type { PolicyMemory } from "../../authz/rbac/policy-memory.ts";
import { fromBase64 } from "../../pki/encoding.ts";
import type { Database } from "../../storage/database.ts";
import type { DatabaseProvider } from "../platform.ts";
import type { Env } from "./env.ts";
import { fetchDocument } from "./fetch-document.ts";
import { openApp } from "./open-app.ts";
import { databasesOf } from "./open-cluster.ts";
import { createWorkersPlatform } from "./platform.ts";
import { translated } from "./remote-hub.ts";

/** Open at once in one isolate. What is dropped holds nothing but memory: it is opened again from SQL. */
const OPEN_MAX = 16;

/** Undefined where the deployment has one cluster alone. @throws StorageError "unavailable"; call it again then */
export async function openAccounts(env: Env, policyMemory: PolicyMemory): Promise<Accounts | undefined> {
  const databases = databasesOf(env);
  if (!databases) return undefined;
  const platform = createWorkersPlatform("accounts");
  await databases.create(ACCOUNTS_DATABASE);
  const database = await databases.open(ACCOUNTS_DATABASE);
  const { GITHUB_CLIENT_ID: clientId, GITHUB_CLIENT_SECRET: clientSecret } = env;
  const { MAIL_WEBHOOK_URL: url, MAIL_WEBHOOK_SECRET: secret } = env;
  return await createAccounts({
    database,
    host: createEdgeClusterHost({ env, databases, accounts: database, policyMemory }),
    remind: () => translated(() => env.ACCOUNTS_REMINDER.getByName(ACCOUNTS_DATABASE).remind()),
    platform,
    masterKey: fromBase64(env.MASTER_KEY),
    baseUrl: env.SERVER_URL,
    takesCertificateAuthority: false,
    serverCa: env.SERVER_CA === undefined ? undefined : atob(env.SERVER_CA),
    ...(url && secret
      ? { sendMail: createMailWebhook({ url, secret, ...platform, fetch: (request) => fetch(request) }) }
      : {}),
    inBackground: waitUntil,
    ...(clientId && clientSecret ? { github: { clientId, clientSecret } } : {}),
    // Set by the runtime, whatever the client says.
    clientAddress: ({ headers }) => headers.get("cf-connecting-ip") ?? "",
  });
}

function createEdgeClusterHost(deps: {
  env: Env;
  databases: DatabaseProvider;
  accounts: Database;
  policyMemory: PolicyMemory;
}): ClusterHost {
  const { env, databases, accounts, policyMemory } = deps;
  const { clock, log } = createWorkersPlatform("host");
  /** In order of use. */
  const opened = new Map<string, Promise<App>>();

  async function open(cluster: { id: string; organisation: string }): Promise<ClusterApi> {
    const { id } = cluster;
    const { SERVER_URL: baseUrl } = env;
    const authenticators = clusterAuthenticators({ database: accounts, clock, log, cluster, baseUrl, fetchDocument });
    const app = opened.get(id) ?? openApp(env, id, { policyMemory, authenticators });
    opened.delete(id);
    opened.set(id, app);
    for (const oldest of opened.keys()) {
      if (opened.size <= OPEN_MAX) break;
      opened.delete(oldest);
    }
    try {
      return await app;
    } catch (error) {
      if (opened.get(id) === app) opened.delete(id);
      throw error;
    }
  }

  return {
    async create(cluster) {
      await databases.create(cluster.id);
      return await open(cluster);
    },
    open,
    async destroy(id) {
      opened.delete(id);
      await env.CLUSTER_LOOPS.getByName(id).end();
      await env.CLUSTER_HUB.getByName(id).end();
      await databases.destroy(id);
    },
    disconnect: (id, revocation) => translated(() => env.CLUSTER_HUB.getByName(id).revoke(revocation)),
    restore: ({ id }, toMs) => translated(() => env.CLUSTER_HUB.getByName(id).restore(toMs)),
  };
}
