/** What a joining node leaves in the API: its Node, bound to its key, and its Lease. */
import type { User } from "../authn/authenticator.ts";
import type { NodeIdentity } from "../authn/node-credential.ts";
import type { Client } from "../client/client.ts";
import { leases } from "../kinds/coordination/leases/types.ts";
import { namespaces } from "../kinds/core/namespaces/types.ts";
import { nodes } from "../kinds/core/nodes/types.ts";
import { formatMicroTime, type KubeObject } from "../machinery/meta.ts";
import { isStatusError, StatusError } from "../machinery/status-error.ts";
import type { Clock } from "../platform/platform.ts";
import { NODE_KEY_ANNOTATION } from "./protocol.ts";
import type { StoredObject } from "../storage/storage.ts";

const LEASE_NAMESPACE = "kube-node-lease";
/** As the kubelet's default. */
const LEASE_SECONDS = 40;

/** Undefined where there is none. */
export async function readOrUndefined<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isStatusError(error, "NotFound")) return undefined;
    throw error;
  }
}

/**
 * @throws StatusError "Conflict" when the name belongs to another key. A Node without a key may be claimed while no kubelet has ever
 * reported for it: somebody made it ahead of its machine.
 */
export function assertClaimable(node: KubeObject | undefined, { nodeName, keyThumbprint }: NodeIdentity): void {
  if (node === undefined) return;
  const owner = node.metadata.annotations?.[NODE_KEY_ANNOTATION];
  if (owner === keyThumbprint) return;
  const { nodeInfo } = (node.status ?? {}) as { nodeInfo?: { kubeletVersion?: string } };
  if (owner === undefined && !nodeInfo?.kubeletVersion) return;
  throw new StatusError(
    "Conflict",
    `node "${nodeName}" is another machine's: choose another name, or delete the node first if that machine is gone`,
  );
}

/** Creates the Node, or binds an unclaimed one to this key. The API decides between two agents. @throws StatusError "Conflict" */
export async function claimNode(options: {
  client: Pick<Client, "get" | "create" | "update">;
  identity: NodeIdentity;
  existing: KubeObject | undefined;
  labels: Record<string, string>;
}): Promise<KubeObject> {
  const { client, identity, existing, labels } = options;
  const annotations = { [NODE_KEY_ANNOTATION]: identity.keyThumbprint };
  if (existing === undefined) {
    const node: KubeObject = {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: identity.nodeName, labels, annotations },
      spec: {},
    };
    try {
      return await client.create(nodes, node);
    } catch (error) {
      if (!isStatusError(error, "AlreadyExists")) throw error;
      const winner = await client.get<KubeObject>(nodes, { name: identity.nodeName });
      assertClaimable(winner, identity);
      return claimNode({ ...options, existing: winner });
    }
  }
  assertClaimable(existing, identity);
  const { metadata } = existing;
  if (metadata.annotations?.[NODE_KEY_ANNOTATION] === identity.keyThumbprint) return existing;
  return client.update<KubeObject>(nodes, {
    ...existing,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...labels },
      annotations: { ...metadata.annotations, ...annotations },
    },
  });
}

/** The Lease exists from the join on; its renewTime is laid over when it is read, so nothing writes it again. */
export async function ensureLease(options: {
  client: Client;
  /** May create the namespace. */
  system: Client;
  node: KubeObject;
  clock: Clock;
}): Promise<void> {
  const { client, system, node, clock } = options;
  const name = node.metadata.name ?? "";
  const owner = { apiVersion: "v1", kind: "Node", name, uid: node.metadata.uid ?? "" };
  const create = () =>
    client.create<KubeObject>(
      leases,
      {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name, namespace: LEASE_NAMESPACE, ownerReferences: [owner] },
        spec: {
          holderIdentity: name,
          leaseDurationSeconds: LEASE_SECONDS,
          renewTime: formatMicroTime(clock.now()),
        },
      },
      { namespace: LEASE_NAMESPACE },
    );
  try {
    await create();
  } catch (error) {
    if (isStatusError(error, "AlreadyExists")) return;
    if (!isStatusError(error, "NotFound")) throw error;
    await ensureNamespace(system);
    await create();
  }
}

async function ensureNamespace(system: Client): Promise<void> {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: LEASE_NAMESPACE } };
  try {
    await system.create<KubeObject>(namespaces, namespace);
  } catch (error) {
    if (!isStatusError(error, "AlreadyExists")) throw error;
  }
}

/** The in-process client: its calls are those of `user`, and meet the same authorization and admission as kubectl's. */
/** `known`: objects as they were read a moment ago, by which the first write of each may go. */
export type ClientFor = (user: User, known?: readonly StoredObject[]) => Client;
