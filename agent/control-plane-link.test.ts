/** An agent and the control plane over real sockets: join, sync, wake, losing and finding each other. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createNodePlatform } from "../src/platform/node/platform.ts";
import { startRelayServer, type RelayServer } from "../src/platform/node/testing/relay-server.ts";
import type { KubeObject } from "../src/machinery/meta.ts";
import type { Platform } from "../src/platform/platform.ts";
import type { SyncRequest, SyncResponse } from "../src/relay/protocol.ts";
import { podDigest } from "../src/relay/sync.ts";
import { createHttpsFetch } from "./https-fetch.ts";
import { caFingerprint, discoverCa, openIdentity, readAnswer, type NodeIdentity } from "./join.ts";
import { createSyncLoop, type SyncedNode } from "./sync-loop.ts";
import { openTunnel } from "./tunnel.ts";

const core = { group: "", version: "v1" };
const pods = { ...core, resource: "pods", namespaced: true };
const secrets = { ...core, resource: "secrets", namespaced: true };
const services = { ...core, resource: "services", namespaced: true };
const nodes = { ...core, resource: "nodes", namespaced: false };
const leases = { group: "coordination.k8s.io", version: "v1", resource: "leases", namespaced: true };
const namespaces = { ...core, resource: "namespaces", namespaced: false };

/** Real time, but what takes seconds in life takes milliseconds here. */
function fastPlatform(): Platform {
  const platform = createNodePlatform({ level: "error" });
  return { ...platform, timers: { after: (delayMs, run) => platform.timers.after(delayMs / 50, run) } };
}

const platform = fastPlatform();
let server: RelayServer;
let directory: string;
const cleanup: (() => unknown)[] = [];

beforeEach(async () => {
  server = await startRelayServer(createNodePlatform({ level: "error" }));
  await server.api.client("admin").create(namespaces, { metadata: { name: "default" } });
  directory = await mkdtemp(join(tmpdir(), "gantry-agent-"));
});
afterEach(async () => {
  for (const undo of cleanup.splice(0).toReversed()) await undo();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

function connection() {
  const https = createHttpsFetch({ ca: server.ca });
  cleanup.push(() => https.close());
  return https.fetch;
}

async function identityOf(options: {
  token?: string | undefined;
  nodeName?: string;
  directory?: string;
}): Promise<NodeIdentity> {
  const identity = await openIdentity({
    server: server.url,
    nodeName: "n1",
    directory,
    fetch: connection(),
    platform,
    ...options,
  });
  cleanup.push(() => identity.stop());
  return identity;
}

/** A node that remembers what it was told and believes what it is told to believe. */
function fakeNode() {
  const held = new Map<string, { namespace: string; name: string }>();
  const heldSecrets = new Set<string>();
  const answers: SyncResponse[] = [];
  const listeners = new Set<() => void>();
  let pending: SyncRequest["podStatuses"] = [];
  let status: Record<string, unknown> = { conditions: [{ type: "Ready", status: "True" }] };
  const node: SyncedNode = {
    apply(answer) {
      answers.push(answer);
      if (answer.full) held.clear();
      for (const { metadata } of answer.pods)
        held.set(metadata.uid ?? "", { namespace: metadata.namespace ?? "", name: metadata.name ?? "" });
      for (const { uid } of answer.removedPods) held.delete(uid);
      for (const { metadata } of answer.secrets) heldSecrets.add(`${metadata.namespace}/${metadata.name}`);
    },
    pendingStatuses: () => pending,
    statusAccepted: (uid) => void (pending = pending.filter((one) => one.uid !== uid)),
    onStatusChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    digest: () => podDigest(held.keys()),
    holds: () => ({
      secrets: [...heldSecrets].map((key) => {
        const [namespace = "", name = ""] = key.split("/");
        return { namespace, name };
      }),
      configMaps: [],
    }),
    lacks: () => ({ secrets: [], configMaps: [] }),
    nodeStatus: () => status,
  };
  return {
    node,
    held,
    answers,
    say(statuses: SyncRequest["podStatuses"]) {
      pending = [...pending, ...statuses];
      for (const listener of listeners) listener();
    },
    pending: () => pending,
    report: (next: Record<string, unknown>) => void (status = next),
  };
}

async function connectedNode(options: { tunnel: boolean }) {
  const fetch = connection();
  const identity = await identityOf({ token: await server.token() });
  const fake = fakeNode();
  const loop = createSyncLoop({
    node: fake.node,
    platform,
    onUnauthorized: () => identity.renew(),
    async send(request, { tunnelUp }) {
      const response = await fetch(
        new Request(`${server.url}/agent/v1/sync`, {
          method: "POST",
          headers: { authorization: `Bearer ${identity.credential()}`, "gantry-tunnel": tunnelUp ? "up" : "down" },
          body: JSON.stringify(request),
        }),
      );
      return readAnswer<SyncResponse>(response);
    },
  });
  cleanup.push(() => loop.stop());
  loop.start();
  const openOne = () => {
    const tunnel = openTunnel({
      server: server.url,
      credential: () => identity.credential(),
      ca: () => server.ca,
      platform,
      onMessage: (message) => void (message.type === "wake" && loop.wake(message.revision)),
      onUp: () => loop.tunnelIs("up"),
      onDown: () => loop.tunnelIs("down"),
    });
    cleanup.push(() => tunnel.stop());
    return tunnel;
  };
  const tunnel = options.tunnel ? openOne() : undefined;
  if (tunnel) await vi.waitFor(() => expect(tunnel.connected()).toBe(true));
  await vi.waitFor(() => expect(fake.answers.length).toBeGreaterThan(0));
  return { ...fake, identity, loop, tunnel, openOne };
}

const syncs = () => server.requests.filter((line) => line.endsWith("/sync")).length;
const pod = (name: string, spec: Record<string, unknown> = {}): KubeObject => ({
  metadata: { name, namespace: "default" },
  spec: { nodeName: "n1", ...spec },
});

/** Until nothing has been asked for a while. */
async function quiet(): Promise<void> {
  for (let last = -1; last !== syncs();) {
    last = syncs();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

test("a machine joins with a token: Node, Lease, a key nobody else can read, a certificate for the relay", async () => {
  const identity = await identityOf({ token: await server.token() });
  const client = server.api.client("admin");
  const node = await client.get(nodes, { name: "n1" });
  expect(node.metadata.labels).toMatchObject({ "kubernetes.io/hostname": "n1", "kubernetes.io/os": process.platform });
  const lease = await client.get(leases, { namespace: "kube-node-lease", name: "n1" });
  expect(lease.spec).toMatchObject({ holderIdentity: "n1", leaseDurationSeconds: 40 });
  expect(lease.metadata.ownerReferences?.[0]?.uid).toBe(node.metadata.uid);
  expect((await stat(join(directory, "node.key"))).mode & 0o777).toBe(0o600);
  expect((await stat(join(directory, "credential.json"))).mode & 0o777).toBe(0o600);
  expect(identity.current()).toMatchObject({ nodeName: "n1", clusterCa: server.ca });
  expect(identity.current().relayCertificate).toContain("BEGIN CERTIFICATE");
});

test("a restarted agent needs no token and no server", async () => {
  const first = await identityOf({ token: await server.token() });
  const before = server.requests.length;
  const second = await identityOf({});
  expect(second.credential()).toBe(first.credential());
  expect(server.requests.length).toBe(before);
});

test("without token and credential it says what is missing", async () => {
  await expect(identityOf({})).rejects.toThrow("a join token is needed");
  await identityOf({ token: await server.token() });
  await expect(identityOf({ nodeName: "n2" })).rejects.toThrow('the credential of node "n1"');
});

test("a second machine cannot take the name of a living node; after its deletion it can, and the first one is out", async () => {
  const first = await identityOf({ token: await server.token() });
  const other = join(directory, "other");
  const token = await server.token();
  await expect(identityOf({ token, directory: other })).rejects.toMatchObject({ code: 409 });
  await server.api.client("admin").delete(nodes, { name: "n1" });
  await identityOf({ token, directory: other });
  await expect(first.renew()).rejects.toMatchObject({ code: 409 });
  const stale = new Request(`${server.url}/agent/v1/sync`, {
    method: "POST",
    headers: { authorization: `Bearer ${first.credential()}` },
    body: JSON.stringify({ since: 0, digest: "", podStatuses: [], holds: { secrets: [], configMaps: [] } }),
  });
  expect((await connection()(stale)).status).toBe(401);
});

test("two machines that join under one name at once: one wins", async () => {
  const token = await server.token({ singleUse: false });
  const outcomes = await Promise.allSettled(
    ["a", "b", "c"].map((folder) => identityOf({ token, directory: join(directory, folder) })),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const outcome of outcomes)
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: 409 });
});

test("a stolen join token joins no second node", async () => {
  const token = await server.token();
  await identityOf({ token });
  await expect(identityOf({ token, nodeName: "n2", directory: join(directory, "thief") })).rejects.toMatchObject({
    code: 401,
  });
});

test("a renewal gives a new credential and keeps it", async () => {
  const identity = await identityOf({ token: await server.token() });
  const renewed = vi.fn();
  identity.onRenewed(renewed);
  await identity.renew();
  expect(renewed).toHaveBeenCalledOnce();
  const stored = JSON.parse(await readFile(join(directory, "credential.json"), "utf8")) as { credential: string };
  expect(stored.credential).toBe(identity.credential());
});

test("a deleted node joins again when it still has a good token", async () => {
  const identity = await identityOf({ token: await server.token({ singleUse: false }) });
  await server.api.client("admin").delete(nodes, { name: "n1" });
  await identity.renew();
  expect((await server.api.client("admin").get(nodes, { name: "n1" })).metadata.name).toBe("n1");
});

test("the CA is taken from the server only under the right fingerprint", async () => {
  const fetch = connection();
  const fingerprint = caFingerprint(server.ca);
  expect(await discoverCa({ server: server.url, fingerprint, fetch })).toBe(server.ca);
  const wrong = `sha256:${"0".repeat(64)}`;
  await expect(discoverCa({ server: server.url, fingerprint: wrong, fetch })).rejects.toThrow(
    "not the server you meant",
  );
});

test("without the cluster's CA the agent refuses the server", async () => {
  const https = createHttpsFetch();
  cleanup.push(() => https.close());
  await expect(https.fetch(new Request(`${server.url}/agent/v1/ca`))).rejects.toThrow(/certificate/);
});

test("a pod bound to the node reaches its agent over the tunnel, with the Secret it references", async () => {
  const node = await connectedNode({ tunnel: true });
  const admin = server.api.client("admin");
  await admin.create(secrets, { metadata: { name: "s1", namespace: "default" }, data: {} }, { namespace: "default" });
  await admin.create(
    secrets,
    { metadata: { name: "other", namespace: "default" }, data: {} },
    { namespace: "default" },
  );
  await quiet();
  await admin.create(pods, pod("p1", { volumes: [{ secret: { secretName: "s1" } }] }));
  await admin.create(pods, { metadata: { name: "elsewhere", namespace: "default" }, spec: { nodeName: "n2" } });
  await vi.waitFor(() => expect([...node.held.values()].map(({ name }) => name)).toEqual(["p1"]));
  const answer = node.answers.find(({ pods: some }) => some.length > 0);
  expect(answer?.full).toBe(false);
  expect(answer?.secrets.map(({ metadata }) => metadata.name)).toEqual(["s1"]);
  expect(answer?.pods[0]).toMatchObject({ kind: "Pod", apiVersion: "v1" });
  expect(answer?.pods[0]?.metadata.resourceVersion).toMatch(/^\d+$/);
});

test("a deleted pod is taken from the agent", async () => {
  const node = await connectedNode({ tunnel: true });
  const admin = server.api.client("admin");
  await admin.create(pods, pod("p1"));
  await vi.waitFor(() => expect(node.held.size).toBe(1));
  await admin.delete(pods, { namespace: "default", name: "p1" });
  await vi.waitFor(() => expect(node.held.size).toBe(0));
  expect(node.answers.at(-1)?.full).toBe(false);
});

test("services come and go as changes", async () => {
  const node = await connectedNode({ tunnel: true });
  const admin = server.api.client("admin");
  await admin.create(services, { metadata: { name: "web", namespace: "default" }, spec: { clusterIP: "10.96.0.9" } });
  await vi.waitFor(() => expect(node.answers.some((a) => a.services[0]?.metadata.name === "web")).toBe(true));
  await admin.delete(services, { namespace: "default", name: "web" });
  await vi.waitFor(() => expect(node.answers.some((a) => a.removedServices[0]?.name === "web")).toBe(true));
});

test("statuses are written as the node's, each with its own answer, and a bad one fails no other", async () => {
  const node = await connectedNode({ tunnel: true });
  const admin = server.api.client("admin");
  const made = await admin.create(pods, pod("p1"));
  await vi.waitFor(() => expect(node.held.size).toBe(1));
  const one = { namespace: "default", name: "p1" };
  node.say([
    { ...one, uid: made.metadata.uid ?? "", status: { phase: "Running" } },
    { ...one, uid: "another", status: { phase: "Failed" } },
    { namespace: "default", name: "gone", uid: "gone", status: { phase: "Failed" } },
  ]);
  await vi.waitFor(() => expect(node.pending()).toEqual([]));
  const codes = node.answers.flatMap(({ statusResults }) => statusResults.map(({ code }) => code));
  expect(codes).toEqual([200, 409, 404]);
  expect((await admin.get(pods, one)).status).toMatchObject({ phase: "Running" });
});

test("a status that may not be written is kept and tried again, without a storm", async () => {
  const node = await connectedNode({ tunnel: true });
  const admin = server.api.client("admin");
  const made = await admin.create(pods, pod("p1"));
  await vi.waitFor(() => expect(node.held.size).toBe(1));
  await quiet();
  server.api.forbid("pods/status");
  const before = syncs();
  node.say([{ namespace: "default", name: "p1", uid: made.metadata.uid ?? "", status: { phase: "Running" } }]);
  await vi.waitFor(() => expect(syncs()).toBeGreaterThan(before + 1), { timeout: 5000 });
  expect(node.pending()).toHaveLength(1);
  // Polls are 160 to 240 ms apart here: a storm would be hundreds.
  expect(syncs() - before).toBeLessThan(20);
});

test("a node that was called NotReady says that it is ready", async () => {
  const node = await connectedNode({ tunnel: true });
  const admin = server.api.client("admin");
  await quiet();
  const stored = await admin.get(nodes, { name: "n1" });
  const unknown = { conditions: [{ type: "Ready", status: "Unknown" }] };
  await admin.update(nodes, { ...stored, status: unknown }, "status");
  await vi.waitFor(async () => {
    const { status } = await admin.get(nodes, { name: "n1" });
    expect(status).toMatchObject({ conditions: [{ type: "Ready", status: "True" }] });
  });
  expect(node.tunnel?.connected()).toBe(true);
});

test("an idle node with a tunnel asks for nothing and writes nothing; heartbeats show that it lives", async () => {
  const node = await connectedNode({ tunnel: true });
  await quiet();
  const [requests, entries] = [server.requests.length, server.api.entries.length];
  const seen = (await server.tunnels.lastSeen())["n1"] ?? 0;
  await vi.waitFor(async () => expect((await server.tunnels.lastSeen())["n1"]).toBeGreaterThan(seen));
  expect(server.requests.length).toBe(requests);
  expect(server.api.entries.length).toBe(entries);
  expect(node.tunnel?.connected()).toBe(true);
});

test("without a tunnel the node polls, and the polls are its sign of life", async () => {
  const node = await connectedNode({ tunnel: false });
  await server.api.client("admin").create(pods, pod("p1"));
  await vi.waitFor(() => expect(node.held.size).toBe(1), { timeout: 5000 });
  expect(Object.keys(await server.tunnels.lastSeen())).toEqual(["n1"]);
});

test("a cut tunnel is dialled again and what was missed is fetched", async () => {
  const node = await connectedNode({ tunnel: true });
  await quiet();
  server.down(true);
  server.tunnels.close();
  await vi.waitFor(() => expect(node.tunnel?.connected()).toBe(false));
  await server.api.client("admin").create(pods, pod("p1"));
  server.down(false);
  await vi.waitFor(() => expect(node.held.size).toBe(1), { timeout: 5000 });
  await vi.waitFor(() => expect(node.tunnel?.connected()).toBe(true), { timeout: 5000 });
});

test("a second tunnel of a node replaces the first", async () => {
  const node = await connectedNode({ tunnel: true });
  const second = node.openOne();
  await vi.waitFor(() => expect(second.connected()).toBe(true));
  await vi.waitFor(() => expect(node.tunnel?.connected()).toBe(false));
  await server.api.client("admin").create(pods, pod("p1"));
  await vi.waitFor(() => expect(node.held.size).toBe(1));
});
