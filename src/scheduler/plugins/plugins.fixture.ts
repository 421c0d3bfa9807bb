/** What one plugin says of a pod and a few nodes: for tables. */
import { node, pod, type PodParts } from "../../controller-runtime/views.fixture.ts";
import type { NodeView } from "../../controller-runtime/views/node-view.ts";
import type { PodView } from "../../controller-runtime/views/pod-view.ts";
import type { PodSpec } from "../../kinds/core/pods/types.ts";
import { evaluate, type Evaluation } from "../evaluate.ts";
import type { Plugin, Tables } from "../framework.ts";
import { createSnapshot } from "../snapshot.ts";

export interface Scene {
  nodes: readonly NodeView[];
  /** Placed ones. */
  pods?: readonly PodView[];
  /** What the pod is, of which is asked. */
  pod?: Partial<PodSpec>;
  meta?: PodParts["meta"];
  tables?: (tables: Tables) => void;
}

/** With this plugin alone, at weight 1. */
export function evaluateWith(plugin: Plugin, scene: Scene): Evaluation {
  const snapshot = createSnapshot();
  scene.tables?.(snapshot.tables);
  for (const one of scene.nodes) snapshot.setNode(one);
  for (const one of scene.pods ?? []) snapshot.setPod(one);
  const waiting = pod("waiting", {
    phase: "Pending",
    spec: scene.pod ?? {},
    ...(scene.meta ? { meta: scene.meta } : {}),
  });
  return evaluate(snapshot, waiting, {
    schedulerName: "test",
    plugins: [{ plugin, weight: 1 }],
    percentageOfNodesToScore: 0,
  });
}

/** Reasons by node; "" where the pod may run. One word for all nodes where the pod itself is refused. */
export function refusals(plugin: Plugin, scene: Scene): Record<string, string> | string {
  const { refused, nodes } = evaluateWith(plugin, scene);
  if (refused) return refused.reasons.join(", ");
  return Object.fromEntries([...nodes].map(([name, said]) => [name, said.refused?.reasons.join(", ") ?? ""]));
}

/** Scores by node, of those where the pod may run. */
export function scores(plugin: Plugin, scene: Scene): Record<string, number> {
  const feasible = [...evaluateWith(plugin, scene).nodes].filter(([, { refused }]) => refused === undefined);
  return Object.fromEntries(feasible.map(([name, { total }]) => [name, total]));
}

/** A node with these labels beside its hostname. */
export function labelled(name: string, labels: Record<string, string> = {}): NodeView {
  return node(name, { meta: { labels: { "kubernetes.io/hostname": name, ...labels } } });
}

export function sized(name: string, allocatable: Record<string, string>): NodeView {
  return node(name, { status: { allocatable: { pods: "110", ...allocatable } } });
}

/** A placed pod with these labels. */
export function placed(
  name: string,
  on: string,
  labels: Record<string, string> = {},
  spec: Partial<PodSpec> = {},
): PodView {
  return pod(name, { node: on, meta: { labels }, spec });
}

export const asking = (requests: Record<string, string>): Partial<PodSpec> => ({
  containers: [{ name: "c", resources: { requests } }],
});
