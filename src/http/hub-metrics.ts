/** What the hub knows of watches, asked for at each exposition: on the edge it is another object, and the figures are the cluster's. */
import type { Hub } from "../hub/hub.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Scheme } from "../registry/scheme.ts";

export function addHubMetrics(metrics: Metrics, { hub, scheme }: { hub: Hub; scheme: Scheme }): void {
  const open = metrics.gauge({
    name: "apiserver_longrunning_requests",
    help: "[STABLE] Watches that are open, by resource in the version it is stored in.",
    labels: ["verb", "group", "version", "resource", "subresource", "scope", "component"],
  });
  const events = metrics.counter({
    name: "apiserver_watch_events_total",
    help: "[BETA] Events sent to watches since the hub started; objects that were there already are not in it.",
    labels: ["group", "version", "resource"],
  });
  const windowBytes = metrics.gauge({
    name: "gantry_watch_window_bytes",
    help: "Memory of the hub that holds recent changes for watches that come back.",
  });
  const known = new Map<string, number>();

  metrics.beforeExposition(async () => {
    const statistics = await hub.statistics?.();
    if (!statistics) return;
    open.clear();
    for (const [storageName, count] of Object.entries(statistics.watchers)) {
      const of = scheme.findStored(storageName);
      if (of) open.series("WATCH", of.group, of.version, of.plural, "", "", "apiserver").set(count);
    }
    for (const [storageName, count] of Object.entries(statistics.events)) {
      const of = scheme.findStored(storageName);
      if (!of) continue;
      // A hub that started anew counts from zero; a counter never falls.
      const before = known.get(storageName) ?? 0;
      events.series(of.group, of.version, of.plural).add(count < before ? count : count - before);
      known.set(storageName, count);
    }
    windowBytes.series().set(statistics.windowBytes);
  });
}
