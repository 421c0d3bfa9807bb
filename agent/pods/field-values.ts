/** Values of the downward API: fields of the pod and of its resources, as variables or files. */
import { quantity } from "./quantity.ts";
import { allContainers, type Pod, type ResourceFieldRef } from "./pod.ts";

export interface DownwardContext {
  hostIps: readonly string[];
  podIps: readonly string[];
  /** Capacity of the node that pods may use: the default of limits. Cores, bytes. */
  allocatable: { cpu: number; memory: number; ephemeralStorage: number };
}

/** The text of a map of labels or annotations: one `key="value"` a line, sorted. */
function formatMap(map: Record<string, string> | undefined): string {
  return Object.entries(map ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");
}

/** @throws Error for a path that the downward API does not know */
export function fieldValue(pod: Pod, path: string, context: DownwardContext): string {
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (subscript) {
    const map = subscript[1] === "labels" ? pod.metadata.labels : pod.metadata.annotations;
    return map?.[subscript[2] ?? ""] ?? "";
  }
  switch (path) {
    case "metadata.name":
      return pod.metadata.name;
    case "metadata.namespace":
      return pod.metadata.namespace;
    case "metadata.uid":
      return pod.metadata.uid;
    case "metadata.labels":
      return formatMap(pod.metadata.labels);
    case "metadata.annotations":
      return formatMap(pod.metadata.annotations);
    case "spec.nodeName":
      return pod.spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return pod.spec.serviceAccountName ?? "";
    case "status.hostIP":
      return context.hostIps[0] ?? "";
    case "status.hostIPs":
      return context.hostIps.join(",");
    case "status.podIP":
      return context.podIps[0] ?? "";
    case "status.podIPs":
      return context.podIps.join(",");
    default:
      throw new Error(`unsupported fieldPath: ${path}`);
  }
}

/** Resources in units of the divisor, rounded up. Missing limits are what the node has. */
export function resourceValue(
  pod: Pod,
  ref: ResourceFieldRef,
  own: string | undefined,
  context: DownwardContext,
): string {
  const name = ref.containerName ?? own;
  const container = allContainers(pod).find((c) => c.name === name);
  if (container === undefined) throw new Error(`container ${name ?? ""} not found`);
  const [kind, resource = ""] = ref.resource.split(".", 2);
  const limits = container.resources?.limits ?? {};
  const requests = container.resources?.requests ?? {};
  const fallback: Record<string, number> = {
    cpu: context.allocatable.cpu,
    memory: context.allocatable.memory,
    "ephemeral-storage": context.allocatable.ephemeralStorage,
  };
  if (kind !== "limits" && kind !== "requests") throw new Error(`unsupported container resource : ${ref.resource}`);
  const stated = kind === "limits" ? limits[resource] : requests[resource];
  const value = stated !== undefined ? quantity(stated) : kind === "limits" ? (fallback[resource] ?? 0) : 0;
  const divisor = quantity(ref.divisor ?? "1") || 1;
  // A thousandth of slack: 0.1 / 0.001 must be 100 and not 101.
  return String(Math.ceil(value / divisor - 1e-6));
}
