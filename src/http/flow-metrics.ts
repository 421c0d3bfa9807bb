/**
 * Priority and fairness under kube-apiserver's names (k8s.io/apiserver/pkg/util/flowcontrol/metrics). Labels are names of flow schemas
 * and priority levels, which administrators make; each family is bounded.
 */
import type { FlowCounter, FlowCounts, Rejection } from "../flowcontrol/flow-counts.ts";
import type { Counter, Histogram, Metrics } from "../metrics/metrics.ts";
import type { Clock } from "../platform/platform.ts";

const WAITS_SECONDS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const LABELS = ["priority_level", "flow_schema"];
/** Flow schemas that were ever used; a stock cluster has 13. */
const SCHEMAS_MAX = 500;

export function createFlowMetrics({ metrics, clock }: { metrics: Metrics; clock: Clock }): FlowCounts {
  const families = familiesOf(metrics);
  const counters = new Map<string, SchemaCounter>();
  metrics.beforeExposition(() => {
    families.inqueue.clear();
    families.executing.clear();
    families.seats.clear();
    for (const { labels, waiting, executing } of counters.values()) {
      families.inqueue.series(...labels).set(waiting);
      families.executing.series(...labels).set(executing);
      // Every request takes one seat.
      families.seats.series(...labels).set(executing);
    }
  });

  return {
    of({ level, schema }) {
      const key = `${level}\n${schema}`;
      const known = counters.get(key);
      if (known) return known;
      const labels = counters.size < SCHEMAS_MAX ? [level, schema] : ["overflow", "overflow"];
      const shared = counters.get(labels.join("\n"));
      if (shared) return shared;
      const made = new SchemaCounter({ families, labels, clock });
      counters.set(labels.join("\n"), made);
      return made;
    },
  };
}

type Families = ReturnType<typeof familiesOf>;

function familiesOf(metrics: Metrics) {
  const bounded = { labels: LABELS, seriesMax: SCHEMAS_MAX + 2 };
  return {
    inqueue: metrics.gauge({
      name: "apiserver_flowcontrol_current_inqueue_requests",
      help: "[BETA] Requests that wait for a seat.",
      ...bounded,
    }),
    executing: metrics.gauge({
      name: "apiserver_flowcontrol_current_executing_requests",
      help: "[BETA] Requests that are worked on; watches and streams only until their answer begins.",
      ...bounded,
    }),
    seats: metrics.gauge({
      name: "apiserver_flowcontrol_current_executing_seats",
      help: "[BETA] Seats of the requests that are worked on.",
      ...bounded,
    }),
    dispatched: metrics.counter({
      name: "apiserver_flowcontrol_dispatched_requests_total",
      help: "[BETA] Requests that had their turn.",
      ...bounded,
    }),
    rejected: metrics.counter({
      name: "apiserver_flowcontrol_rejected_requests_total",
      help: "[BETA] Requests that were turned away, by why.",
      labels: [...LABELS, "reason"],
      seriesMax: 4 * (SCHEMAS_MAX + 2),
    }),
    waits: metrics.histogram({
      name: "apiserver_flowcontrol_request_wait_duration_seconds",
      help: "[BETA] How long requests waited for their turn, and whether it came.",
      labels: [...LABELS, "execute"],
      buckets: WAITS_SECONDS,
      seriesMax: 2 * (SCHEMAS_MAX + 2),
    }),
  };
}

class SchemaCounter implements FlowCounter {
  readonly labels: readonly string[];
  waiting = 0;
  executing = 0;
  readonly #families: Families;
  readonly #clock: Clock;
  readonly #total: Counter;
  readonly #waits: Histogram;

  constructor({ families, labels, clock }: { families: Families; labels: readonly string[]; clock: Clock }) {
    this.labels = labels;
    this.#families = families;
    this.#clock = clock;
    this.#total = families.dispatched.series(...labels);
    this.#waits = families.waits.series(...labels, "true");
  }

  queued(): number {
    this.waiting += 1;
    return this.#clock.now();
  }

  dispatched(queuedAtMs?: number): void {
    this.#waits.observe(this.#waitedSeconds(queuedAtMs));
    this.#total.add();
    this.executing += 1;
  }

  finished(): void {
    this.executing -= 1;
  }

  rejected(reason: Rejection, queuedAtMs?: number): void {
    this.#families.waits.series(...this.labels, "false").observe(this.#waitedSeconds(queuedAtMs));
    this.#families.rejected.series(...this.labels, reason).add();
  }

  /** It waits no more. */
  #waitedSeconds(queuedAtMs: number | undefined): number {
    if (queuedAtMs === undefined) return 0;
    this.waiting -= 1;
    return Math.max(0, this.#clock.now() - queuedAtMs) / 1_000;
  }
}
