/** Nodes without machines that say of their pods what a kubelet would, as far as the conformance tests look at it. */
import type { Client } from "../../src/client/client.ts";
import { nodes } from "../../src/kinds/core/nodes/types.ts";
import { pods, type Pod } from "../../src/kinds/core/pods/types.ts";
import { formatTime } from "../../src/machinery/meta.ts";
import { isStatusError } from "../../src/machinery/status-error.ts";
import { createFakeKubelets } from "../harness/fake-kubelets.ts";

const EVERY_MS = 300;
/** What the tests of Deployments call an image that cannot be pulled. */
const MISSING_IMAGE = "webserver:404";
const CONDITIONS = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];

/** Until `signal` ends it. */
export async function runKubelets(client: Client, signal: AbortSignal): Promise<void> {
  const fake = createFakeKubelets({ client, now: () => Date.now() });
  for (const [index, name] of ["node-a", "node-b"].entries()) {
    await fake.addNode(name);
    const labels = { "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name };
    await client.patch(nodes, { name }, "merge", { metadata: { labels } });
    const status = { addresses: [{ type: "InternalIP", address: `192.0.2.${index + 1}` }] };
    await client.patch(nodes, { name }, "merge", { status }, "status");
  }
  const addresses = new Map<string, string>();
  while (!signal.aborted) {
    const { items } = await client.list<Pod>(pods);
    for (const pod of items) await treat(client, pod, addresses);
    await new Promise((wake) => setTimeout(wake, EVERY_MS));
  }
}

async function treat(client: Client, pod: Pod, addresses: Map<string, string>): Promise<void> {
  const { namespace = "", name = "", uid = "", deletionTimestamp, generation } = pod.metadata;
  if (pod.spec.nodeName === undefined) return;
  try {
    if (deletionTimestamp !== undefined) {
      await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
      return;
    }
    const { phase, conditions, observedGeneration } = pod.status ?? {};
    const isReady = conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    if (pod.spec.containers.some(({ image }) => image === MISSING_IMAGE)) return;
    if (phase === "Failed" || phase === "Succeeded" || (isReady && observedGeneration === generation)) return;
    const count = addresses.size + 10;
    const podIP = addresses.get(uid) ?? `10.244.${count >> 8}.${count & 255}`;
    addresses.set(uid, podIP);
    await client.patch<Pod>(pods, { namespace, name }, "strategic", { status: runningStatus(pod, podIP) }, "status");
  } catch (error) {
    if (!isStatusError(error, "NotFound") && !isStatusError(error, "Conflict")) throw error;
  }
}

function runningStatus({ metadata: { generation }, spec }: Pod, podIP: string): Record<string, unknown> {
  const now = formatTime(Date.now());
  return {
    phase: "Running",
    podIP,
    podIPs: [{ ip: podIP }],
    hostIP: "192.0.2.1",
    hostIPs: [{ ip: "192.0.2.1" }],
    startTime: now,
    observedGeneration: generation,
    conditions: CONDITIONS.map((type) => ({
      type,
      status: "True",
      lastTransitionTime: now,
      observedGeneration: generation,
    })),
    containerStatuses: spec.containers.map(({ name, image }) => ({
      name,
      image,
      imageID: "",
      containerID: `fake://${name}`,
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: now } },
    })),
  };
}
