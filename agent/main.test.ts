/** A whole agent over an engine in memory, against the agents' API on real sockets. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { namespaces } from "../src/kinds/core/namespaces/types.ts";
import { nodes } from "../src/kinds/core/nodes/types.ts";
import { pods } from "../src/kinds/core/pods/types.ts";
import type { KubeObject } from "../src/machinery/meta.ts";
import { createNodePlatform } from "../src/platform/node/platform.ts";
import { startRelayServer, type RelayServer } from "../src/platform/node/testing/relay-server.ts";
import { createFakeEngine, type FakeEngine } from "./engines/fake/fake-engine.ts";
import { createHttpsFetch } from "./https-fetch.ts";
import { createNoNetwork } from "./network/pod-network.ts";
import { startAgent, type RunningAgent } from "./main.ts";

const platform = createNodePlatform({ level: "error" });
const SOON = { timeout: 10_000 };
let server: RelayServer;
let engine: FakeEngine;
let dataDirectory: string;
let agent: RunningAgent | undefined;

beforeEach(async () => {
  server = await startRelayServer(platform);
  const admin = server.api.client("admin");
  await admin.create(namespaces, { metadata: { name: "default" } });
  engine = createFakeEngine(platform);
  engine.images.set("app:1", { imageRef: "sha256:app" });
  dataDirectory = await mkdtemp(join(tmpdir(), "gantry-whole-"));
  // What the agent asks the Kubernetes API for: events and the final delete.
  server.handle(async (request) => {
    const path = new URL(request.url).pathname;
    const name = /\/namespaces\/default\/pods\/([^/]+)$/.exec(path)?.[1];
    if (request.method === "DELETE" && name !== undefined) {
      const body = (await request.json()) as { gracePeriodSeconds?: number; preconditions?: { uid?: string } };
      const pod = await admin.get(pods, { namespace: "default", name });
      if (body.gracePeriodSeconds !== 0 || body.preconditions?.uid !== pod.metadata.uid)
        return Response.json({ kind: "Status", code: 409, reason: "Conflict" }, { status: 409 });
      await admin.delete(pods, { namespace: "default", name });
      return Response.json({ kind: "Status", status: "Success" });
    }
    return Response.json(request.body ? await request.json() : {}, { status: 201 });
  });
});
afterEach(async () => {
  await agent?.stop({ killPods: false });
  agent = undefined;
  await server.stop();
  await rm(dataDirectory, { recursive: true, force: true });
});

async function start(token?: string): Promise<RunningAgent> {
  agent = await startAgent({
    platform,
    server: server.url,
    ca: server.ca,
    token,
    nodeName: "n1",
    dataDirectory,
    engine,
    createNetwork: createNoNetwork,
    relay: { host: "127.0.0.1", port: 0 },
    nodeAddress: "192.0.2.7",
  });
  return agent;
}

async function createPod(name: string): Promise<KubeObject> {
  const admin = server.api.client("admin");
  const node = await admin.get(nodes, { name: "n1" });
  if ((node.spec as { podCIDR?: string }).podCIDR === undefined)
    await admin.update(nodes, { ...node, spec: { podCIDR: "10.244.3.0/24" } });
  return admin.create(pods, {
    metadata: { name, namespace: "default" },
    spec: {
      nodeName: "n1",
      restartPolicy: "Always",
      containers: [{ name: "app", image: "app:1", imagePullPolicy: "IfNotPresent", command: ["serve"] }],
    },
    status: {},
  });
}

const statusOf = async (name: string) =>
  (await server.api.client("admin").get(pods, { namespace: "default", name })).status as
    | { phase?: string; podIP?: string; conditions?: { type: string; status: string }[] }
    | undefined;

test("from the join to a running pod whose status the API shows", async () => {
  const running = await start(await server.token());
  await vi.waitFor(() => expect(running.tunnelConnected()).toBe(true), SOON);
  await vi.waitFor(async () => {
    const node = await server.api.client("admin").get(nodes, { name: "n1" });
    const { addresses, conditions } = node.status as {
      addresses?: unknown[];
      conditions?: { type: string; status: string }[];
    };
    expect(addresses).toContainEqual({ type: "InternalIP", address: "192.0.2.7" });
    expect(conditions?.find(({ type }) => type === "Ready")?.status).toBe("True");
  }, SOON);
  await createPod("p1");
  await vi.waitFor(async () => {
    const status = await statusOf("p1");
    expect(status?.phase).toBe("Running");
    expect(status?.conditions?.find(({ type }) => type === "Ready")?.status).toBe("True");
  }, SOON);
});

test("exec and logs reach the container", async () => {
  await start(await server.token());
  const pod = await createPod("p1");
  await vi.waitFor(() => expect(engine.running("app")).toHaveLength(1), SOON);
  await vi.waitFor(async () => expect((await statusOf("p1"))?.phase).toBe("Running"), SOON);
  engine.print(engine.running("app")[0] ?? "", "hello from the log");
  const query = `pod=p1&uid=${pod.metadata.uid}&container=app`;
  const https = createHttpsFetch({ ca: server.ca });
  const log = await https.fetch(new Request(`${server.url}/stream/n1?kind=log&${query}`));
  expect(await log.text()).toBe("hello from the log\n");
  https.close();

  const frames: Buffer[] = [];
  const socket = new WebSocket(
    `${server.url.replace("https", "wss")}/stream/n1?kind=exec&${query}&stdin=true&stdout=true&command=cat`,
    ["v5.channel.k8s.io"],
    { ca: server.ca },
  );
  socket.on("message", (data: Buffer) => void frames.push(data));
  const ended = new Promise((resolve) => socket.once("close", resolve));
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.send(Buffer.from("\0typed"));
  socket.send(Buffer.from([255, 0]));
  expect(await ended).toBe(1000);
  const text = (channel: number) =>
    Buffer.concat(frames.filter((f) => f[0] === channel).map((f) => f.subarray(1))).toString();
  expect(text(1)).toBe("typed");
  expect(JSON.parse(text(3))).toMatchObject({ status: "Success" });
});

test("with the control plane gone an agent starts from its disk, and reports when it is back", async () => {
  const first = await start(await server.token());
  await createPod("p1");
  await vi.waitFor(async () => expect((await statusOf("p1"))?.phase).toBe("Running"), SOON);
  // Stopped like a machine that restarts: its engine has lost everything.
  await first.stop({ killPods: false });
  engine = createFakeEngine(platform);
  engine.images.set("app:1", { imageRef: "sha256:app" });
  server.down(true);
  const second = await start();
  await vi.waitFor(() => expect(engine.running("app")).toHaveLength(1), SOON);
  expect(second.tunnelConnected()).toBe(false);
  server.down(false);
  await vi.waitFor(() => expect(second.tunnelConnected()).toBe(true), { timeout: 20_000 });
});

test("a pod that is deleted ends, and the node deletes it for good", async () => {
  await start(await server.token());
  const admin = server.api.client("admin");
  await createPod("p1");
  await vi.waitFor(async () => expect((await statusOf("p1"))?.phase).toBe("Running"), SOON);
  const at = { namespace: "default", name: "p1" };
  const pod = await admin.get(pods, at);
  const metadata = {
    ...pod.metadata,
    deletionTimestamp: new Date(platform.clock.now() + 1000).toISOString(),
    deletionGracePeriodSeconds: 1,
  };
  await admin.update(pods, { ...pod, metadata });
  await vi.waitFor(async () => await expect(admin.get(pods, at)).rejects.toMatchObject({ code: 404 }), SOON);
  expect(engine.running("app")).toHaveLength(0);
});

test("an agent without token on a fresh machine says so at once", async () => {
  await expect(start()).rejects.toThrow("a join token is needed");
});
