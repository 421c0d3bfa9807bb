/** Nodes without machines: what is bound to them runs and gets ready at once, what is deleted goes. For tests of control loops. */
import type { Client } from "../../src/client/client.ts";
import { leases } from "../../src/kinds/coordination/leases/types.ts";
import { nodes, type Node } from "../../src/kinds/core/nodes/types.ts";
import { pods, type Pod } from "../../src/kinds/core/pods/types.ts";
import { formatMicroTime, formatTime, type KubeObject } from "../../src/machinery/meta.ts";
import { isStatusError } from "../../src/machinery/status-error.ts";

export interface FakeKubelets {
  addNode(name: string, options?: { cpu?: string; memory?: string; pods?: string; spec?: Node["spec"] }): Promise<void>;
  /** One look at all pods. Answers how many statuses and deletions it wrote. */
  step(): Promise<number>;
  /** From now on nothing happens on this node. */
  lose(name: string): void;
  /** Looks again and again until stopped. */
  start(everyMs?: number): () => Promise<void>;
}

export function createFakeKubelets(options: {
  client: Client;
  now: () => number;
  /** Pods for which this answers true never get ready. */
  broken?: (pod: Pod) => boolean;
}): FakeKubelets {
  const { client, now, broken = () => false } = options;
  const lost = new Set<string>();
  let addresses = 10;

  async function treat(pod: Pod): Promise<number> {
    const { namespace = "", name = "", deletionTimestamp } = pod.metadata;
    const node = pod.spec.nodeName ?? "";
    if (node === "" || lost.has(node)) return 0;
    const isReady = pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    try {
      if (deletionTimestamp !== undefined) {
        await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 });
        return 1;
      }
      if (isReady || broken(pod)) return 0;
      addresses += 1;
      const podIP = `10.244.0.${addresses}`;
      const status = {
        phase: "Running",
        podIP,
        podIPs: [{ ip: podIP }],
        conditions: [{ type: "Ready", status: "True", lastTransitionTime: formatTime(now()) }],
      };
      await client.patch<Pod>(pods, { namespace, name }, "strategic", { status }, "status");
      return 1;
    } catch (error) {
      if (isStatusError(error, "NotFound")) return 0;
      throw error;
    }
  }

  async function step(): Promise<number> {
    const { items } = await client.list<Pod>(pods);
    let written = 0;
    for (const pod of items) written += await treat(pod);
    return written;
  }

  return {
    async addNode(name, { cpu = "4", memory = "8Gi", pods: podCount = "110", spec = {} } = {}) {
      await client.create<Node>(nodes, { apiVersion: "v1", kind: "Node", metadata: { name, labels: {} }, spec });
      const amounts = { cpu, memory, pods: podCount };
      const ready = {
        type: "Ready",
        status: "True",
        reason: "KubeletReady",
        message: "ready",
        lastHeartbeatTime: formatTime(now()),
        lastTransitionTime: formatTime(now()),
      };
      const status = { capacity: amounts, allocatable: amounts, conditions: [ready] };
      await client.patch<Node>(nodes, { name }, "merge", { status }, "status");
      const lease: KubeObject = {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name, namespace: "kube-node-lease" },
        spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: formatMicroTime(now()) },
      };
      await client.create(leases, lease);
    },
    step,
    lose: (name) => void lost.add(name),
    start(everyMs = 15) {
      const stopped = new AbortController();
      const run = async (): Promise<void> => {
        while (!stopped.signal.aborted) {
          await step();
          await new Promise((wake) => setTimeout(wake, everyMs));
        }
      };
      const running = run();
      return async () => {
        stopped.abort();
        await running;
      };
    },
  };
}
