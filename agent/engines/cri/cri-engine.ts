/** Engines that speak the Container Runtime Interface: containerd, CRI-O. */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock, Log, Timers } from "../../../src/platform/platform.ts";
import { PORT_FORWARD_PROTOCOL } from "../../streams/port-forward-server.ts";
import { startSpdyExec } from "../../streams/spdy-exec.ts";
import { upgradeToSpdy } from "../../streams/spdy-upgrade.ts";
import { EngineError, type Engine } from "../engine.ts";
import { cniConf, programExists, writeCniConf } from "./cni-conf.ts";
import { createCriClient, type CriClient } from "./cri-client.ts";
import {
  addressesOf,
  containerConfig,
  containerOf,
  listedContainer,
  sandboxConfig,
  sandboxOf,
  usageOf,
} from "./mapping.ts";
import type { Message } from "./messages.ts";
import { createSandboxNetworks } from "./sandbox-network.ts";

export interface CriEngineOptions {
  socketPath: string;
  clock: Clock;
  timers: Timers;
  log: Log;
  /** The agent's; the addresses given to pods are remembered below it. */
  stateDirectory: string;
  /** Folder from which this engine reads its CNI configuration. Two engines on one machine need one each. */
  cniConfDir?: string;
  /** Of this node's pods. Two nodes in one network namespace need one each. */
  bridgeName?: string;
}

const PULL_MS_MAX = 30 * 60_000;
const SANDBOX_MS_MAX = 240_000;
/** What an engine may take on top of a grace period or a time-out of its own. */
const MARGIN_MS = 30_000;
/** An exec without a time-out. */
const EXEC_SYNC_SECONDS_MAX = 3_600;
const OUTPUT_BYTES_MAX = 16 * 1024;
const NETWORK_READY_MS_MAX = 10_000;
const NETWORK_POLL_MS = 50;

/** @throws EngineError "unavailable" when nothing answers at the socket */
export async function createCriEngine(options: CriEngineOptions): Promise<Engine> {
  const client = createCriClient(options);
  const engine = engineOver(client, options);
  try {
    await engine.info();
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function engineOver(client: CriClient, options: CriEngineOptions): Engine {
  return {
    async info() {
      const version = await client.call("Version", { version: "v1" }, { timeoutMs: 10_000 });
      const { runtime_name: name } = version;
      return { name, version: version.runtime_version, idPrefix: `${name}://`, podNetwork: true };
    },
    ...sandboxCalls(client),
    ...imageCalls(client),
    ...containerCalls(client),
    ...execCalls(client),
    ...networkCalls(client, options),
    networkUsage: createSandboxNetworks({ client, clock: options.clock }),
    close: async () => client.close(),
  };
}

/** What is gone already is as good as removed. */
async function unlessGone(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== "not-found") throw error;
  }
}

function sandboxCalls(client: CriClient) {
  return {
    runSandbox: async (config) => {
      await mkdir(config.logDirectory, { recursive: true });
      const request = { config: sandboxConfig(config) };
      const { pod_sandbox_id } = await client.call("RunPodSandbox", request, { timeoutMs: SANDBOX_MS_MAX });
      return pod_sandbox_id;
    },
    stopSandbox: (id) =>
      unlessGone(client.call("StopPodSandbox", { pod_sandbox_id: id }, { timeoutMs: SANDBOX_MS_MAX })),
    removeSandbox: (id) =>
      unlessGone(client.call("RemovePodSandbox", { pod_sandbox_id: id }, { timeoutMs: SANDBOX_MS_MAX })),
    async listSandboxes() {
      const { items } = await client.call("ListPodSandbox", {});
      return items.map((item) => sandboxOf(item, []));
    },
    async sandboxStatus(id) {
      const { status } = await client.call("PodSandboxStatus", { pod_sandbox_id: id });
      return sandboxOf(present(status, `sandbox ${id}`), addressesOf(status?.network));
    },
  } satisfies Partial<Engine>;
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new EngineError("internal", `the engine answered without a status of ${what}`);
  return value;
}

function imageCalls(client: CriClient) {
  return {
    async imageStatus(image) {
      const { image: found } = await client.call("ImageStatus", { image: { image } });
      if (found === undefined) return undefined;
      return {
        imageRef: found.id,
        ...(found.username === "" ? {} : { user: found.username }),
        ...(found.uid === undefined ? {} : { uid: found.uid.value }),
      };
    },
    async pullImage(image, auth) {
      const request = { image: { image }, ...(auth === undefined ? {} : { auth }) };
      const { image_ref } = await client.call("PullImage", request, { timeoutMs: PULL_MS_MAX });
      return image_ref;
    },
  } satisfies Partial<Engine>;
}

function containerCalls(client: CriClient) {
  /** A container never changes its sandbox, and its status does not tell it. */
  const sandboxIds = new Map<string, string>();

  async function list() {
    const { containers } = await client.call("ListContainers", {});
    sandboxIds.clear();
    for (const { id, pod_sandbox_id } of containers) sandboxIds.set(id, pod_sandbox_id);
    return containers.map(listedContainer);
  }

  return {
    async createContainer(sandboxId, sandbox, config) {
      await mkdir(dirname(join(sandbox.logDirectory, config.logPath)), { recursive: true });
      const { container_id } = await client.call("CreateContainer", {
        pod_sandbox_id: sandboxId,
        config: containerConfig(config, sandbox),
        sandbox_config: sandboxConfig(sandbox),
      });
      sandboxIds.set(container_id, sandboxId);
      return container_id;
    },
    async startContainer(id) {
      await client.call("StartContainer", { container_id: id });
    },
    async stopContainer(id, timeoutSeconds) {
      const timeoutMs = timeoutSeconds * 1000 + MARGIN_MS;
      await unlessGone(client.call("StopContainer", { container_id: id, timeout: timeoutSeconds }, { timeoutMs }));
    },
    async removeContainer(id) {
      await unlessGone(client.call("RemoveContainer", { container_id: id }));
      sandboxIds.delete(id);
    },
    listContainers: list,
    async containerStatus(id) {
      const { status } = await client.call("ContainerStatus", { container_id: id });
      const found: Message<"ContainerStatus"> = present(status, `container ${id}`);
      if (!sandboxIds.has(found.id)) await list();
      return containerOf(found, sandboxIds.get(found.id) ?? "");
    },
    async usage() {
      const { stats } = await client.call("ListContainerStats", {});
      return stats.flatMap((one) => usageOf(one) ?? []);
    },
    async reopenLog(id) {
      await client.call("ReopenContainerLog", { container_id: id });
    },
  } satisfies Partial<Engine>;
}

function execCalls(client: CriClient) {
  return {
    async execSync({ containerId, command, timeoutSeconds }) {
      const limitSeconds = timeoutSeconds > 0 ? timeoutSeconds : EXEC_SYNC_SECONDS_MAX;
      try {
        const { stdout, stderr, exit_code } = await client.call(
          "ExecSync",
          { container_id: containerId, cmd: command, timeout: limitSeconds },
          { timeoutMs: limitSeconds * 1000 + MARGIN_MS },
        );
        const output = Buffer.concat([stdout, stderr]).subarray(0, OUTPUT_BYTES_MAX).toString("utf8");
        return { exitCode: exit_code, output };
      } catch (error) {
        if (timedOut(error)) return { exitCode: -1, output: "" };
        throw error;
      }
    },
    async exec({ containerId, command, stdin, tty }) {
      const request = { container_id: containerId, cmd: command, stdin, tty, stdout: true, stderr: !tty };
      const { url } = await client.call("Exec", request);
      return await startSpdyExec({ url, stdin, tty });
    },
    async attach({ containerId, stdin, tty }) {
      const request = { container_id: containerId, stdin, tty, stdout: true, stderr: !tty };
      const { url } = await client.call("Attach", request);
      return await startSpdyExec({ url, stdin, tty });
    },
    async portForward({ sandboxId, ports }) {
      const { url } = await client.call("PortForward", { pod_sandbox_id: sandboxId, port: ports });
      return await upgradeToSpdy(url, PORT_FORWARD_PROTOCOL);
    },
  } satisfies Partial<Engine>;
}

const DEADLINE_EXCEEDED = 4;

function timedOut(error: unknown): boolean {
  if (!(error instanceof EngineError)) return false;
  return (error.cause as { code?: number } | undefined)?.code === DEADLINE_EXCEEDED;
}

function networkCalls(client: CriClient, options: CriEngineOptions) {
  const { clock, timers, log, stateDirectory, cniConfDir = "/etc/cni/net.d", bridgeName = "gantry0" } = options;

  async function networkReady(): Promise<{ ready: boolean; message: string }> {
    const { status } = await client.call("Status", {});
    const found = status?.conditions.find(({ type }) => type === "NetworkReady");
    return { ready: found?.status === true, message: found?.message ?? "" };
  }

  return {
    async configureNetwork({ podCidr }) {
      const portMappings = await programExists("iptables");
      if (!portMappings) log.warn("there is no iptables here: host ports of pods will not work");
      const addressDirectory = join(stateDirectory, "cni");
      const text = cniConf({ podCidr, bridgeName, addressDirectory, portMappings });
      const changed = await writeCniConf(cniConfDir, text);
      if (changed) log.info("the pod network is configured", { podCidr, bridgeName, cniConfDir });
      // Engines set up to make their configuration from a template do it now; the others say that they have nothing to do.
      await client.call("UpdateRuntimeConfig", { runtime_config: { network_config: { pod_cidr: podCidr } } });
      const untilMs = clock.now() + NETWORK_READY_MS_MAX;
      for (;;) {
        const { ready, message } = await networkReady();
        if (ready) return;
        if (clock.now() >= untilMs) {
          throw new EngineError("unavailable", `the engine does not take up the network in ${cniConfDir}: ${message}`);
        }
        await new Promise<void>((resolve) => void timers.after(NETWORK_POLL_MS, resolve));
      }
    },
  } satisfies Partial<Engine>;
}
