/** What the probes of a running container have said so far: counted for /metrics/probes. */
import type { ProbeKind } from "./prober.ts";

/** The buckets that Go's client has by default, in seconds. */
export const PROBE_SECONDS_UP_TO = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface ProbeTally {
  podUid: string;
  container: string;
  kind: ProbeKind;
  successful: number;
  failed: number;
  /** Of the successful ones together. */
  seconds: number;
  /** How many of the successful ones took at most so long; one for each of PROBE_SECONDS_UP_TO. */
  withinSeconds: number[];
}

export function newTally(of: Pick<ProbeTally, "podUid" | "container" | "kind">): ProbeTally {
  return { ...of, successful: 0, failed: 0, seconds: 0, withinSeconds: PROBE_SECONDS_UP_TO.map(() => 0) };
}

export function count(tally: ProbeTally, { success, seconds }: { success: boolean; seconds: number }): void {
  if (!success) return void tally.failed++;
  tally.successful++;
  tally.seconds += seconds;
  for (const [at, upTo] of PROBE_SECONDS_UP_TO.entries())
    if (seconds <= upTo) tally.withinSeconds[at] = (tally.withinSeconds[at] ?? 0) + 1;
}
