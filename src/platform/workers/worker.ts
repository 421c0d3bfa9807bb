/** The stateless worker: every request of every client and agent. What it opens once it keeps for as long as its isolate lives. */
import { isOfAccounts } from "../../accounts/front-door.ts";
import type { Accounts } from "../../accounts/index.ts";
import type { App } from "../../app.ts";
import { createPolicyMemory } from "../../authz/rbac/policy-memory.ts";
import type { Fetch } from "../../client/client.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { openAccounts } from "./accounts.ts";
import { asReceived } from "./as-received.ts";
import { asSent } from "./as-sent.ts";
import { configuredIssuers } from "./configured-issuers.ts";
import type { Env } from "./env.ts";
import { openApp } from "./open-app.ts";
import { once } from "./open-cluster.ts";
import { createWorkersPlatform } from "./platform.ts";
import { ROOT_CLUSTER } from "./root-cluster.ts";

export { AccountsReminder } from "./accounts-reminder.ts";
export { ClusterHub } from "./hub-object.ts";
export { ClusterLoops } from "./loops-object.ts";
export { StreamBroker } from "./stream-broker.ts";

/** Each part is opened when it is first asked for: a fault of the accounts' database is none of the cluster at the root. */
interface Opened {
  root: () => Promise<App>;
  accounts: () => Promise<Accounts | undefined>;
  /** In front of all clusters but the one at the root. */
  door: () => Promise<Fetch>;
}

/** Per isolate, which the runtime shares between requests. */
const isolates = new WeakMap<Env, Opened>();

export default {
  async fetch(request, env, context) {
    const received = asReceived(request);
    const { root, door } = openedOf(env);
    const opened: Promise<Pick<App, "fetch">> = isOfAccounts(request) ? door().then((fetch) => ({ fetch })) : root();
    // Others wait for it too: it goes on when this client has gone.
    context.waitUntil(opened.catch(() => {}));
    try {
      return asSent(await (await opened).fetch(received));
    } catch (error) {
      createWorkersPlatform("worker").log.error("the cluster cannot be opened", { error });
      const status = new StatusError("ServiceUnavailable", "the cluster cannot be opened now", {
        details: { retryAfterSeconds: 1 },
      }).toStatus();
      return Response.json(status, { status: 503, headers: { "retry-after": "1" } });
    }
  },

  /** Takes up what isolates that ended have left half-way. */
  async scheduled(_controller, env) {
    await (await openedOf(env).accounts())?.sweep();
  },
} satisfies ExportedHandler<Env>;

function openedOf(env: Env): Opened {
  const known = isolates.get(env);
  if (known) return known;
  const policyMemory = createPolicyMemory();
  const root = once(async () => {
    return await openApp(env, ROOT_CLUSTER, { policyMemory, authenticators: configuredIssuers(env) });
  });
  const accounts = once(() => openAccounts(env, policyMemory));
  const atRoot: Fetch = async (request) => (await root()).fetch(request);
  const door = once(async () => (await accounts())?.inFrontOf(atRoot) ?? atRoot);
  const opened = { root, accounts, door };
  isolates.set(env, opened);
  return opened;
}
