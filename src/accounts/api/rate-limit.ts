/**
 * How often one caller may call: a window of a minute. Counted in this process or isolate alone, which costs no round trip; on the edge a caller
 * who meets many isolates gets as many windows. What must hold over all of them is counted in attempts.ts, too.
 * Headers: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/03/.
 */
import type { Clock } from "../../platform/platform.ts";
import { AccountsError } from "../accounts.ts";

export interface Limited {
  headers: Record<string, string>;
  remaining: number;
  refused: AccountsError | undefined;
}

export interface RateLimit {
  /** Counts one more call of this caller. The headers say how many are left. */
  take(caller: string, limit: number): Limited;
}

const WINDOW_MS = 60_000;
const CALLERS_MAX = 10_000;

export function createRateLimit({ clock }: { clock: Clock }): RateLimit {
  const windows = new Map<string, { count: number; endsMs: number }>();

  function windowOf(caller: string): { count: number; endsMs: number } {
    const nowMs = clock.now();
    const known = windows.get(caller);
    if (known && known.endsMs > nowMs) return known;
    windows.delete(caller);
    if (windows.size >= CALLERS_MAX) {
      const oldest = windows.keys().next();
      if (!oldest.done) windows.delete(oldest.value);
    }
    const fresh = { count: 0, endsMs: nowMs + WINDOW_MS };
    windows.set(caller, fresh);
    return fresh;
  }

  return {
    take(caller, limit) {
      const window = windowOf(caller);
      window.count++;
      return limitAnswer({ limit, windowMs: WINDOW_MS, count: window.count, leftMs: window.endsMs - clock.now() });
    },
  };
}

/** `count`: with this one. `leftMs`: of the window. */
export function limitAnswer(at: { limit: number; windowMs: number; count: number; leftMs: number }): Limited {
  const { limit, windowMs, count, leftMs } = at;
  const resetSeconds = Math.max(1, Math.ceil(leftMs / 1_000));
  const remaining = Math.max(0, limit - count);
  const headers: Record<string, string> = {
    "ratelimit-limit": String(limit),
    "ratelimit-policy": `${limit};w=${windowMs / 1_000}`,
    "ratelimit-remaining": String(remaining),
    "ratelimit-reset": String(resetSeconds),
  };
  if (count <= limit) return { headers, remaining, refused: undefined };
  headers["retry-after"] = String(resetSeconds);
  const every = windowMs === WINDOW_MS ? "a minute" : `in ${windowMs / 60_000} minutes`;
  return { headers, remaining: -1, refused: new AccountsError("rate-limited", `at most ${limit} requests ${every}`) };
}
