/** The clusters and pods of kube-scheduler's own benchmark (test/integration/scheduler_perf), made smaller where 500 nodes are few. */
import type { Node } from "../../src/kinds/core/nodes/types.ts";
import type { Pod, PodSpec } from "../../src/kinds/core/pods/types.ts";

export const PODS = 10_000;
export const NAMESPACE = "default";
const HOSTNAME = "kubernetes.io/hostname";
const ZONE = "topology.kubernetes.io/zone";
const REGION = "topology.kubernetes.io/region";
const ZONES = 3;
/** Each of them looks at all nodes, which are full. */
const PREEMPTING_PODS = 1_000;
/** Each of them fits on any cluster, one pod a node. */
const GROUP_PODS = 200;

export interface SchedulerCase {
  name: string;
  /** What kube-scheduler has to reach at 5,000 nodes, in pods a second. */
  threshold?: { value: number; of: string };
  /** Pods to be scheduled. */
  pods(nodes: number): number;
  pod(at: number): {
    labels: Record<string, string>;
    spec: Omit<PodSpec, "containers"> & { cpu: string; memory: string };
  };
  /** On each node before it begins: less important pods that fill it. */
  filled?: boolean;
  /** While it runs nodes and pods go and come. */
  churns?: boolean;
}

const small = { cpu: "100m", memory: "500Mi" };
const grouped = (at: number) => ({ group: String(Math.floor(at / GROUP_PODS)) });

export const CASES: readonly SchedulerCase[] = [
  {
    name: "basic",
    threshold: { value: 680, of: "SchedulingBasic 5000Nodes_10000Pods (680 to 810)" },
    pods: () => PODS,
    pod: () => ({ labels: { color: "none" }, spec: small }),
  },
  {
    name: "affinity",
    pods: () => PODS,
    pod: () => ({
      labels: { color: "blue" },
      spec: {
        ...small,
        affinity: {
          podAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: REGION, labelSelector: { matchLabels: { color: "blue" } } },
            ],
          },
        },
      },
    }),
  },
  {
    name: "anti-affinity",
    pods: () => PODS,
    pod: (at) => ({
      labels: grouped(at),
      spec: {
        ...small,
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: HOSTNAME, labelSelector: { matchLabels: grouped(at) } },
            ],
          },
        },
      },
    }),
  },
  {
    name: "topology-spread",
    pods: () => PODS,
    pod: () => ({
      labels: { color: "red" },
      spec: {
        ...small,
        topologySpreadConstraints: [
          {
            maxSkew: 5,
            topologyKey: ZONE,
            whenUnsatisfiable: "DoNotSchedule",
            labelSelector: { matchLabels: { color: "red" } },
          },
        ],
      },
    }),
  },
  {
    name: "preemption",
    threshold: { value: 570, of: "PreemptionAsync 5000Nodes" },
    pods: (nodes) => Math.min(nodes, PREEMPTING_PODS),
    pod: () => ({ labels: { color: "none" }, spec: { cpu: "3", memory: "500Mi", priority: 1_000 } }),
    filled: true,
  },
  {
    name: "churn",
    threshold: { value: 710, of: "SchedulingWithMixedChurn 5000Nodes_10000Pods" },
    pods: () => PODS,
    pod: () => ({ labels: { color: "none" }, spec: small }),
    churns: true,
  },
];

export function nodeOf(at: number): Node {
  const name = `node-${at}`;
  const allocatable = { cpu: "4", memory: "32Gi", pods: "110" };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, uid: `uid-${name}`, labels: { [HOSTNAME]: name, [ZONE]: `zone-${at % ZONES}`, [REGION]: "one" } },
    spec: {},
    status: {
      capacity: allocatable,
      allocatable,
      conditions: [{ type: "Ready", status: "True", reason: "KubeletReady", message: "the node is ready" }],
    },
  };
}

export function podOf(name: string, { labels, spec: { cpu, memory, ...spec } }: ReturnType<SchedulerCase["pod"]>): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: NAMESPACE, uid: `uid-${name}`, labels, creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: {
      containers: [{ name: "pause", image: "registry.example.com/pause:1", resources: { requests: { cpu, memory } } }],
      terminationGracePeriodSeconds: 0,
      ...spec,
    },
    status: { phase: "Pending" },
  };
}

/** Pods that fill a node but for what is too little. */
export const FILLING = {
  pods: 4,
  as: { labels: { color: "low" }, spec: { cpu: "900m", memory: "500Mi", priority: 0 } },
};
