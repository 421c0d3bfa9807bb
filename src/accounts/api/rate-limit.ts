/**
 * How often one caller may call: a window of a minute. Counted in this process or isolate alone, which costs no round trip; on the edge a caller
 * who meets many isolates gets as many windows. Headers: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/03/.
 */
import type { Clock } from "../../platform/platform.ts";
import { AccountsError } from "../accounts.ts";

export interface RateLimit {
  /** Counts one more call of this caller. The headers say how many are left. */
  take(caller: string, limit: number): { headers: Record<string, string>; refused: AccountsError | undefined };
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
      const resetSeconds = Math.max(1, Math.ceil((window.endsMs - clock.now()) / 1_000));
      const headers: Record<string, string> = {
        "ratelimit-limit": String(limit),
        "ratelimit-remaining": String(Math.max(0, limit - window.count)),
        "ratelimit-reset": String(resetSeconds),
      };
      if (window.count <= limit) return { headers, refused: undefined };
      headers["retry-after"] = String(resetSeconds);
      return { headers, refused: new AccountsError("rate-limited", `at most ${limit} requests a minute`) };
    },
  };
}
