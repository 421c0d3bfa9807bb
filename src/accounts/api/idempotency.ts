/**
 * Creates that may be sent twice: after https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/. The first answer is kept
 * for a day and given again, without the secret it may have carried; what failed on our side is forgotten, so that it can be tried again. Who
 * has died over an answer is noticed by its silence.
 */
import type { Clock, Log, Timers } from "../../platform/platform.ts";
import type { Database } from "../../storage/database.ts";
import { AccountsError } from "../accounts.ts";
import { digest } from "../secrets.ts";

export interface KeptAnswer {
  status: number;
  body: string;
}

export interface Idempotency {
  /** `caller`: who uses the key. @throws AccountsError "conflict" while the first is under way, "key-reused" for another request */
  once(
    call: { caller: string; key: string; request: string },
    answer: () => Promise<Response>,
    secret?: string,
  ): Promise<Response>;
}

const KEPT_MS = 24 * 3_600_000;
/** Who answers says every few seconds that it still does; silent for this long it is dead, and a retry takes its place. */
const UNDER_WAY_MS = 15_000;
const BEAT_MS = 4_000;
const SWEPT_MAX = 100;
const KEY_LENGTH_MAX = 255;

/** The row of a key, as long as nobody else has taken it over. */
interface Held {
  key: string;
  /** When its holder was last heard of: what the row says. */
  beatMs: number;
}

export function createIdempotency(deps: { database: Database; clock: Clock; timers: Timers; log: Log }): Idempotency {
  const { database, clock, timers, log } = deps;

  async function begin(key: string, request: string): Promise<KeptAnswer | Held> {
    const nowMs = clock.now();
    const [, begun, found] = await database.batch(
      [
        {
          sql: `DELETE FROM idempotency_keys WHERE key IN (SELECT key FROM idempotency_keys
            WHERE created_ms <= ?1 OR (status IS NULL AND created_ms <= ?2) LIMIT ${SWEPT_MAX})`,
          args: [nowMs - KEPT_MS, nowMs - UNDER_WAY_MS],
        },
        {
          sql: "INSERT INTO idempotency_keys (key, request, created_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
          args: [key, request, nowMs],
        },
        { sql: "SELECT request, status, body FROM idempotency_keys WHERE key = ?", args: [key] },
      ],
      "write",
    );
    if (begun?.rowsAffected) return { key, beatMs: nowMs };
    const [of, status, body] = found?.rows[0] ?? [];
    if (of !== request) throw new AccountsError("key-reused", "this Idempotency-Key was sent with another request");
    if (typeof status !== "number") throw new AccountsError("conflict", "the first request with this key is under way");
    return { status, body: String(body) };
  }

  /** Until the undo is called, which resolves when no beat is under way. */
  function beat(held: Held): () => Promise<void> {
    let running: Promise<void> = Promise.resolve();
    let cancel: (() => void) | undefined;
    let stopped = false;
    const schedule = (): void => {
      if (!stopped) cancel = timers.after(BEAT_MS, () => void (running = renew(held).finally(schedule)));
    };
    schedule();
    return async () => {
      stopped = true;
      cancel?.();
      await running;
    };
  }

  async function renew(held: Held): Promise<void> {
    const nowMs = clock.now();
    try {
      const sql = "UPDATE idempotency_keys SET created_ms = ?1 WHERE key = ?2 AND created_ms = ?3 AND status IS NULL";
      const [renewed] = await database.batch([{ sql, args: [nowMs, held.key, held.beatMs] }], "write");
      if (renewed?.rowsAffected) held.beatMs = nowMs;
    } catch (error) {
      log.warn("a request could not say that it is still under way", { error });
    }
  }

  async function end(held: Held, response: Response, secret: string | undefined): Promise<void> {
    if (response.status >= 500 || response.status === 429) return await forget(held);
    const body = withoutSecret(await response.clone().text(), secret);
    const sql = "UPDATE idempotency_keys SET status = ?, body = ? WHERE key = ? AND created_ms = ?";
    await database.batch([{ sql, args: [response.status, body, held.key, held.beatMs] }], "write");
  }

  async function forget({ key, beatMs }: Held): Promise<void> {
    const sql = "DELETE FROM idempotency_keys WHERE key = ? AND created_ms = ? AND status IS NULL";
    await database.batch([{ sql, args: [key, beatMs] }], "write");
  }

  return {
    async once({ caller, key, request }, answer, secret) {
      if (key === "" || key.length > KEY_LENGTH_MAX)
        throw new AccountsError("invalid", `an Idempotency-Key has 1 to ${KEY_LENGTH_MAX} characters`);
      const own = await digest(`${caller}\n${key}`);
      const begun = await begin(own, await digest(request));
      if ("status" in begun) return replayed(begun);
      const endBeat = beat(begun);
      try {
        const response = await answer().finally(endBeat);
        await end(begun, response, secret);
        return response;
      } catch (error) {
        await forget(begun);
        throw error;
      }
    },
  };
}

function replayed({ status, body }: KeptAnswer): Response {
  const type = status >= 400 ? "application/problem+json" : "application/json";
  const headers = { "content-type": type, "cache-control": "no-store", "idempotency-replayed": "true" };
  return new Response(body, { status, headers });
}

/** What is kept by its hash alone must not lie here in clear. */
function withoutSecret(body: string, secret: string | undefined): string {
  if (secret === undefined) return body;
  const { [secret]: _, ...rest } = JSON.parse(body) as Record<string, unknown>;
  return JSON.stringify(rest);
}
