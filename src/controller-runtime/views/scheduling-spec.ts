/** What decides where a pod may run. Pods of one template have the same, so it is kept once for all of them. */
import type {
  Container,
  NodeAffinity,
  Pod,
  PodAffinity,
  PodSpec,
  Protocol,
  Toleration,
  TopologySpreadConstraint,
  Volume,
} from "../../kinds/core/pods/types.ts";
import type { Amounts } from "./amounts.ts";
import { podRequests } from "./pod-requests.ts";

export interface HostPort {
  ip: string;
  protocol: Protocol;
  port: number;
}

export interface SchedulingSpec {
  /** All that follows as text: two specs of the same key are the same. */
  key: string;
  requests: Amounts;
  nonZero: { cpu: number; memory: number };
  /** What NodeResourcesFit scores by. */
  scored: Amounts;
  /** `requests` beside CPU, memory and storage of the node, without zeros. */
  scalars: readonly (readonly [name: string, amount: number])[];
  tolerations: readonly Toleration[];
  nodeSelector: Readonly<Record<string, string>>;
  nodeAffinity?: NodeAffinity;
  podAffinity?: PodAffinity;
  podAntiAffinity?: PodAffinity;
  spread: readonly TopologySpreadConstraint[];
  hostPorts: readonly HostPort[];
  /** Of containers, init containers and volumes that are images. */
  images: readonly string[];
  /** Init containers included. */
  containerCount: number;
  /** Volumes that are neither claims nor made by the node out of objects. */
  disks: readonly Volume[];
  neverPreempts: boolean;
  gates: readonly string[];
  /** Names of device claims in the pod; nobody allocates them. */
  resourceClaims: readonly string[];
}

export interface PodClaim {
  /** Of the PersistentVolumeClaim. */
  name: string;
  /** Made for this pod alone (a generic ephemeral volume). */
  ephemeral: boolean;
}

const NONE: readonly never[] = [];
const NO_LABELS: Readonly<Record<string, string>> = {};
const LOCAL_SOURCES = new Set([
  "name",
  "emptyDir",
  "hostPath",
  "secret",
  "configMap",
  "projected",
  "downwardAPI",
  "image",
]);

export function schedulingSpec(pod: Pick<Pod, "spec" | "status">): SchedulingSpec {
  const { spec } = pod;
  const { affinity } = spec;
  const { requests, nonZero, scored } = podRequests(pod);
  const kept: Omit<SchedulingSpec, "key"> = {
    requests,
    nonZero,
    scored,
    scalars: scalarsOf(requests),
    tolerations: spec.tolerations ?? NONE,
    nodeSelector: spec.nodeSelector ?? NO_LABELS,
    ...(affinity?.nodeAffinity ? { nodeAffinity: affinity.nodeAffinity } : {}),
    ...(affinity?.podAffinity ? { podAffinity: affinity.podAffinity } : {}),
    ...(affinity?.podAntiAffinity ? { podAntiAffinity: affinity.podAntiAffinity } : {}),
    spread: spec.topologySpreadConstraints ?? NONE,
    hostPorts: hostPorts(spec),
    images: imagesOf(spec),
    containerCount: (spec.initContainers ?? NONE).length + (spec.containers ?? NONE).length,
    disks: (spec.volumes ?? NONE).filter(isDisk),
    neverPreempts: spec.preemptionPolicy === "Never",
    gates: (spec.schedulingGates ?? NONE).map(({ name }) => name),
    resourceClaims: (spec.resourceClaims ?? NONE).map(({ name }) => name),
  };
  return { key: JSON.stringify(kept), ...kept };
}

/** What the scheduler counts beside CPU, memory and storage: of others it knows nothing. */
function isScalar(name: string): boolean {
  if (name.startsWith("hugepages-") || name.startsWith("attachable-volumes-")) return true;
  return name.includes("kubernetes.io/") || (name.includes("/") && !name.startsWith("requests."));
}

function scalarsOf(requests: Amounts): SchedulingSpec["scalars"] {
  const found = Object.entries(requests).filter(([name, amount]) => amount !== 0 && isScalar(name));
  return found.length === 0 ? NONE : found;
}

/** Sidecars run as long as the containers do, so their ports count like theirs. */
export function running(spec: PodSpec): Container[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...(spec.containers ?? []), ...sidecars];
}

export function podClaims({ metadata, spec }: Pick<Pod, "metadata" | "spec">): readonly PodClaim[] {
  if (spec.volumes === undefined) return NONE;
  const claims: PodClaim[] = [];
  for (const volume of spec.volumes) {
    if (volume.persistentVolumeClaim) claims.push({ name: volume.persistentVolumeClaim.claimName, ephemeral: false });
    else if (volume["ephemeral"]) claims.push({ name: `${metadata.name ?? ""}-${volume.name}`, ephemeral: true });
  }
  return claims.length === 0 ? NONE : claims;
}

function isDisk(volume: Volume): boolean {
  return Object.keys(volume).every(
    (source) =>
      source === "name" || !(LOCAL_SOURCES.has(source) || source === "persistentVolumeClaim" || source === "ephemeral"),
  );
}

function hostPorts(spec: PodSpec): readonly HostPort[] {
  const ports = running(spec).flatMap((container) => container.ports ?? []);
  const taken = ports.filter(({ hostPort }) => hostPort !== undefined && hostPort > 0);
  if (taken.length === 0) return NONE;
  return taken.map(({ hostIP, protocol = "TCP", hostPort = 0 }) => ({
    ip: hostIP || "0.0.0.0",
    protocol,
    port: hostPort,
  }));
}

function imagesOf(spec: PodSpec): string[] {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].map(({ image }) => image ?? "");
  const volumes = (spec.volumes ?? []).flatMap(({ image }) => {
    const reference = (image as { reference?: string } | undefined)?.reference;
    return reference === undefined ? [] : [reference];
  });
  return [...containers, ...volumes];
}
