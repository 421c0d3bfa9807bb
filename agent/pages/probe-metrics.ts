/** /metrics/probes: how often probes have said what, under the names of k8s.io/kubernetes/pkg/kubelet/prober/prober_manager.go. */
import type { Pod } from "../pods/pod.ts";
import type { ProbeTally } from "../probes/probe-tally.ts";
import { PROBE_SECONDS_UP_TO } from "../probes/probe-tally.ts";
import { family, labelsOf, textOf, type Sample } from "./prometheus-text.ts";

const TYPES = { liveness: "Liveness", readiness: "Readiness", startup: "Startup" } as const;

export function probeMetrics(tallies: readonly ProbeTally[], pods: readonly Pod[]): string {
  const names = new Map(pods.map(({ metadata }) => [metadata.uid, metadata]));
  const known = tallies.flatMap((tally) => {
    const { namespace, name: pod } = names.get(tally.podUid) ?? {};
    if (namespace === undefined || pod === undefined) return [];
    return [{ tally, labels: { container: tally.container, namespace, pod, probe_type: TYPES[tally.kind] } }];
  });
  return textOf([
    ...family(
      [
        "prober_probe_total",
        "Cumulative number of a liveness, readiness or startup probe for a container by result.",
        "counter",
      ],
      known.flatMap(({ tally, labels }) =>
        (["successful", "failed"] as const)
          .filter((result) => tally[result] > 0)
          .map((result): Sample => [labelsOf({ ...labels, pod_uid: tally.podUid, result }), tally[result]]),
      ),
    ),
    ...durations(known.filter(({ tally }) => tally.successful > 0)),
  ]);
}

function durations(known: readonly { tally: ProbeTally; labels: Readonly<Record<string, string>> }[]): string[] {
  if (known.length === 0) return [];
  const name = "prober_probe_duration_seconds";
  const lines = known.flatMap(({ tally, labels }) => [
    ...PROBE_SECONDS_UP_TO.map(
      (le, at) => `${name}_bucket${labelsOf({ ...labels, le: String(le) })} ${tally.withinSeconds[at] ?? 0}`,
    ),
    `${name}_bucket${labelsOf({ ...labels, le: "+Inf" })} ${tally.successful}`,
    `${name}_sum${labelsOf(labels)} ${tally.seconds}`,
    `${name}_count${labelsOf(labels)} ${tally.successful}`,
  ]);
  return [`# HELP ${name} Duration in seconds for a probe response.`, `# TYPE ${name} histogram`, ...lines];
}
