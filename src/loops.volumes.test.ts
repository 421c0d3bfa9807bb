/** The scheduler and volumes over the real API, hub and log; what a volume controller and a provisioner do is done here. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestCluster, type TestCluster } from "../test/harness/cluster.ts";
import { eventually } from "../test/harness/eventually.ts";
import type { PersistentVolumeClaim } from "./kinds/core/persistentvolumeclaims/types.ts";
import type { PersistentVolume } from "./kinds/core/persistentvolumes/types.ts";
import type { Pod } from "./kinds/core/pods/types.ts";
import { createLoops, type Loops } from "./loops.ts";

let cluster: TestCluster;
let loops: Loops;

beforeEach(async () => {
  cluster = await createTestCluster({ config: { nodeMonitorGraceMs: 3_600_000 } });
  await post("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  for (const name of ["n1", "n2"]) {
    const conditions = [{ type: "Ready", status: "True", reason: "KubeletReady", message: "" }];
    const status = { allocatable: { cpu: "4", memory: "8Gi", pods: "110" }, conditions };
    await post("/api/v1/nodes", { metadata: { name, labels: { "kubernetes.io/hostname": name } }, status });
  }
  loops = createLoops({ cluster: cluster.cluster, app: cluster.app });
  loops.start();
});
afterEach(async () => {
  await loops.stop();
  await cluster.stop();
});

const CLAIM = "/api/v1/namespaces/default/persistentvolumeclaims/data";
const POD = "/api/v1/namespaces/default/pods/p";
const SELECTED = "volume.kubernetes.io/selected-node";
const SIZE = { storage: "1Gi" };

async function post(path: string, body: object): Promise<void> {
  expect((await cluster.call(path, { method: "POST", body })).status, path).toBe(201);
}
async function patch(path: string, body: object): Promise<void> {
  const headers = { "content-type": "application/merge-patch+json" };
  expect((await cluster.call(path, { method: "PATCH", headers, body: JSON.stringify(body) })).status, path).toBe(200);
}
const podNow = async () => (await cluster.call(POD)).body as Pod;
const claimNow = async () => (await cluster.call(CLAIM)).body as PersistentVolumeClaim;
const volumeNow = async (name: string) =>
  (await cluster.call(`/api/v1/persistentvolumes/${name}`)).body as PersistentVolume;

const selected = async () => (await claimNow()).metadata.annotations?.[SELECTED];

const scheduled = async () => (await podNow()).status?.conditions?.find(({ type }) => type === "PodScheduled");

async function addClass(provisioner: string): Promise<void> {
  const volumeBindingMode = "WaitForFirstConsumer";
  await post("/apis/storage.k8s.io/v1/storageclasses", { metadata: { name: "late" }, provisioner, volumeBindingMode });
}

async function addPodWithClaim(): Promise<void> {
  const spec = { accessModes: ["ReadWriteOnce"], storageClassName: "late", resources: { requests: SIZE } };
  await post("/api/v1/namespaces/default/persistentvolumeclaims", { metadata: { name: "data" }, spec });
  const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
  await post("/api/v1/namespaces/default/pods", {
    metadata: { name: "p" },
    spec: { containers: [{ name: "c", image: "c:1" }], volumes },
  });
}

/** On one node only. */
async function addVolume(name: string, node: string): Promise<void> {
  const matchExpressions = [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }];
  const spec = {
    capacity: SIZE,
    accessModes: ["ReadWriteOnce"],
    storageClassName: "late",
    local: { path: "/mnt" },
    nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
  };
  await post("/api/v1/persistentvolumes", { metadata: { name }, spec });
  await patch(`/api/v1/persistentvolumes/${name}/status`, { status: { phase: "Available" } });
}

/** As the volume controller does. */
async function completeBinding(volumeName: string): Promise<void> {
  const annotations = { "pv.kubernetes.io/bind-completed": "yes" };
  await patch(CLAIM, { metadata: { annotations }, spec: { volumeName } });
}

async function eventuallyOn(node: string): Promise<void> {
  await eventually(async () => expect((await podNow()).spec.nodeName).toBe(node), { withinMs: 20_000 });
}

async function eventuallyRefused(text: string): Promise<void> {
  await eventually(
    async () => {
      expect(await scheduled()).toMatchObject({ status: "False", message: expect.stringContaining(text) as string });
    },
    { withinMs: 20_000 },
  );
}

async function eventuallyKept(volume: string): Promise<void> {
  await eventually(async () => expect((await volumeNow(volume)).spec.claimRef?.name).toBe("data"));
}

test("a volume that waits for its first user is kept for the claim, and the pod follows when it is bound", async () => {
  await addClass("kubernetes.io/no-provisioner");
  await addVolume("local", "n2");
  await addPodWithClaim();
  await eventuallyKept("local");
  const { metadata, spec } = await volumeNow("local");
  expect(metadata.annotations?.["pv.kubernetes.io/bound-by-controller"]).toBe("yes");
  expect(spec.claimRef?.uid).toBe((await claimNow()).metadata.uid);
  expect((await podNow()).spec.nodeName).toBeUndefined();
  await completeBinding("local");
  await eventuallyOn("n2");
});

test("a volume that vanishes before it is bound is told, and another one is taken", async () => {
  await addClass("kubernetes.io/no-provisioner");
  await addVolume("first", "n1");
  await addPodWithClaim();
  await eventuallyKept("first");
  await cluster.call("/api/v1/persistentvolumes/first", { method: "DELETE" });
  await eventuallyRefused("didn't find available persistent volumes to bind");
  await addVolume("second", "n2");
  await eventuallyKept("second");
  await completeBinding("second");
  await eventuallyOn("n2");
});

test("a volume is asked for on the chosen node, and anew where it could not be made", async () => {
  await addClass("example.com/disks");
  await addPodWithClaim();
  await eventually(async () => expect(await selected()).toMatch(/^n[12]$/));
  // The provisioner gives up on that node.
  await patch(CLAIM, { metadata: { annotations: { [SELECTED]: null } } });
  await eventuallyRefused(
    'running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC "data"',
  );
  await eventually(async () => expect(await selected()).toMatch(/^n[12]$/), { withinMs: 20_000 });
  const node = (await selected()) ?? "";
  await addVolume("made", node);
  await completeBinding("made");
  await eventuallyOn(node);
});

test("a volume that is made where the pod cannot reach it is refused", async () => {
  await addClass("example.com/disks");
  await addPodWithClaim();
  await eventually(async () => expect(await selected()).toMatch(/^n[12]$/));
  const elsewhere = (await selected()) === "n1" ? "n2" : "n1";
  await addVolume("made", elsewhere);
  await completeBinding("made");
  await eventuallyOn(elsewhere);
});

test("a node that has as many volumes as it takes gets the pod when one of them is detached", async () => {
  const storage = "/apis/storage.k8s.io/v1";
  await addClass("disks");
  for (const name of ["n1", "n2"]) {
    await post(`${storage}/csinodes`, {
      metadata: { name },
      spec: { drivers: [{ name: "disks", nodeID: name, allocatable: { count: 1 } }] },
    });
    await post("/api/v1/persistentvolumes", {
      metadata: { name: `of-${name}` },
      spec: {
        capacity: SIZE,
        accessModes: ["ReadWriteOnce"],
        storageClassName: "other",
        csi: { driver: "disks", volumeHandle: name },
      },
    });
    // Of a pod that has gone.
    await post(`${storage}/volumeattachments`, {
      metadata: { name: `at-${name}` },
      spec: { attacher: "disks", nodeName: name, source: { persistentVolumeName: `of-${name}` } },
    });
  }
  await addPodWithClaim();
  await eventuallyRefused("2 node(s) exceed max volume count");
  expect((await cluster.call(`${storage}/volumeattachments/at-n2`, { method: "DELETE" })).status).toBe(200);
  await eventually(async () => expect(await selected()).toBe("n2"), { withinMs: 20_000 });
});
