/**
 * Creates that may be sent twice: after https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/. The first answer is kept
 * for a day and given again, without the secret it may have carried; what failed on our side is forgotten, so that it can be tried again.
 */
import type { Clock } from "../../platform/platform.ts";
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
const UNDER_WAY_MS = 60_000;
const SWEPT_MAX = 100;
const KEY_LENGTH_MAX = 255;

export function createIdempotency({ database, clock }: { database: Database; clock: Clock }): Idempotency {
  /** Undefined: this call is the first. */
  async function begin(key: string, request: string): Promise<KeptAnswer | undefined> {
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
    if (begun?.rowsAffected) return undefined;
    const [of, status, body] = found?.rows[0] ?? [];
    if (of !== request) throw new AccountsError("key-reused", "this Idempotency-Key was sent with another request");
    if (typeof status !== "number") throw new AccountsError("conflict", "the first request with this key is under way");
    return { status, body: String(body) };
  }

  async function end(key: string, response: Response, secret: string | undefined): Promise<void> {
    if (response.status >= 500 || response.status === 429) return await forget(key);
    const body = withoutSecret(await response.clone().text(), secret);
    const sql = "UPDATE idempotency_keys SET status = ?, body = ? WHERE key = ?";
    await database.batch([{ sql, args: [response.status, body, key] }], "write");
  }

  async function forget(key: string): Promise<void> {
    await database.batch([{ sql: "DELETE FROM idempotency_keys WHERE key = ?", args: [key] }], "write");
  }

  return {
    async once({ caller, key, request }, answer, secret) {
      if (key === "" || key.length > KEY_LENGTH_MAX)
        throw new AccountsError("invalid", `an Idempotency-Key has 1 to ${KEY_LENGTH_MAX} characters`);
      const own = await digest(`${caller}\n${key}`);
      const kept = await begin(own, await digest(request));
      if (kept) return replayed(kept);
      try {
        const response = await answer();
        await end(own, response, secret);
        return response;
      } catch (error) {
        await forget(own);
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
