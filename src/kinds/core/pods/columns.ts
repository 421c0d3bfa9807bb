/** The columns of `kubectl get pods`, and what the tables of workloads show of their template. */
import { ageColumn, nameColumn, type PrinterColumn, type RowCondition } from "../../../registry/kind.ts";
import { printedStatus } from "./printed-status.ts";
import type { Pod, PodSpec } from "./types.ts";

export const podColumns: readonly PrinterColumn<Pod>[] = [
  nameColumn,
  {
    name: "Ready",
    type: "string",
    description: "How many containers of the pod are ready, of all.",
    value: (pod, nowMs) => printedStatus(pod, nowMs).ready,
  },
  {
    name: "Status",
    type: "string",
    description: "The state of the pod, or of the container that decides it.",
    value: (pod, nowMs) => printedStatus(pod, nowMs).status,
  },
  {
    name: "Restarts",
    type: "string",
    description: "How often containers of the pod were restarted, and when the last time was.",
    value: (pod, nowMs) => printedStatus(pod, nowMs).restarts,
  },
  ageColumn,
  {
    name: "IP",
    type: "string",
    priority: 1,
    description: "The address of the pod.",
    value: ({ status }) => status?.podIPs?.[0]?.ip || status?.podIP || "<none>",
  },
  {
    name: "Node",
    type: "string",
    priority: 1,
    description: "The node that the pod runs on.",
    value: ({ spec }) => spec.nodeName || "<none>",
  },
  {
    name: "Nominated Node",
    type: "string",
    priority: 1,
    description: "The node that the pod waits for.",
    value: ({ status }) => status?.nominatedNodeName || "<none>",
  },
  {
    name: "Readiness Gates",
    type: "string",
    priority: 1,
    description: "How many further conditions of readiness are met, of all.",
    value: readinessGates,
  },
];

/** What is said of the rows of pods that have ended, by phase. */
export const completions: Readonly<Record<string, readonly RowCondition[]>> = {
  Succeeded: [
    { type: "Completed", status: "True", reason: "Succeeded", message: "The pod has completed successfully." },
  ],
  Failed: [{ type: "Completed", status: "True", reason: "Failed", message: "The pod failed." }],
};

function readinessGates({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  const met = gates.filter(({ conditionType }) =>
    (status?.conditions ?? []).some((condition) => condition.type === conditionType && condition.status === "True"),
  );
  return `${met.length}/${gates.length}`;
}

export function containersCell(spec: PodSpec | undefined): string {
  return (spec?.containers ?? []).map(({ name }) => name).join(",");
}

export function imagesCell(spec: PodSpec | undefined): string {
  return (spec?.containers ?? []).map(({ image }) => image ?? "").join(",");
}

/** The three last columns of `-o wide` of a workload, without its selector. */
export function templateColumns<T extends { metadata: object; [field: string]: unknown }>(
  spec: (obj: T) => PodSpec | undefined,
): PrinterColumn<T>[] {
  return [
    {
      name: "Containers",
      type: "string",
      priority: 1,
      description: "Names of the containers in the template.",
      value: (obj) => containersCell(spec(obj)),
    },
    {
      name: "Images",
      type: "string",
      priority: 1,
      description: "Images of the containers in the template.",
      value: (obj) => imagesCell(spec(obj)),
    },
  ];
}
