/** What this process is and uses, under the names that every Prometheus client has for it. */
import type { Platform } from "../platform/platform.ts";
import type { Metrics } from "./metrics.ts";

export function addProcessMetrics(
  metrics: Metrics,
  { usage, build }: { usage: Platform["usage"]; build: Readonly<Record<string, string>> },
): void {
  metrics
    .gauge({
      name: "kubernetes_build_info",
      help: "Always 1; the labels name the Kubernetes version whose API this is.",
      labels: Object.keys(build),
    })
    .series(...Object.values(build))
    .set(1);
  if (!usage) return;
  const started = metrics.gauge({
    name: "process_start_time_seconds",
    help: "When the process started, in Unix seconds.",
  });
  const memory = metrics.gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory of the process.",
  });
  const heap = metrics.gauge({ name: "nodejs_heap_size_used_bytes", help: "JavaScript heap in use." });
  const cpu = metrics.counter({
    name: "process_cpu_seconds_total",
    help: "CPU time of the process, user and system.",
  });
  let cpuSeconds = 0;
  metrics.beforeExposition(() => {
    const now = usage();
    started.series().set(now.startedMs / 1_000);
    memory.series().set(now.residentBytes);
    heap.series().set(now.heapBytes);
    cpu.series().add(now.cpuSeconds - cpuSeconds);
    cpuSeconds = now.cpuSeconds;
  });
}
