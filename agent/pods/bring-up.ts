/** Bringing a pod up: volumes, sandbox, then containers one after another. All I/O of starting is here; what to start is the plan's. */
import { dirname, join } from "node:path";
import { mkdir } from "node:fs/promises";
import { currentSandbox } from "./plan.ts";
import type { ContainerStart, PodPlan } from "./plan.ts";
import type { ContainerConfig, SandboxConfig } from "../engines/engine.ts";
import { hostsFile } from "../volumes/host-files.ts";
import { createPodTokens, type PodTokens } from "../volumes/tokens.ts";
import type { PayloadSources } from "../volumes/payload.ts";
import { createPodVolumes, type PodVolumes } from "../volumes/volumes.ts";
import type { BackOff } from "./back-off.ts";
import { containerConfig, podDns, sandboxConfig } from "./container-config.ts";
import { buildEnvironment, ContainerConfigError } from "./env.ts";
import { StartError } from "./images.ts";
import type { PodFiles } from "./pod-files.ts";
import { allContainers, type Container, type Pod } from "./pod.ts";
import type { WorkerDeps } from "./worker-deps.ts";

const CONFIG_RETRY_MS = 10_000;
const ENGINE_RETRY_MS = 2_000;

export interface BringUp {
  volumes: PodVolumes;
  tokens: PodTokens;
  /** Makes or refreshes the volumes. @throws VolumeError */
  setUpVolumes(pod: Pod): Promise<void>;
  /** @throws when the sandbox cannot be made */
  createSandbox(pod: Pod, attempt: number): Promise<void>;
  /** @throws StartError. Resolves when the container runs and its postStart hook is through. */
  startContainer(pod: Pod, start: ContainerStart): Promise<void>;
  /** True while nothing but a pull is under way: the pod may be taken down meanwhile. */
  pulling(): boolean;
  /** The container whose postStart hook runs: not started yet. */
  hooked(): string | undefined;
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function createBringUp(
  deps: WorkerDeps,
  own: {
    pod: Pod;
    files: PodFiles;
    crashes: BackOff;
    halted(): boolean;
    onStarted(container: Container, attempt: number): void;
  },
): BringUp {
  const { engine, view, clock, random, starts } = deps;
  const { files, crashes } = own;
  const { uid } = own.pod.metadata;
  const volumes = createPodVolumes({ directory: join(files.directory, "volumes"), memory: deps.memory, clock, random });
  const tokens = createPodTokens({
    pod: own.pod,
    file: join(files.directory, "tokens.json"),
    podToken: deps.podToken,
    clock,
  });

  let pulling = false;
  let hooked: string | undefined;

  function event(pod: Pod, type: "Normal" | "Warning", reason: string, message: string, container?: string): void {
    const { namespace, name } = pod.metadata;
    const fieldPath = container === undefined ? {} : { fieldPath: `spec.containers{${container}}` };
    deps.recordEvent({ pod: { namespace, name, uid }, type, reason, message, ...fieldPath });
  }

  function podIps(pod: Pod): readonly string[] {
    if (pod.spec.hostNetwork === true || !deps.podNetwork) return deps.facts().hostIps;
    return currentSandbox(view.of(uid).sandboxes)?.ips ?? [];
  }

  function downward(pod: Pod) {
    const { allocatable } = deps.sources(pod.metadata.namespace);
    return { hostIps: deps.facts().hostIps, podIps: podIps(pod), allocatable };
  }

  function payloadSources(pod: Pod): PayloadSources {
    const { configMap, secret } = deps.sources(pod.metadata.namespace);
    return { configMap, secret, downward: downward(pod), token: (request) => tokens.get(request) };
  }

  function sandboxOf(pod: Pod, attempt: number): SandboxConfig {
    const { hostDns, clusterDnsIp, dnsDomain } = deps.facts();
    const dns = podDns(pod, { host: hostDns, clusterDnsIp, dnsDomain });
    return sandboxConfig(pod, { attempt, logDirectory: files.logDirectory, dns, dnsDomain });
  }

  async function mountsOf(pod: Pod, container: Container, attempt: number, env: { name: string; value: string }[]) {
    const values = new Map(env.map((v) => [v.name, v.value]));
    const mounts: ContainerConfig["mounts"] = await volumes.mounts(pod, container, values);
    const { hostsFile: hostFile, dnsDomain } = deps.facts();
    if (!mounts.some((m) => m.containerPath === "/etc/hosts")) {
      const hostPath = await files.writeHosts(hostsFile(pod, { podIps: podIps(pod), hostFile, dnsDomain }));
      mounts.push({ hostPath, containerPath: "/etc/hosts", readOnly: false });
    }
    const { terminationMessagePath = "/dev/termination-log" } = container;
    if (terminationMessagePath !== "") {
      const hostPath = await files.makeTerminationLog(container.name, attempt);
      mounts.push({ hostPath, containerPath: terminationMessagePath, readOnly: false });
    }
    return mounts;
  }

  async function configure(pod: Pod, container: Container, attempt: number): Promise<ContainerConfig> {
    const { namespace } = pod.metadata;
    const { secret } = deps.sources(namespace);
    pulling = true;
    const image = await deps.images
      .ensure(pod, container, {
        secret,
        event: (type, reason, message) => event(pod, type, reason, message, container.name),
      })
      .finally(() => (pulling = false));
    if (own.halted()) throw new StartError("ContainerCreating", "the pod is being taken down", { retryAfterMs: 0 });
    try {
      const env = buildEnvironment(pod, container, { ...deps.sources(namespace), downward: downward(pod) });
      // What CRI engines set by themselves, for those that don't.
      if (!env.some((v) => v.name === "HOSTNAME")) {
        env.push({ name: "HOSTNAME", value: sandboxOf(pod, 0).hostname || (pod.spec.nodeName ?? "") });
      }
      const mounts = await mountsOf(pod, container, attempt, env);
      const { memoryCapacityBytes } = deps.facts();
      return containerConfig({
        pod,
        container,
        attempt,
        imageRef: image.imageRef,
        image,
        env,
        mounts,
        memoryCapacityBytes,
      });
    } catch (error) {
      const config = error instanceof ContainerConfigError;
      throw new StartError(config ? "CreateContainerConfigError" : "CreateContainerError", text(error), {
        retryAfterMs: CONFIG_RETRY_MS,
        cause: error,
      });
    }
  }

  async function create(pod: Pod, config: ContainerConfig): Promise<string> {
    const sandbox = currentSandbox(view.of(uid).sandboxes);
    if (sandbox === undefined)
      throw new StartError("CreateContainerError", "the pod has no sandbox", { retryAfterMs: ENGINE_RETRY_MS });
    await mkdir(dirname(join(files.logDirectory, config.logPath)), { recursive: true });
    const id = await engine
      .createContainer(sandbox.id, sandboxOf(pod, sandbox.attempt), config)
      .catch((error: unknown) => {
        throw new StartError("CreateContainerError", text(error), { retryAfterMs: CONFIG_RETRY_MS, cause: error });
      });
    event(pod, "Normal", "Created", `Created container: ${config.name}`, config.name);
    await engine.startContainer(id).catch((error: unknown) => {
      throw new StartError("RunContainerError", text(error), { retryAfterMs: ENGINE_RETRY_MS, cause: error });
    });
    event(pod, "Normal", "Started", `Started container ${config.name}`, config.name);
    return id;
  }

  /** A container whose postStart hook fails is killed; its restart policy decides what follows. */
  async function postStart(pod: Pod, container: Container, containerId: string): Promise<void> {
    const hook = container.lifecycle?.postStart;
    if (hook === undefined) return;
    const sleep = (ms: number) => new Promise<void>((wake) => void deps.timers.after(ms, wake));
    const podIp = podIps(pod)[0] ?? "";
    hooked = containerId;
    const outcome = await deps
      .runHook(hook, { container, containerId, podIp, timeoutMs: 120_000, sleep })
      .finally(() => (hooked = undefined));
    if (outcome.success) return;
    event(pod, "Warning", "FailedPostStartHook", "PostStartHook failed", container.name);
    event(pod, "Normal", "Killing", "FailedPostStartHook", container.name);
    await engine.stopContainer(containerId, pod.spec.terminationGracePeriodSeconds ?? 30);
    throw new StartError("PostStartHookError", outcome.message, { retryAfterMs: 0 });
  }

  return {
    volumes,
    tokens,
    pulling: () => pulling,
    hooked: () => hooked,
    setUpVolumes: (pod) => volumes.setUp(pod, payloadSources(pod)),
    async createSandbox(pod, attempt) {
      if (deps.podNetwork && pod.spec.hostNetwork !== true && !deps.networkReady()) {
        throw new Error("network is not ready: the node has no pod CIDR yet");
      }
      await starts.run(async () => {
        await mkdir(files.logDirectory, { recursive: true });
        await engine.runSandbox(sandboxOf(pod, attempt));
      });
      await view.refresh();
    },
    async startContainer(pod, start) {
      const container = allContainers(pod).find((c) => c.name === start.name);
      if (container === undefined) return;
      const nowMs = clock.now();
      try {
        const config = await configure(pod, container, start.attempt);
        if (start.predecessorFinishedMs !== undefined)
          crashes.next(start.name, { nowMs, sinceMs: start.predecessorFinishedMs || nowMs });
        const id = await starts.run(() => create(pod, config));
        own.onStarted(container, start.attempt);
        await view.refresh();
        await postStart(pod, container, id);
      } catch (error) {
        const known = error instanceof StartError;
        const failure = known
          ? error
          : new StartError("CreateContainerError", text(error), { retryAfterMs: CONFIG_RETRY_MS, cause: error });
        if (!["ErrImagePull", "ErrImageNeverPull", "ContainerCreating"].includes(failure.reason)) {
          event(pod, "Warning", "Failed", `Error: ${failure.message}`, container.name);
        }
        throw failure;
      }
    },
  };
}

/** True when the plan asks for something to be started. */
export function wantsBringUp(plan: PodPlan): boolean {
  return plan.createSandbox !== undefined || plan.start.length > 0;
}
