/** What controllers and the scheduler keep of a pod. */
import type { Affinity, Container, Pod, PodPhase, PodSpec, Protocol, Toleration } from "../../kinds/core/pods/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { resourceAmounts, type Amounts } from "./amounts.ts";
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
  hostPorts: readonly HostPort[];
  requests: Amounts;
  tolerations: readonly Toleration[];
  priority: number;
  deletionCost: number;
  hasScheduledCondition: "True" | "False" | "";
  /** Unix ms since when it is said to be about to go; not where its kubelet said so, which takes its time. */
  condemnedMs?: number;
  /** Claims whose volumes it mounts; absent where there are none. */
  claims?: readonly MountedClaim[];
  /** Its kubelet is done with it, or it was deleted by force. */
  shutDown?: true;
  /** What only matters until a node is chosen; dropped afterwards. */
  placement?: Placement;
}

export interface MountedClaim {
  /** In the pod's namespace. */
  name: string;
  /** Made for the pod alone: another claim of this name is not it. */
  ephemeral: boolean;
}

export interface HostPort {
  ip: string;
  protocol: Protocol;
  port: number;
}

export interface Placement {
  nodeSelector: Readonly<Record<string, string>>;
  affinity?: Affinity;
  gated: boolean;
}

const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
const NONE: readonly never[] = [];

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
    hostPorts: hostPorts(spec),
    requests: podRequests(spec),
    tolerations: spec.tolerations ?? NONE,
    priority: spec.priority ?? 0,
    deletionCost: Number(pod.metadata.annotations?.[DELETION_COST] ?? 0) || 0,
    hasScheduledCondition: scheduled?.status === "True" || scheduled?.status === "False" ? scheduled.status : "",
  };
  const condemned = status.conditions?.find(({ type, status: said }) => type === "DisruptionTarget" && said === "True");
  if (condemned && condemned.reason !== "TerminationByKubelet") {
    view.condemnedMs = timeMs(condemned.lastTransitionTime, createdMs);
  }
  const claims = mountedClaims(pod);
  if (claims.length > 0) view.claims = claims;
  if (pod.metadata.deletionTimestamp !== undefined && pod.metadata.deletionGracePeriodSeconds === 0)
    view.shutDown = true;
  if (nodeName === "") {
    view.placement = {
      nodeSelector: spec.nodeSelector ?? {},
      gated: (spec.schedulingGates?.length ?? 0) > 0,
      ...(spec.affinity ? { affinity: spec.affinity } : {}),
    };
  }
  return view;
}

/** The claim of an ephemeral volume is named after its pod and the volume. */
function mountedClaims({ metadata, spec }: Pod): MountedClaim[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim: claim, ephemeral }): MountedClaim[] => {
    if (claim) return [{ name: claim.claimName, ephemeral: false }];
    return ephemeral ? [{ name: `${metadata.name ?? ""}-${name}`, ephemeral: true }] : [];
  });
}

/** Neither finished nor on its way out: what controllers count. */
export function isActive(pod: PodView): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

export function isFinished(pod: PodView): boolean {
  return pod.phase === "Succeeded" || pod.phase === "Failed";
}

/** Sidecars run as long as the containers do, so their ports count like theirs. */
function running(spec: PodSpec): Container[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...(spec.containers ?? []), ...sidecars];
}

function namedPorts(spec: PodSpec): PodView["namedPorts"] {
  const ports = running(spec).flatMap((container) => container.ports ?? []);
  const named = ports.filter(({ name }) => name);
  if (named.length === 0) return NONE;
  return named.map(({ name = "", protocol = "TCP", containerPort }) => ({ name, protocol, port: containerPort }));
}

function hostPorts(spec: PodSpec): readonly HostPort[] {
  const ports = running(spec)
    .flatMap((container) => container.ports ?? [])
    .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0);
  if (ports.length === 0) return NONE;
  return ports.map(({ hostIP, protocol = "TCP", hostPort = 0 }) => ({
    ip: hostIP || "0.0.0.0",
    protocol,
    port: hostPort,
  }));
}

/**
 * What a pod needs of its node: the containers together, or the largest init container where that is more, and the overhead.
 * Sidecars count with the containers and with every init container after them (KEP-753).
 */
function podRequests(spec: PodSpec): Amounts {
  const total: Record<string, number> = {};
  for (const { resources } of spec.containers ?? []) add(total, resourceAmounts(resources?.requests));
  const sidecars: Record<string, number> = {};
  const initial: Record<string, number> = {};
  for (const { resources, restartPolicy } of spec.initContainers ?? []) {
    const own = resourceAmounts(resources?.requests);
    if (restartPolicy === "Always") {
      add(total, own);
      add(sidecars, own);
      raise(initial, sidecars);
    } else {
      const during = { ...sidecars };
      add(during, own);
      raise(initial, during);
    }
  }
  raise(total, initial);
  // Requests of the pod as a whole (KEP-2837) take the place of what its containers add up to.
  Object.assign(total, resourceAmounts(spec.resources?.requests));
  add(total, resourceAmounts(spec.overhead));
  return total;
}

function add(to: Record<string, number>, amounts: Amounts): void {
  for (const [name, amount] of Object.entries(amounts)) to[name] = (to[name] ?? 0) + amount;
}

function raise(to: Record<string, number>, amounts: Amounts): void {
  for (const [name, amount] of Object.entries(amounts)) to[name] = Math.max(to[name] ?? 0, amount);
}
