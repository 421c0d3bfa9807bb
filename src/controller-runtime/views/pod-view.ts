/** What controllers and the scheduler keep of a pod. */
import type { Pod, PodPhase, PodSpec, Protocol, Toleration } from "../../kinds/core/pods/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { createInterner, type Interner } from "./interner.ts";
import { podClaims, running, schedulingSpec, type PodClaim, type SchedulingSpec } from "./scheduling-spec.ts";
import { metaView, timeMs, type View } from "./view.ts";

export interface PodView extends View {
  /** "" while it is not bound. */
  nodeName: string;
  schedulerName: string;
  phase: PodPhase;
  ready: boolean;
  /** Unix ms since when `ready` is what it is. */
  readySinceMs: number;
  /** Highest count of its containers. */
  restarts: number;
  podIPs: readonly string[];
  hostNetwork: boolean;
  hostname: string;
  subdomain: string;
  namedPorts: readonly { name: string; protocol: Protocol; port: number }[];
  tolerations: readonly Toleration[];
  priority: number;
  scheduling: SchedulingSpec;
  claims: readonly PodClaim[];
  /** Where its victims make room for it, while it is not bound; "" mostly. */
  nominatedNodeName: string;
  /** Unix ms since when its kubelet has it; 0 before. */
  startMs: number;
  deletionCost: number;
  hasScheduledCondition: "True" | "False" | "";
  /** Unix ms since when it is said to be about to go; not where its kubelet said so, which takes its time. */
  condemnedMs?: number;
  /** Its kubelet is done with it, or it was deleted by force. */
  shutDown?: true;
}

const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
const NONE: readonly never[] = [];

/** Views that share what many pods have in common (labels, what their template says): fifty thousand pods are small then. */
export function createPodViews(): (object: KubeObject) => PodView {
  const interner = createInterner();
  return (object) => shared(podView(object), interner);
}

function shared(view: PodView, { same, text }: Interner): PodView {
  const { metadata, scheduling } = view;
  view.scheduling = same(scheduling, scheduling.key);
  view.tolerations = view.scheduling.tolerations;
  view.namedPorts = same(view.namedPorts);
  view.nodeName = text(view.nodeName);
  view.schedulerName = text(view.schedulerName);
  metadata.namespace = text(metadata.namespace);
  metadata.creationTimestamp = text(metadata.creationTimestamp);
  metadata.labels = same(metadata.labels);
  metadata.ownerReferences = same(metadata.ownerReferences);
  metadata.finalizers = same(metadata.finalizers);
  return view;
}

export function podView(object: KubeObject): PodView {
  const pod = object as Pod;
  const { spec } = pod;
  const status = pod.status ?? {};
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  const scheduled = status.conditions?.find(({ type }) => type === "PodScheduled");
  const createdMs = timeMs(pod.metadata.creationTimestamp, 0);
  const nodeName = spec.nodeName ?? "";
  const view: PodView = {
    metadata: metaView(pod.metadata),
    nodeName,
    schedulerName: spec.schedulerName ?? "default-scheduler",
    phase: status.phase ?? "Pending",
    ready: ready?.status === "True",
    readySinceMs: timeMs(ready?.lastTransitionTime, createdMs),
    restarts: Math.max(0, ...(status.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
    podIPs: status.podIPs?.map(({ ip }) => ip) ?? (status.podIP ? [status.podIP] : NONE),
    hostNetwork: spec.hostNetwork === true,
    hostname: spec.hostname ?? "",
    subdomain: spec.subdomain ?? "",
    namedPorts: namedPorts(spec),
    tolerations: spec.tolerations ?? NONE,
    priority: spec.priority ?? 0,
    scheduling: schedulingSpec(pod),
    claims: podClaims(pod),
    nominatedNodeName: nodeName === "" ? (status.nominatedNodeName ?? "") : "",
    startMs: timeMs(status.startTime, 0),
    deletionCost: Number(pod.metadata.annotations?.[DELETION_COST] ?? 0) || 0,
    hasScheduledCondition: scheduled?.status === "True" || scheduled?.status === "False" ? scheduled.status : "",
  };
  const condemned = status.conditions?.find(({ type, status: said }) => type === "DisruptionTarget" && said === "True");
  if (condemned && condemned.reason !== "TerminationByKubelet") {
    view.condemnedMs = timeMs(condemned.lastTransitionTime, createdMs);
  }
  if (pod.metadata.deletionTimestamp !== undefined && pod.metadata.deletionGracePeriodSeconds === 0)
    view.shutDown = true;
  return view;
}

/** The claim of an ephemeral volume is named after its pod and the volume. */

/** Neither finished nor on its way out: what controllers count. */
export function isActive(pod: PodView): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

export function isFinished(pod: PodView): boolean {
  return pod.phase === "Succeeded" || pod.phase === "Failed";
}

function namedPorts(spec: PodSpec): PodView["namedPorts"] {
  const ports = running(spec).flatMap((container) => container.ports ?? []);
  const named = ports.filter(({ name }) => name);
  if (named.length === 0) return NONE;
  return named.map(({ name = "", protocol = "TCP", containerPort }) => ({ name, protocol, port: containerPort }));
}
