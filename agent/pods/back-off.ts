/**
 * Exponential back-off by key, with kubelet's rules (client-go util/flowcontrol): the first try is free, each further one doubles
 * the delay up to the maximum, and a key that was quiet for twice the maximum starts again.
 */
export interface BackOff {
  /** Milliseconds still to wait at `nowMs`, counted from the event at `sinceMs`. */
  remaining(key: string, at: { nowMs: number; sinceMs: number }): number;
  /** Notes a try and returns the delay that the next one will have to keep. */
  next(key: string, at: { nowMs: number; sinceMs: number }): number;
  /** The delay in force, 0 without one. */
  delay(key: string): number;
  forget(key: string): void;
}

export function createBackOff(limits: { initialMs: number; maxMs: number }): BackOff {
  const entries = new Map<string, { delayMs: number; updatedMs: number }>();
  const expired = (entry: { updatedMs: number }, sinceMs: number) => sinceMs - entry.updatedMs > 2 * limits.maxMs;
  return {
    remaining(key, { nowMs, sinceMs }) {
      const entry = entries.get(key);
      if (entry === undefined || expired(entry, sinceMs)) return 0;
      return Math.max(0, sinceMs + entry.delayMs - nowMs);
    },
    next(key, { nowMs, sinceMs }) {
      const entry = entries.get(key);
      const delayMs =
        entry === undefined || expired(entry, sinceMs) ? limits.initialMs : Math.min(entry.delayMs * 2, limits.maxMs);
      entries.set(key, { delayMs, updatedMs: nowMs });
      return delayMs;
    },
    delay: (key) => entries.get(key)?.delayMs ?? 0,
    forget: (key) => void entries.delete(key),
  };
}

/** As Go prints a duration of whole seconds: "10s", "1m20s", "5m0s". */
export function formatSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
