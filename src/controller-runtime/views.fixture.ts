/** Views for tables in tests: say what matters, the rest is ordinary. */
import { metaView } from "./views/view.ts";
import { nodeView, type NodeView } from "./views/node-view.ts";
import { podView, type PodView } from "./views/pod-view.ts";
import type { DeploymentView, ReplicaSetView } from "./views/workload-views.ts";
import type { Node } from "../kinds/core/nodes/types.ts";
import type { Pod, PodCondition } from "../kinds/core/pods/types.ts";
import { formatTime, type ObjectMeta } from "../machinery/meta.ts";

export const NOW_MS = Date.parse("2026-01-01T12:00:00Z");

export function metaOf(name: string, more: ObjectMeta = {}) {
  const created = formatTime(NOW_MS - 3_600_000);
  return metaView(
    {
      name,
      namespace: "n",
      uid: `uid-${name}`,
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: created,
      ...more,
    },
    { annotations: () => true },
  );
}

export interface PodParts {
  node?: string;
  phase?: NonNullable<Pod["status"]>["phase"];
  /** Since when, as Unix ms; true is long ago. */
  ready?: boolean | number;
  ip?: string;
  meta?: ObjectMeta;
  spec?: Partial<Pod["spec"]>;
  restarts?: number;
}

export function pod(name: string, parts: PodParts = {}): PodView {
  const { node: nodeName = "", phase = "Running", ready = true, ip, meta = {}, spec = {}, restarts = 0 } = parts;
  const since = formatTime(typeof ready === "number" ? ready : NOW_MS - 600_000);
  const condition: PodCondition = {
    type: "Ready",
    status: ready === false ? "False" : "True",
    lastTransitionTime: since,
  };
  const object: Pod = {
    metadata: {
      name,
      namespace: "n",
      uid: `uid-${name}`,
      resourceVersion: "1",
      creationTimestamp: formatTime(NOW_MS - 3_600_000),
      ...meta,
    },
    spec: { containers: [{ name: "c" }], ...(nodeName === "" ? {} : { nodeName }), ...spec },
    status: {
      phase,
      conditions: [condition],
      ...(ip === undefined ? {} : { podIPs: ip.split(",").map((one) => ({ ip: one })) }),
      containerStatuses: [{ name: "c", ready: ready !== false, restartCount: restarts, image: "", imageID: "" }],
    },
  };
  return podView(object);
}

export function node(
  name: string,
  parts: { meta?: ObjectMeta; spec?: Node["spec"]; status?: Node["status"] } = {},
): NodeView {
  const object: Node = {
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: "1",
      labels: { "kubernetes.io/hostname": name },
      ...parts.meta,
    },
    spec: parts.spec ?? {},
    status: parts.status ?? {
      allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
  return nodeView(object);
}

export function replicaSet(name: string, parts: Partial<ReplicaSetView> & { meta?: ObjectMeta } = {}): ReplicaSetView {
  const { meta, ...more } = parts;
  return {
    metadata: metaOf(name, meta),
    replicas: 3,
    minReadySeconds: 0,
    selector: { matchLabels: { app: "web" } },
    templateLabels: { app: "web" },
    templateIdentity: name,
    status: { replicas: 0 },
    ...more,
  };
}

/** Of size `replicas`, with this many of them available. */
export function rolled(name: string, replicas: number, available: number, more: Parameters<typeof replicaSet>[1] = {}) {
  const status = { replicas, readyReplicas: available, availableReplicas: available, observedGeneration: 1 };
  return replicaSet(name, { replicas, status, ...more });
}

export function deployment(parts: Partial<DeploymentView> & { meta?: ObjectMeta } = {}): DeploymentView {
  const { meta, ...more } = parts;
  return {
    metadata: metaOf("web", meta),
    replicas: 3,
    minReadySeconds: 0,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    paused: false,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
    selector: { matchLabels: { app: "web" } },
    templateLabels: { app: "web" },
    templateIdentity: "new",
    status: {},
    ...more,
  };
}
