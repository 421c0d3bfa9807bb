/**
 * Limits that hold over all processes and isolates: of what is rare, costs much or can be guessed at (logins, sign-ups, mails, invitations,
 * tokens that are none). Each attempt is an upsert in the accounts' database; all other requests are counted where they arrive (rate-limit.ts).
 */
import type { Clock } from "../../platform/platform.ts";
import type { Database, Statement } from "../../storage/database.ts";
import { digest } from "../secrets.ts";
import { limitAnswer, type Limited } from "./rate-limit.ts";

export interface Counted {
  /** Of what and of whom; kept as its SHA-256. */
  key: string;
  limit: number;
  windowMs: number;
}

export interface Attempts {
  /** Counts one more of each, in one round trip. The headers are those of the one of which the fewest are left. @throws DatabaseError */
  take(counted: readonly [Counted, ...Counted[]]): Promise<Limited>;
}

/** More than an attempt adds, so the table holds hardly more than the attempts of the last window. */
const SWEPT_MAX = 100;

export function createAttempts({ database, clock }: { database: Database; clock: Clock }): Attempts {
  return {
    async take(counted) {
      const nowMs = clock.now();
      const upserts = counted.map(async ({ key, windowMs }): Promise<Statement> => ({
        sql: `INSERT INTO attempts (key, count, ends_ms) VALUES (?1, 1, ?2 + ?3) ON CONFLICT (key) DO UPDATE SET
          count = CASE WHEN ends_ms <= ?2 THEN 1 ELSE count + 1 END,
          ends_ms = CASE WHEN ends_ms <= ?2 THEN excluded.ends_ms ELSE ends_ms END RETURNING count, ends_ms`,
        args: [await digest(key), nowMs, windowMs],
      }));
      const sweep: Statement = {
        sql: `DELETE FROM attempts WHERE key IN (SELECT key FROM attempts WHERE ends_ms <= ? LIMIT ${SWEPT_MAX})`,
        args: [nowMs],
      };
      const results = await database.batch([...(await Promise.all(upserts)), sweep], "write");
      const answers = counted.map((one, at) => {
        const [count, endsMs] = results[at]?.rows[0] ?? [];
        return limitAnswer({ ...one, count: Number(count), leftMs: Number(endsMs) - nowMs });
      });
      const [scarcest] = answers.toSorted((a, b) => a.remaining - b.remaining);
      if (!scarcest) throw new Error("nothing was counted");
      return scarcest;
    },
  };
}

/**
 * By which an address is counted: of IPv6 the network of 64 bits, of which whoever has one has all.
 * https://datatracker.ietf.org/doc/html/rfc6177
 */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [head = "", tail = ""] = address.toLowerCase().split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === "" ? [] : tail.split(":");
  const zeros = address.includes("::")
    ? Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0")
    : [];
  const groups = [...before, ...zeros, ...after].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
