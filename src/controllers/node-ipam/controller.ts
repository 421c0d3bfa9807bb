/**
 * Gives each node the network that its pods get addresses from: the range allocator of pkg/controller/nodeipam of Kubernetes. Where none is
 * left a node goes on without, and gets the next that is given back.
 */
import { referenceTo } from "../../controller-runtime/events.ts";
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { Key, ReconcileResult } from "../../controller-runtime/reconciler.ts";
import type { NodeView } from "../../controller-runtime/views/node-view.ts";
import { nodes, type Node } from "../../kinds/core/nodes/types.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import { createPodNetworks } from "./pod-networks.ts";

export interface NodeIpamDeps extends ControllerDeps<"nodes"> {
  config: { podCidr: string; nodePodCidrBits: number; serviceCidr: string };
}

export function createNodeIpamController({ client, stores, recorder, config }: NodeIpamDeps): Controller {
  const networks = createPodNetworks(config);
  // Addresses of Services are not given to pods.
  networks.hold(config.serviceCidr);
  /** Nodes that go without, the longest first. */
  const waiting = new Set<Key>();
  let enqueue: ((key: Key) => void) | undefined;

  stores.nodes.onChange(({ key, before, after }) => {
    if (before?.podCIDR === after?.podCIDR) return;
    // What is new counts first: where a node gets the network of the one that it replaces nothing becomes free.
    if (after) networks.hold(after.podCIDR);
    if (before) networks.release(before.podCIDR);
    if (!after) waiting.delete(key);
    wakeNext();
  });

  /** One at a time: it wakes the one after it. */
  function wakeNext(): void {
    const [next] = waiting;
    if (next === undefined || networks.free === 0) return;
    waiting.delete(next);
    enqueue?.(next);
  }

  async function reconcile(key: Key): Promise<ReconcileResult> {
    const node = stores.nodes.get(key);
    const lacksOne = node !== undefined && node.podCIDR === "" && node.metadata.deletionTimestamp === undefined;
    if (lacksOne) await allocate(node);
    else wakeNext();
    return { done: true };
  }

  async function allocate(node: NodeView): Promise<void> {
    const { name, resourceVersion } = node.metadata;
    const podCIDR = networks.next();
    if (podCIDR === undefined) {
      if (!waiting.has(name)) tell(node, "CIDRNotAvailable");
      waiting.add(name);
      return;
    }
    const body = { metadata: { resourceVersion }, spec: { podCIDR, podCIDRs: [podCIDR] } };
    try {
      stores.nodes.observe(await client.patch<Node>(nodes, { name }, "merge", body));
    } catch (error) {
      if (isStatusError(error, "NotFound")) return wakeNext();
      // The node has changed, or somebody else was faster to give this network away: the next try is with another.
      if (!isStatusError(error, "Conflict")) tell(node, "CIDRAssignmentFailed");
      throw error;
    }
  }

  function tell(node: NodeView, reason: string): void {
    const about = referenceTo({ apiVersion: "v1", kind: "Node" }, node);
    const message = `Node ${node.metadata.name} status is now: ${reason}`;
    recorder.record({ about, type: "Normal", reason, message });
  }

  return {
    name: "node-ipam-controller",
    concurrency: 16,
    connect: (add) => void (enqueue = add),
    watches: [watching(stores.nodes, ({ metadata, podCIDR }) => (podCIDR === "" ? [metadata.name] : []))],
    reconcile,
  };
}
