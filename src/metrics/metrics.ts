/**
 * Counters, gauges and histograms of one process (or isolate), in the model of Prometheus. A family is a name with labels; one of its
 * series is looked up by its label values once and kept by whoever counts, so that counting is an addition. Series are bounded: what
 * comes after the limit is counted together, under the label value "overflow".
 */

export interface FamilyOptions {
  /** As it is exposed: counters end in `_total`, times are in seconds, sizes in bytes. */
  name: string;
  help: string;
  /** Values are given in this order. */
  labels?: readonly string[];
  /** Series at most; 1,000 unless said otherwise. */
  seriesMax?: number;
}

export interface HistogramOptions extends FamilyOptions {
  /** Upper bounds, rising; +Inf is added. */
  buckets: readonly number[];
}

export interface Counter {
  /** By one, unless told. Never falls. */
  add(by?: number): void;
}

export interface Gauge {
  set(value: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

export interface Family<Series> {
  /** The series with these label values; the same one on every call. */
  series(...values: string[]): Series;
}

export interface GaugeFamily extends Family<Gauge> {
  /** Forgets all series: for what is set anew at every exposition. */
  clear(): void;
}

export interface Metrics {
  counter(options: FamilyOptions): Family<Counter>;
  gauge(options: FamilyOptions): GaugeFamily;
  histogram(options: HistogramOptions): Family<Histogram>;
  /** Called before each exposition, to set what is only known when asked for. A failure leaves out what it would have set. */
  beforeExposition(collect: () => void | Promise<void>): void;
  /** What there is now, by name. */
  collect(): Promise<FamilySnapshot[]>;
}

export type FamilySnapshot = Readonly<Pick<FamilyOptions, "name" | "help">> & {
  labels: readonly string[];
} & (
    | { type: "counter" | "gauge"; series: readonly { values: readonly string[]; value: number }[] }
    | {
        type: "histogram";
        buckets: readonly number[];
        /** `counts` has one more than `buckets`, each for itself (not cumulative). */
        series: readonly { values: readonly string[]; counts: readonly number[]; sum: number }[];
      }
  );

const SERIES_MAX = 1_000;
const OVERFLOW = "overflow";

class Value implements Counter, Gauge {
  value = 0;

  add(by = 1): void {
    this.value += by;
  }

  set(value: number): void {
    this.value = value;
  }
}

class Buckets implements Histogram {
  readonly counts: number[];
  sum = 0;
  readonly #bounds: readonly number[];

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    // Most of what is measured is small: the first bounds decide.
    while (at < bounds.length && value > (bounds[at] as number)) at++;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sum += value;
  }
}

class SeriesMap<Series> implements Family<Series> {
  readonly options: FamilyOptions;
  readonly #make: () => Series;
  readonly #byKey = new Map<string, { values: readonly string[]; series: Series }>();

  constructor(options: FamilyOptions, make: () => Series) {
    this.options = options;
    this.#make = make;
  }

  get labels(): readonly string[] {
    return this.options.labels ?? [];
  }

  series(...values: string[]): Series {
    const { name, seriesMax = SERIES_MAX } = this.options;
    if (values.length !== this.labels.length) throw new Error(`${name} has labels ${this.labels.join(", ")}`);
    const known = this.#byKey.get(keyOf(values));
    if (known) return known.series;
    const kept = this.#byKey.size < seriesMax - 1 ? values : values.map(() => OVERFLOW);
    const overflow = this.#byKey.get(keyOf(kept));
    if (overflow) return overflow.series;
    const series = this.#make();
    this.#byKey.set(keyOf(kept), { values: kept, series });
    return series;
  }

  clear(): void {
    this.#byKey.clear();
  }

  all(): Iterable<{ values: readonly string[]; series: Series }> {
    return this.#byKey.values();
  }
}

function keyOf(values: readonly string[]): string {
  return values.join("\u0000");
}

export function createMetrics(): Metrics {
  const families = new Map<string, () => FamilySnapshot>();
  const collectors: (() => void | Promise<void>)[] = [];

  /** @throws Error for a name that is taken: a fault of the build */
  function register(name: string, snapshot: () => FamilySnapshot): void {
    if (families.has(name)) throw new Error(`two metrics are named ${name}`);
    families.set(name, snapshot);
  }

  function valueFamily(type: "counter" | "gauge", options: FamilyOptions): SeriesMap<Value> {
    const family = new SeriesMap(options, () => new Value());
    const { name, help } = options;
    register(name, () => ({
      type,
      name,
      help,
      labels: family.labels,
      series: Array.from(family.all(), ({ values, series }) => ({ values, value: series.value })),
    }));
    return family;
  }

  return {
    counter: (options) => valueFamily("counter", options),
    gauge: (options) => valueFamily("gauge", options),
    histogram(options) {
      const { name, help, buckets } = options;
      const family = new SeriesMap(options, () => new Buckets(buckets));
      register(name, () => ({
        type: "histogram",
        name,
        help,
        labels: family.labels,
        buckets,
        series: Array.from(family.all(), ({ values, series: { counts, sum } }) => ({ values, counts, sum })),
      }));
      return family;
    },
    beforeExposition: (collect) => void collectors.push(collect),
    async collect() {
      await Promise.allSettled(collectors.map(async (collect) => await collect()));
      const snapshots = Array.from(families.values(), (snapshot) => snapshot());
      return snapshots.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}
