/**
 * What one request was allowed, held to the policy as it stands when the request reads and writes. Decisions are made at once by what is
 * at hand; before anything is answered or written it is known that they were no older than that.
 */
import type { Clock } from "../platform/platform.ts";
import { StatusError, isStatusError } from "../machinery/status-error.ts";
import type { Attributes, Authorizer, Decision } from "./authorizer.ts";
import { assertAuthorized } from "./index.ts";
import type { Policy } from "./rbac/policy.ts";

/** In the words of storage. */
export interface PolicyCondition {
  kind: "policy";
  revision: number;
}

/** Says nothing where the answer is yes. Resolves to the decision. @throws StatusError "Forbidden", "NotFound" for a role that is not there */
export type Question = () => Promise<Pick<Decision, "revision">>;

export interface Authorization {
  /** Asks, and remembers to ask again. @throws StatusError "Forbidden" */
  assert(question: Question): Promise<void>;
  /** The question whether this may be. Resolves to the decision. @throws Refusal */
  assertMay(attributes: Attributes): Promise<Decision>;
  /** Do answers rest on roles and bindings that others may be changing right now? */
  readonly restsOnPolicy: boolean;
  /** What a write must hold on to. */
  condition(): PolicyCondition | undefined;
  /** A write was refused for that: asks everything again. @throws StatusError "Forbidden" */
  renew(): Promise<void>;
  /** A write was stored under the condition: there is nothing left to confirm. */
  settle(): void;
  /**
   * Before an answer, or anything else that cannot be taken back: what has been read since the request came shows whether the policy has
   * moved; then everything is asked again. `staleMs`: for what holds nothing of the cluster's, answers may be so old.
   * @throws StatusError "Forbidden"
   */
  confirm(options?: { staleMs?: number }): Promise<void>;
}

export function createAuthorization(deps: { policy: Policy; authorizer: Authorizer; clock: Clock }): Authorization {
  return new RequestAuthorization(deps);
}

/** Times a policy may move under one request. */
const RENEWALS_MAX = 16;

class RequestAuthorization implements Authorization {
  readonly #policy: Policy;
  readonly #authorizer: Authorizer;
  readonly #clock: Clock;
  readonly #questions: Question[] = [];
  /** What the database had been asked when the request came. */
  readonly #begun: number;
  /** Of the oldest decision. */
  #revision: number | undefined;
  #settled = false;

  constructor({ policy, authorizer, clock }: { policy: Policy; authorizer: Authorizer; clock: Clock }) {
    this.#policy = policy;
    this.#authorizer = authorizer;
    this.#clock = clock;
    this.#begun = policy.asked?.begun ?? 0;
  }

  get restsOnPolicy(): boolean {
    return this.#policy.asked !== undefined && this.#revision !== undefined;
  }

  async assert(question: Question): Promise<void> {
    try {
      this.#note(await question());
    } catch (error) {
      // A right that has just been given counts at once, and so does a role that has just been made: nobody is refused by an old policy.
      const { asked } = this.#policy;
      const mayBeOld = isStatusError(error, "Forbidden") || isStatusError(error, "NotFound");
      if (!asked || !mayBeOld) throw error;
      if (!this.#isAnswered()) await asked.check();
      this.#note(await question());
    }
    this.#questions.push(question);
  }

  async assertMay(attributes: Attributes): Promise<Decision> {
    let decision: Decision = { verdict: "none" };
    await this.assert(async () => (decision = await assertAuthorized(this.#authorizer, attributes)));
    return decision;
  }

  condition(): PolicyCondition | undefined {
    if (!this.#policy.asked || this.#revision === undefined) return undefined;
    return { kind: "policy", revision: this.#revision };
  }

  async renew(): Promise<void> {
    await this.#policy.asked?.check();
    await this.#askAgain();
  }

  settle(): void {
    this.#settled = true;
  }

  async confirm({ staleMs = 0 }: { staleMs?: number } = {}): Promise<void> {
    const { asked } = this.#policy;
    if (!asked || this.#revision === undefined || this.#settled) return;
    if (!this.#isAnswered() && asked.answeredMs + staleMs <= this.#clock.now()) await asked.check();
    if (this.#policy.seen > this.#revision) await this.#askAgain();
  }

  /** Has anything been read that was asked for after the request came? */
  #isAnswered(): boolean {
    return (this.#policy.asked?.answered ?? 0) > this.#begun;
  }

  /** Until all are answered the old revision stands: a write that begins meanwhile is lost by it, and asks too. */
  async #askAgain(): Promise<void> {
    for (let renewals = 0; renewals < RENEWALS_MAX; renewals++) {
      const revisions = new Set<number>();
      for (const question of this.#questions) {
        const { revision } = await question();
        if (revision !== undefined) revisions.add(revision);
      }
      // All by one policy: a write can hold on to no more than one.
      if (revisions.size > 1) continue;
      [this.#revision] = revisions;
      return;
    }
    throw new StatusError("ServerTimeout", "permissions are changing too fast, please try again", {
      details: { retryAfterSeconds: 1 },
    });
  }

  #note({ revision }: Pick<Decision, "revision">): void {
    if (revision !== undefined) this.#revision = Math.min(this.#revision ?? revision, revision);
  }
}
