/**
 * What the scheduler holds of a cluster, in MB above this process before it: `node --expose-gc scheduler-memory.ts NODES PODS`. Views in
 * an informer's store and in the snapshot, pods of a hundred Deployments, all placed. Objects are made one by one and dropped, as they
 * are read from a watch.
 */
import { createIndexedStore } from "../../src/controller-runtime/indexed-store.ts";
import { nodeView, type NodeView } from "../../src/controller-runtime/views/node-view.ts";
import { createPodViews, type PodView } from "../../src/controller-runtime/views/pod-view.ts";
import { keyOf } from "../../src/controller-runtime/views/view.ts";
import { createProfile, createSnapshot, schedulePod } from "../../src/scheduler/index.ts";
import { CASES, nodeOf, podOf } from "./scheduler-cases.ts";

const DEPLOYMENTS = 100;
const MB = 1_048_576;
const [nodes = 0, pods = 0] = process.argv.slice(2).map(Number);
const collect = globalThis.gc;
if (collect === undefined) throw new Error("needs --expose-gc");

const used = (): { usedMb: number; residentMb: number } => {
  for (let time = 0; time < 4; time++) collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { usedMb: (heapUsed + external) / MB, residentMb: rss / MB };
};

const profile = createProfile();
const before = used();
const snapshot = createSnapshot();
const podView = createPodViews();
const podStore = createIndexedStore<PodView>({ node: ({ nodeName }) => [nodeName] });
const nodeStore = createIndexedStore<NodeView>({});
for (let at = 0; at < nodes; at++) {
  const view = nodeView(JSON.parse(JSON.stringify(nodeOf(at))) as ReturnType<typeof nodeOf>);
  nodeStore.set(view.metadata.name, view);
  snapshot.setNode(view);
}
for (let at = 0; at < pods; at++) {
  const view = podView(JSON.parse(JSON.stringify(placedPod(at))) as ReturnType<typeof placedPod>);
  podStore.set(keyOf(view.metadata), view);
  snapshot.setPod(view);
}
// What decisions remember counts, too.
for (const [at, one] of CASES.entries()) {
  const pod = podView(podOf(`waiting-${at}`, one.pod(0)));
  schedulePod(snapshot, pod, profile, { fraction: () => 0 });
}
const after = used();
if (podStore.size !== pods || snapshot.nodeCount !== nodes) throw new Error("something was dropped");
const answer = { usedMb: after.usedMb - before.usedMb, residentMb: after.residentMb - before.residentMb };
process.stdout.write(JSON.stringify(answer));

function placedPod(at: number) {
  const deployment = at % DEPLOYMENTS;
  const name = `deployment-${deployment}-5d59d67564-${at.toString(36).padStart(5, "x")}`;
  const labels = { app: `deployment-${deployment}`, "pod-template-hash": "5d59d67564" };
  const pod = podOf(name, { labels, spec: { cpu: "100m", memory: "128Mi" } });
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      uid: `00000000-0000-4000-8000-${at.toString(16).padStart(12, "0")}`,
      resourceVersion: String(1_000_000 + at),
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: `deployment-${deployment}-5d59d67564`,
          uid: `10000000-0000-4000-8000-${deployment.toString(16).padStart(12, "0")}`,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: { ...pod.spec, nodeName: `node-${at % nodes}` },
    status: {
      phase: "Running" as const,
      podIP: `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`,
      startTime: "2026-01-01T00:00:00Z",
      conditions: [{ type: "Ready", status: "True" as const, lastTransitionTime: "2026-01-01T00:00:00Z" }],
    },
  };
}
