/** What is counted of requests as they take seats, wait and are turned away. */
import { StatusError } from "../machinery/status-error.ts";

/** Why a request was turned away, in the words of kube-apiserver's metrics. */
export type Rejection = "concurrency-limit" | "queue-full" | "time-out" | "cancelled";

/** Of one flow schema. Counting makes nothing. */
export interface FlowCounter {
  /** It waits now. Unix ms, to be handed back when that is over. */
  queued(): number;
  /** It has its turn, at once or after a wait. */
  dispatched(queuedAtMs?: number): void;
  finished(): void;
  rejected(reason: Rejection, queuedAtMs?: number): void;
}

export interface FlowCounts {
  /** The same one for the same names. */
  of(names: { level: string; schema: string }): FlowCounter;
}

const NOTHING: FlowCounter = { queued: () => 0, dispatched() {}, finished() {}, rejected() {} };
export const UNCOUNTED: FlowCounts = { of: () => NOTHING };

/** The refusal of a request that finds no seat. */
export class TooManyRequests extends StatusError {
  readonly rejection: Rejection;

  constructor(rejection: Rejection) {
    super("TooManyRequests", "Too many requests, please try again later.", { details: { retryAfterSeconds: 1 } });
    this.rejection = rejection;
  }
}
