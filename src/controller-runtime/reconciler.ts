/** The contract of every control loop: level-based, by key, idempotent. */

/** "namespace/name", or "name" for cluster-scoped objects. */
export type Key = string;

export type ReconcileResult = { done: true } | { againAfterMs: number };

export interface Reconciler {
  /** Reads the current state, never an event. A throw retries the key with exponential back-off. */
  reconcile(key: Key): Promise<ReconcileResult>;
}

/**
 * A loop that the platform runs: on Node whenever there is work, on Workers when woken, by alarm or by cron.
 * `runOnce` catches up with the API, works until nothing is due or the deadline (unix ms) has passed, and keeps what is left.
 */
export interface Loop {
  name: string;
  runOnce(limits: { deadline: number }): Promise<{ nextDueMs: number | undefined }>;
}
