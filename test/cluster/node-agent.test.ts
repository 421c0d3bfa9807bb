/** The node's side of the agent over a real containerd: pods, volumes, probes, services, logs and restarts, without a control plane. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../../agent/engines/engine.ts";
import { createNodeNetwork } from "../../agent/network/node-network.ts";
import { createNodeAgent, type NodeAgent } from "../../agent/node-agent.ts";
import { nodeAddress } from "../../agent/node-status.ts";
import type { Pod, PodSpec, PodStatus } from "../../agent/pods/pod.ts";
import type { PodEvent } from "../../agent/pods/worker-deps.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { SyncResponse } from "../../src/relay/protocol.ts";
import { BUSYBOX_IMAGE, missing, startContainerd, type TestContainerd } from "../harness/containerd.ts";
import { eventually } from "../harness/eventually.ts";
import { missing as missingPrograms } from "../harness/requires.ts";
import { silentLog } from "../harness/silent-log.ts";
import { realClock, realTimers } from "../harness/timers.ts";

const run = promisify(execFile);
const lacking = [...missing(), ...missingPrograms(["nft"])];
const POD_CIDR = "10.251.7.0/24";
const SERVICE_CIDR = "10.111.0.0/16";
const KUBERNETES_IP = "10.111.0.1";
const WEB_IP = "10.111.0.10";

function makePod(name: string, spec: Partial<PodSpec>, metadata: Partial<Pod["metadata"]> = {}): Pod {
  return {
    metadata: { name, namespace: "default", uid: `uid-${name}`, generation: 1, resourceVersion: "1", ...metadata },
    spec: { nodeName: "n1", containers: [], serviceAccountName: "default", terminationGracePeriodSeconds: 1, ...spec },
  };
}

const web = makePod("web", {
  containers: [
    {
      name: "app",
      image: BUSYBOX_IMAGE,
      command: ["sh", "-c", "echo serving; exec httpd -f -p 8080 -h /www"],
      env: [{ name: "GREETING", valueFrom: { configMapKeyRef: { name: "page", key: "index.html" } } }],
      volumeMounts: [
        { name: "page", mountPath: "/www" },
        { name: "keys", mountPath: "/keys" },
        { name: "api", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" },
        { name: "scratch", mountPath: "/scratch" },
        { name: "scratch", mountPath: "/part", subPath: "a/b" },
        { name: "page", mountPath: "/one/page", subPath: "index.html" },
      ],
      readinessProbe: { httpGet: { port: 8080, path: "/" }, periodSeconds: 1 },
      livenessProbe: { exec: { command: ["test", "!", "-e", "/scratch/sick"] }, periodSeconds: 1, failureThreshold: 1 },
      lifecycle: { postStart: { exec: { command: ["touch", "/scratch/started"] } } },
    },
  ],
  initContainers: [{ name: "init", image: BUSYBOX_IMAGE, command: ["true"] }],
  volumes: [
    { name: "page", configMap: { name: "page" } },
    { name: "keys", secret: { secretName: "keys", defaultMode: 0o400 } },
    { name: "api", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } },
    { name: "scratch", emptyDir: { medium: "Memory" } },
  ],
});

const client = makePod("client", { containers: [{ name: "app", image: BUSYBOX_IMAGE, command: ["sleep", "1000"] }] });

function page(text: string, resourceVersion: string): KubeObject {
  return { metadata: { namespace: "default", name: "page", resourceVersion }, data: { "index.html": text } };
}

const GET = (ip: string, port: number) => `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 ${ip} ${port} | tail -1`;

const suite = lacking.length === 0 ? describe : describe.skip;
suite(`a node over containerd${lacking.length === 0 ? "" : ` (missing here: ${lacking.join(", ")})`}`, () => {
  let containerd: TestContainerd;
  let engine: Engine;
  let agent: NodeAgent;
  let relay: Server;
  let folder: string;
  const events: PodEvent[] = [];
  const deleted: string[] = [];
  const statuses = new Map<string, PodStatus>();

  async function startAgent(): Promise<void> {
    engine = await containerd.createEngine();
    const { port } = relay.address() as { port: number };
    agent = createNodeAgent({
      engine,
      nodeName: "n1",
      stateDirectory: join(folder, "state"),
      clock: realClock,
      timers: realTimers,
      log: silentLog,
      random: {
        uuid: () => crypto.randomUUID(),
        fraction: Math.random,
        bytes: (n) => crypto.getRandomValues(new Uint8Array(n)),
      },
      podToken: async ({ podName }) => ({ token: `token of ${podName}`, expiresMs: Date.now() + 3_600_000 }),
      deletePod: async ({ name }) => void deleted.push(name),
      recordEvent: (event) => void events.push(event),
      network: createNodeNetwork({
        timers: realTimers,
        log: silentLog,
        nodeName: "n1",
        nodeAddress,
        serviceCidr: SERVICE_CIDR,
        relay: { serviceIp: KUBERNETES_IP, address: "0.0.0.0", port },
        tableName: containerd.bridgeName.replaceAll("-", "_"),
      }),
      clusterCa: () => "CA",
      cluster: { dnsDomain: "cluster.local", serviceCidr: SERVICE_CIDR, kubernetesServiceIp: KUBERNETES_IP },
    });
    agent.onStatusChange(acceptAll);
    await agent.restore();
  }

  function acceptAll(): void {
    for (const { name, uid, status } of agent.pendingStatuses()) {
      statuses.set(name, status);
      queueMicrotask(() => agent.statusAccepted(uid, status));
    }
  }

  function send(changes: Partial<SyncResponse>): void {
    agent.apply({
      revision: 1,
      full: false,
      node: { metadata: { name: "n1" }, spec: { podCIDR: POD_CIDR } },
      pods: [],
      removedPods: [],
      secrets: [],
      configMaps: [],
      services: [],
      endpointSlices: [],
      removedServices: [],
      removedEndpointSlices: [],
      peers: [],
      statusResults: [],
      ...changes,
    });
  }

  const ready = (name: string) => statuses.get(name)?.conditions?.find((c) => c.type === "Ready")?.status === "True";

  /** What a command prints in the client pod (or another). */
  async function exec(name: string, command: string): Promise<string> {
    const found = agent.findContainer({ namespace: "default", pod: name, uid: "", container: "app" });
    const containerId = found?.containerId ?? "";
    const { output } = await engine.execSync({ containerId, command: ["sh", "-c", command], timeoutSeconds: 5 });
    return output.trim();
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gantry-node-"));
    relay = createServer((socket) => socket.on("error", () => undefined).end("the relay\n"));
    await new Promise<void>((resolve) => void relay.listen(0, "0.0.0.0", resolve));
    containerd = await startContainerd();
    await startAgent();
    send({
      full: true,
      pods: [web, client],
      configMaps: [page("hello", "1")],
      secrets: [
        { metadata: { namespace: "default", name: "keys" }, data: { key: Buffer.from("s3cret").toString("base64") } },
      ],
    });
    await eventually(() => expect([ready("web"), ready("client")]).toEqual([true, true]));
    const address = statuses.get("web")?.podIP ?? "";
    send({
      services: [
        { metadata: { namespace: "default", name: "web" }, spec: { clusterIP: WEB_IP, ports: [{ port: 80 }] } },
      ],
      endpointSlices: [
        {
          metadata: { namespace: "default", name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
          addressType: "IPv4",
          ports: [{ port: 8080, protocol: "TCP" }],
          endpoints: [{ addresses: [address], nodeName: "n1", conditions: { ready: true } }],
        },
      ],
    });
  });

  afterAll(async () => {
    await agent?.stop({ killPods: true });
    await engine?.close();
    await containerd?.stop();
    relay?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("the pod is reported as kubelet would", () => {
    const status = statuses.get("web");
    expect(status).toMatchObject({ phase: "Running", podIP: expect.stringMatching(/^10\.251\.7\./) as string });
    expect(status?.initContainerStatuses?.[0]?.state.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
    expect(status?.containerStatuses?.[0]).toMatchObject({
      restartCount: 0,
      started: true,
      containerID: expect.stringMatching(/^containerd:\/\/[0-9a-f]{64}$/) as string,
    });
  });

  test("its files and variables are there", async () => {
    expect(await exec("web", "cat /keys/key")).toBe("s3cret");
    expect(await exec("web", "stat -L -c %a /keys/key")).toBe("400");
    expect(await exec("web", "cat /var/run/secrets/kubernetes.io/serviceaccount/token")).toBe("token of web");
    expect(await exec("web", "echo $GREETING $KUBERNETES_SERVICE_HOST $HOSTNAME")).toBe(`hello ${KUBERNETES_IP} web`);
    expect(await exec("web", "ls /scratch")).toBe("a\nstarted");
    expect(await exec("web", "touch /part/x; ls /scratch/a/b; cat /one/page")).toBe("x\nhello");
    // Neither Secrets nor tokens are on a disk.
    for (const path of ["/keys", "/var/run/secrets/kubernetes.io/serviceaccount", "/scratch"]) {
      expect(await exec("web", `stat -f -c %T ${path}`)).toBe("tmpfs");
    }
    expect(await exec("web", "grep -c web /etc/hosts")).toBe("1");
  });

  test("its service answers another pod, itself and the node", async () => {
    await eventually(async () => expect(await exec("client", GET(WEB_IP, 80))).toBe("hello"));
    expect(await exec("web", GET(WEB_IP, 80))).toBe("hello");
    const { stdout } = await run("sh", ["-c", GET(WEB_IP, 80).replace("nc ", "busybox nc ")]);
    expect(stdout.trim()).toBe("hello");
  });

  test("pods reach the relay at the kubernetes service", async () => {
    expect(await exec("client", `echo | nc -w 3 ${KUBERNETES_IP} 443`)).toBe("the relay");
  });

  test("a changed ConfigMap arrives in the running container", async () => {
    send({ configMaps: [page("changed", "2")] });
    await eventually(async () => expect(await exec("client", GET(WEB_IP, 80))).toBe("changed"));
    expect(statuses.get("web")?.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  test("its log can be read and followed", async () => {
    const query = { namespace: "default", pod: "web", uid: "", container: "" };
    expect(await new Response(agent.openLog(query)).text()).toBe("serving\n");
    const reader = agent.openLog({ ...query, follow: true, timestamps: true }).getReader();
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toMatch(/^\d{4}-.*Z serving\n$/);
    await reader.cancel();
  });

  test("a failing liveness probe restarts it, in the same pod", async () => {
    const address = statuses.get("web")?.podIP;
    await exec("web", "touch /scratch/sick");
    await eventually(() => expect(statuses.get("web")?.containerStatuses?.[0]?.restartCount).toBeGreaterThan(0));
    await exec("client", "true");
    expect(events.map((e) => e.message)).toContain("Container app failed liveness probe, will be restarted");
    expect(statuses.get("web")?.podIP).toBe(address);
  });

  test("an agent that starts again takes its pods over, and restarts what ended meanwhile", async () => {
    const query = { namespace: "default", pod: "client", uid: "", container: "app" };
    const before = agent.findContainer(query)?.containerId ?? "";
    await agent.stop({ killPods: false });
    // Services go on while there is no agent.
    expect((await run("nft", ["list", "tables"])).stdout).toContain(
      `table ip ${containerd.bridgeName.replaceAll("-", "_")}`,
    );
    await engine.stopContainer(before, 0);
    await engine.close();
    await startAgent();
    await eventually(() => expect(agent.findContainer(query)).toMatchObject({ attempt: 1, state: "running" }));
    expect(await exec("client", `echo | nc -w 3 ${KUBERNETES_IP} 443`)).toBe("the relay");
  });

  test("a deleted pod ends, is reported and removed, and leaves nothing behind", async () => {
    const deletion = {
      deletionTimestamp: new Date().toISOString(),
      deletionGracePeriodSeconds: 1,
      resourceVersion: "2",
    };
    send({ pods: [{ ...web, metadata: { ...web.metadata, ...deletion } }] });
    await eventually(() => expect(deleted).toContain("web"));
    expect(["Failed", "Succeeded"]).toContain(statuses.get("web")?.phase);
    send({ removedPods: [{ namespace: "default", name: "web", uid: "uid-web" }] });
    await eventually(async () => expect(await readdir(join(folder, "state", "pods"))).toEqual(["uid-client"]));
    expect((await engine.listSandboxes()).map((s) => s.name)).toEqual(["client"]);
    const { stdout } = await run("cat", ["/proc/mounts"]);
    expect(stdout).not.toContain(join(folder, "state", "pods", "uid-web"));
  });
});
