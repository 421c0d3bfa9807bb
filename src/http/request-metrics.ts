/**
 * What kube-apiserver counts of its requests, under its names and labels (k8s.io/apiserver/pkg/endpoints/metrics). Every request is
 * counted here, so the way to its series is a few lookups by identity and makes nothing. Watches and streams count when their
 * answer begins, and have no duration: how many are open the hub knows.
 */
import type { Metrics, Counter, Histogram, Family } from "../metrics/metrics.ts";
import type { Clock } from "../platform/platform.ts";
import type { KindDefinition } from "../registry/kind.ts";
import type { VirtualKind } from "./discovery-documents.ts";
import type { RequestInfo, ResourceInfo } from "./request-info.ts";

/** A request on its way through the API, as far as it has come. */
export interface Counted {
  request: Request;
  info: RequestInfo | undefined;
  /** Undefined also for a resource that is not served: its name comes from outside and is no label. */
  resource: LabelledResource | undefined;
  /** Characters of the body that is sent, where it is text. */
  bodyLength: number;
  /** Unix ms */
  startMs: number;
}

/** A resource of the scheme, or a review. */
export type LabelledResource = Pick<VirtualKind, "group" | "version" | "plural" | "namespaced"> & {
  kind: Pick<KindDefinition, "subresources" | "deprecated"> | string;
};

export interface RequestMetrics {
  /** Sets `startMs`. */
  begin(counted: Counted): void;
  end(counted: Counted, status: number): void;
}

const DURATIONS_SECONDS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
const SIZES_BYTES = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

const TARGET = ["group", "version", "resource", "subresource", "scope", "component"];

/** Two versions of a hundred resources with their subresources and verbs, all asked for. */
const SERIES_MAX = 5_000;

/** Subresources that lead into a pod, a node or a service. */
const CONNECT = new Set(["log", "exec", "portforward", "attach", "proxy"]);
const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);

interface Series {
  duration: Histogram | undefined;
  size: Histogram | undefined;
  byCode: Map<number, Counter>;
  /** For codes that have not been seen. */
  labels: readonly string[];
}

/** The series of one resource, subresource or path. */
interface Target {
  group: string;
  version: string;
  resource: string;
  subresource: string;
  byVerb: Map<string, Partial<Record<Scope, Series>>>;
  dryRun: Map<string, Partial<Record<Scope, Series>>>;
}

type Scope = "" | "cluster" | "namespace" | "resource";

export function createRequestMetrics(deps: {
  metrics: Metrics;
  clock: Clock;
  /** Paths beside resources that are counted by name. */
  paths: readonly string[];
}): RequestMetrics {
  const { metrics, clock } = deps;
  const total = metrics.counter({
    name: "apiserver_request_total",
    help: "[STABLE] Requests, by what they asked for and the code of the answer.",
    labels: ["verb", "dry_run", ...TARGET, "code"],
    seriesMax: SERIES_MAX,
  });
  const durations = metrics.histogram({
    name: "apiserver_request_duration_seconds",
    help: "[STABLE] Time until the answer began, by what was asked for. Watches and streams are not in it.",
    labels: ["verb", "dry_run", ...TARGET],
    buckets: DURATIONS_SECONDS,
    seriesMax: SERIES_MAX,
  });
  const sizes = metrics.histogram({
    name: "apiserver_response_sizes",
    help: "[STABLE] Length of the answers to GET and LIST before compression.",
    labels: ["verb", ...TARGET],
    buckets: SIZES_BYTES,
    seriesMax: SERIES_MAX,
  });
  const deprecated = metrics.gauge({
    name: "apiserver_requested_deprecated_apis",
    help: "[STABLE] Deprecated APIs that were asked for.",
    labels: ["group", "version", "resource", "subresource", "removed_release"],
    seriesMax: SERIES_MAX,
  });
  const inflight = addInflight(metrics, clock);
  const families = { total, durations, sizes };

  const targets = new Map<LabelledResource, Map<string, Target>>();
  const unknown = target({});
  const paths = new Map(deps.paths.map((path) => [path, target({ subresource: path })]));

  return {
    begin(counted) {
      counted.startMs = clock.now();
      inflight.change(counted.request.method, { by: 1, nowMs: counted.startMs });
    },
    end(counted, status) {
      const nowMs = clock.now();
      inflight.change(counted.request.method, { by: -1, nowMs });
      const series = seriesOf(counted);
      let code = series.byCode.get(status);
      if (code === undefined) {
        code = families.total.series(...series.labels, String(status));
        series.byCode.set(status, code);
      }
      code.add();
      series.duration?.observe((nowMs - counted.startMs) / 1_000);
      series.size?.observe(counted.bodyLength);
    },
  };

  function seriesOf({ request, info, resource }: Counted): Series {
    if (info === undefined) return found(unknown, { verb: pathVerb(request.method), scope: "", dryRun: false });
    if (!info.isResource) {
      return found(paths.get(info.path) ?? unknown, { verb: pathVerb(request.method), scope: "", dryRun: false });
    }
    const asked = { verb: verbOf(info, request), scope: scopeOf(info, resource), dryRun: isDryRun(request.url) };
    return found(resource ? targetOf(resource, info.subresource) : unknown, asked);
  }

  function targetOf(resource: LabelledResource, subresource: string): Target {
    let bySubresource = targets.get(resource);
    if (bySubresource === undefined) targets.set(resource, (bySubresource = new Map()));
    let known = bySubresource.get(subresource);
    if (known === undefined) {
      if (!hasSubresource(resource, subresource)) return unknown;
      const { group, version, plural, kind } = resource;
      // No deprecated version that is served has a release in which it goes.
      if (typeof kind !== "string" && kind.deprecated !== undefined)
        deprecated.series(group, version, plural, subresource, "").set(1);
      bySubresource.set(subresource, (known = target({ group, version, resource: plural, subresource })));
    }
    return known;
  }

  function found(of: Target, { verb, scope, dryRun }: { verb: string; scope: Scope; dryRun: boolean }): Series {
    const byVerb = dryRun ? of.dryRun : of.byVerb;
    let byScope = byVerb.get(verb);
    if (byScope === undefined) byVerb.set(verb, (byScope = {}));
    return (byScope[scope] ??= newSeries(families, of, { verb, scope, dryRun: dryRun ? "All" : "" }));
  }
}

function target(labels: Partial<Pick<Target, "group" | "version" | "resource" | "subresource">>): Target {
  return { group: "", version: "", resource: "", subresource: "", ...labels, byVerb: new Map(), dryRun: new Map() };
}

function newSeries(
  families: { total: Family<Counter>; durations: Family<Histogram>; sizes: Family<Histogram> },
  { group, version, resource, subresource }: Target,
  { verb, scope, dryRun }: { verb: string; scope: Scope; dryRun: string },
): Series {
  const labels = [group, version, resource, subresource, scope, "apiserver"];
  const isLong = verb === "WATCH" || verb === "CONNECT";
  return {
    duration: isLong ? undefined : families.durations.series(verb, dryRun, ...labels),
    size: verb === "GET" || verb === "LIST" ? families.sizes.series(verb, ...labels) : undefined,
    byCode: new Map(),
    labels: [verb, dryRun, ...labels],
  };
}

/** Names of subresources come from outside: only those that exist are labels. */
function hasSubresource({ kind }: LabelledResource, name: string): boolean {
  return (
    name === "" || (typeof kind !== "string" && kind.subresources.some((subresource) => subresource.name === name))
  );
}

/** Close enough for counting, without parsing a query. */
function isDryRun(url: string): boolean {
  return url.includes("dryRun=All");
}

function pathVerb(method: string): string {
  if (method === "HEAD") return "GET";
  return METHODS.has(method) ? method : "other";
}

function verbOf({ verb, subresource }: ResourceInfo, request: Request): string {
  if (subresource !== "" && CONNECT.has(subresource)) return "CONNECT";
  switch (verb) {
    case "get":
      return "GET";
    case "list":
      return "LIST";
    case "watch":
      return "WATCH";
    case "create":
      return "POST";
    case "update":
      return "PUT";
    case "patch":
      return request.headers.get("content-type")?.startsWith("application/apply-patch+yaml") ? "APPLY" : "PATCH";
    default:
      return "DELETE";
  }
}

function scopeOf({ name, verb, namespace }: ResourceInfo, resource: LabelledResource | undefined): Scope {
  if (name !== "" || verb === "create") return "resource";
  return namespace !== "" && resource?.namespaced ? "namespace" : "cluster";
}

/** The most requests that were under way at once within the last second, of each sort. */
function addInflight(
  metrics: Metrics,
  clock: Clock,
): { change(method: string, at: { by: 1 | -1; nowMs: number }): void } {
  const sorts = { readOnly: new Watermark(), mutating: new Watermark() };
  const gauge = metrics.gauge({
    name: "apiserver_current_inflight_requests",
    help: "[STABLE] The most requests under way at once in the last second, by sort; open watches are not in it.",
    labels: ["request_kind"],
  });
  metrics.beforeExposition(() => {
    const second = Math.floor(clock.now() / 1_000);
    for (const [sort, watermark] of Object.entries(sorts)) gauge.series(sort).set(watermark.at(second));
  });
  return {
    change(method, { by, nowMs }) {
      const watermark = method === "GET" || method === "HEAD" ? sorts.readOnly : sorts.mutating;
      watermark.change(by, Math.floor(nowMs / 1_000));
    },
  };
}

class Watermark {
  #current = 0;
  #peak = 0;
  #peakBefore = 0;
  #second = 0;

  change(by: number, second: number): void {
    this.#turnTo(second);
    this.#current += by;
    if (this.#current > this.#peak) this.#peak = this.#current;
  }

  at(second: number): number {
    this.#turnTo(second);
    return Math.max(this.#peak, this.#peakBefore);
  }

  #turnTo(second: number): void {
    if (second === this.#second) return;
    this.#peakBefore = second === this.#second + 1 ? this.#peak : this.#current;
    this.#peak = this.#current;
    this.#second = second;
  }
}
