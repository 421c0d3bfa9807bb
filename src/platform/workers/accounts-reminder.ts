/**
 * Who sees to it that a revocation is told to the clusters, though the isolate that revoked has died: an object with an alarm, which costs
 * nothing while nobody revokes. It is asked before the write and looks for what was left untold every few seconds, until a write of then must
 * have been stored or lost; so from its commit on a revocation takes no longer than one interval.
 */
import { DurableObject } from "cloudflare:workers";
import type { Accounts } from "../../accounts/index.ts";
import { createPolicyMemory } from "../../authz/rbac/policy-memory.ts";
import { openAccounts } from "./accounts.ts";
import type { Env } from "./env.ts";
import { once } from "./open-cluster.ts";

const INTERVAL_MS = 3_000;
/** Longer than the database is waited for (libsql-database.ts: 10 s), with the call before it. */
const UNTIL_MS = 15_000;
const UNTIL = "untilMs";

export class AccountsReminder extends DurableObject<Env> {
  readonly #accounts: () => Promise<Accounts | undefined>;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#accounts = once(() => openAccounts(env, createPolicyMemory()));
  }

  async remind(): Promise<void> {
    const { storage } = this.ctx;
    await storage.put(UNTIL, Date.now() + UNTIL_MS);
    if ((await storage.getAlarm()) === null) await storage.setAlarm(Date.now() + INTERVAL_MS);
  }

  override async alarm(): Promise<void> {
    const { storage } = this.ctx;
    // First: whatever fails here, it is tried again.
    await storage.setAlarm(Date.now() + INTERVAL_MS);
    const { left = false } = (await (await this.#accounts())?.catchUp()) ?? {};
    const untilMs = (await storage.get<number>(UNTIL)) ?? 0;
    if (!left && Date.now() >= untilMs) await storage.deleteAlarm();
  }
}
