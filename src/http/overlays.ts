/**
 * Signs of life that are never written: the renewTime of a node's Lease and the heartbeats of a Node's conditions, laid over on GET
 * and LIST from what the hub knows of the tunnels. Watches do not show them.
 */
import type { Presence } from "../hub/hub.ts";
import { formatMicroTime, formatTime, type KubeObject } from "../machinery/meta.ts";
import type { Clock } from "../platform/platform.ts";
import type { Resource } from "../registry/scheme.ts";

export type Overlay = (object: KubeObject) => KubeObject;

export interface Overlays {
  /** Undefined where nothing can apply: then stored text is served as it is. */
  for(resource: Resource, namespace: string): Promise<Overlay | undefined> | undefined;
}

const LEASE_NAMESPACE = "kube-node-lease";
/** One question to the hub serves all reads of this long. */
const REMEMBER_MS = 1_000;

interface NodeStatus {
  conditions?: { type?: string; lastHeartbeatTime?: string }[];
}

export function createOverlays(deps: { presence: Presence; clock: Clock }): Overlays {
  let remembered: { seen: Promise<Record<string, number>>; untilMs: number } | undefined;

  function lastSeen(): Promise<Record<string, number>> {
    const now = deps.clock.now();
    if (!remembered || remembered.untilMs <= now || remembered.untilMs > now + REMEMBER_MS) {
      // A hub out of reach costs the overlay, not the read.
      const seen = deps.presence.lastSeen().catch(() => ({}));
      remembered = { seen, untilMs: now + REMEMBER_MS };
    }
    return remembered.seen;
  }

  return {
    for(resource, namespace) {
      if (resource.storageName === "nodes") return overlay(overNode);
      const isLease = resource.storageName === "leases.coordination.k8s.io";
      return isLease && (namespace === LEASE_NAMESPACE || namespace === "") ? overlay(overLease) : undefined;
    },
  };

  async function overlay(apply: (object: KubeObject, seenMs: number) => KubeObject): Promise<Overlay | undefined> {
    const seen = await lastSeen();
    if (Object.keys(seen).length === 0) return undefined;
    return (object) => {
      const name = object.metadata.name ?? "";
      const seenMs = Object.hasOwn(seen, name) ? seen[name] : undefined;
      return seenMs === undefined ? object : apply(object, seenMs);
    };
  }
}

function overNode(node: KubeObject, seenMs: number): KubeObject {
  const status = node["status"] as NodeStatus | undefined;
  if (!status?.conditions) return node;
  const time = formatTime(seenMs);
  const conditions = status.conditions.map((condition) =>
    (condition.lastHeartbeatTime ?? "") < time ? { ...condition, lastHeartbeatTime: time } : condition,
  );
  return { ...node, status: { ...status, conditions } };
}

function overLease(lease: KubeObject, seenMs: number): KubeObject {
  if (lease.metadata.namespace !== LEASE_NAMESPACE) return lease;
  const spec = (lease["spec"] ?? {}) as { renewTime?: string };
  const time = formatMicroTime(seenMs);
  return (spec.renewTime ?? "") < time ? { ...lease, spec: { ...spec, renewTime: time } } : lease;
}
