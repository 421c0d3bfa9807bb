/**
 * The port to a container engine. Implementations: cri (containerd, CRI-O), process (plain child processes), fake (tests).
 * Names follow the CRI (k8s.io/cri-api). All methods throw EngineError; none blocks the event loop.
 */
import type { Duplex } from "node:stream";

/** "not-found" for an unknown id, "refused" for what this engine cannot run, "pull" for image trouble. */
export class EngineError extends Error {
  readonly code: "not-found" | "refused" | "pull" | "unavailable" | "internal";
  constructor(code: EngineError["code"], message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "EngineError";
    this.code = code;
  }
}

export interface EngineInfo {
  /** e.g. "containerd" */
  name: string;
  version: string;
  /** e.g. "containerd://", the prefix of containerIDs in pod statuses. */
  idPrefix: string;
  /** False where pods share the node's network (process engine). */
  podNetwork: boolean;
}

export interface PodIdentity {
  namespace: string;
  name: string;
  uid: string;
}

export interface SandboxConfig extends PodIdentity {
  attempt: number;
  hostname: string;
  hostNetwork: boolean;
  hostPid?: boolean;
  hostIpc?: boolean;
  /** The pod's containers see each other's processes. */
  sharedPid?: boolean;
  /** Folder on the host for this pod's container logs. */
  logDirectory: string;
  dns: { servers: string[]; searches: string[]; options: string[] };
  portMappings: { protocol: "TCP" | "UDP" | "SCTP"; containerPort: number; hostPort: number; hostIp: string }[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  cgroupParent: string;
  privileged: boolean;
}

export interface Sandbox extends PodIdentity {
  id: string;
  attempt: number;
  ready: boolean;
  createdMs: number;
  /** Filled by sandboxStatus and by listSandboxes where the engine gives it at no cost. */
  ips: string[];
}

export interface ContainerConfig {
  name: string;
  attempt: number;
  /** As resolved by imageStatus or pullImage. */
  imageRef: string;
  /** As written in the pod. */
  image: string;
  command: string[];
  args: string[];
  workingDir: string;
  env: { name: string; value: string }[];
  mounts: { hostPath: string; containerPath: string; readOnly: boolean }[];
  /** Relative to the sandbox's logDirectory, e.g. "app/0.log"; CRI log format. */
  logPath: string;
  stdin: boolean;
  stdinOnce: boolean;
  tty: boolean;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  resources: { cpuShares: number; cpuQuota: number; cpuPeriod: number; memoryLimitBytes: number; oomScoreAdj: number };
  security: {
    privileged: boolean;
    runAsUser?: number;
    runAsUserName?: string;
    runAsGroup?: number;
    readOnlyRootFilesystem: boolean;
    addCapabilities: string[];
    dropCapabilities: string[];
    allowPrivilegeEscalation: boolean;
    supplementalGroups: number[];
    /** Absent: unconfined, as Kubernetes has it by default. `path` is relative to the engine's folder of profiles. */
    seccomp?: { type: "RuntimeDefault" | "Unconfined" } | { type: "Localhost"; path: string };
  };
}

export interface ContainerStatus {
  id: string;
  sandboxId: string;
  podUid: string;
  name: string;
  attempt: number;
  state: "created" | "running" | "exited" | "unknown";
  createdMs: number;
  startedMs: number;
  finishedMs: number;
  exitCode: number;
  /** e.g. "Completed", "Error", "OOMKilled". */
  reason: string;
  message: string;
  image: string;
  imageRef: string;
  /** Absolute path of the log file. */
  logPath: string;
}

/** What a container has used until `atMs`. */
export interface ContainerUsage {
  id: string;
  atMs: number;
  /** Of all cores together, since its start. */
  cpuNanoSeconds: number;
  memoryBytes: number;
  /** Without what the kernel can drop at once. */
  workingSetBytes: number;
  rssBytes: number;
  /** Since its start. */
  pageFaults?: number;
  majorPageFaults?: number;
  /** What it has written into its own file system. */
  writableBytes?: number;
}

/** What has passed through a pod's network until `atMs`, by interface; the pod's default one is the first. */
export interface NetworkUsage {
  sandboxId: string;
  atMs: number;
  interfaces: { name: string; rxBytes: number; rxErrors: number; txBytes: number; txErrors: number }[];
}

export interface ExecRequest {
  containerId: string;
  command: string[];
  stdin: boolean;
  tty: boolean;
}

/** A running process in a container. Its streams have back-pressure; closing stdin is end-of-file for the process. */
export interface ExecSession {
  stdin: WritableStream<Uint8Array> | undefined;
  stdout: ReadableStream<Uint8Array>;
  /** Absent with a tty. */
  stderr: ReadableStream<Uint8Array> | undefined;
  resize(size: { columns: number; rows: number }): void;
  /** Resolves when the process has ended. Rejects with EngineError when that is not known. */
  exit: Promise<{ exitCode: number }>;
  /** Cuts the session. The process may go on, as with kubectl. */
  close(): void;
}

export interface PortForwardConnection {
  socket: Duplex;
  /** Bytes that came before anybody could listen to the socket. */
  head: Buffer;
}

export interface Engine {
  info(): Promise<EngineInfo>;
  /** @throws EngineError "refused" | "internal" */
  runSandbox(config: SandboxConfig): Promise<string>;
  /** Idempotent, also for an unknown id; kills what still runs in it. */
  stopSandbox(id: string): Promise<void>;
  /** Idempotent, also for an unknown id; stops it and removes its containers. */
  removeSandbox(id: string): Promise<void>;
  listSandboxes(): Promise<Sandbox[]>;
  sandboxStatus(id: string): Promise<Sandbox>;
  /** Undefined when the image is not on the node. */
  imageStatus(image: string): Promise<{ imageRef: string; user?: string; uid?: number } | undefined>;
  /** @throws EngineError "pull" */
  pullImage(image: string, auth?: { username: string; password: string }): Promise<string>;
  createContainer(sandboxId: string, sandbox: SandboxConfig, config: ContainerConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Sends the stop signal, kills after `timeoutSeconds`. Resolves when it has ended; at once for an unknown id. */
  stopContainer(id: string, timeoutSeconds: number): Promise<void>;
  /** Idempotent, also for an unknown id; kills it where it still runs. */
  removeContainer(id: string): Promise<void>;
  /** Start, end, exit code, reason, message and log path may be left empty here: containerStatus has them. */
  listContainers(): Promise<ContainerStatus[]>;
  containerStatus(id: string): Promise<ContainerStatus>;
  /** Of those that run. Absent where the engine does not measure them. */
  usage?(): Promise<ContainerUsage[]>;
  /** Of sandboxes that run and have a network of their own. Absent where the engine does not measure it. */
  networkUsage?(): Promise<NetworkUsage[]>;
  /** For probes and hooks. Output is cut at 16 KiB. A time-out is exitCode -1. */
  execSync(request: {
    containerId: string;
    command: string[];
    timeoutSeconds: number;
  }): Promise<{ exitCode: number; output: string }>;
  exec(request: ExecRequest): Promise<ExecSession>;
  /** The exit code is 0 where the engine does not tell it: ask containerStatus. */
  attach(request: Omit<ExecRequest, "command">): Promise<ExecSession>;
  /**
   * A connection to a server of SPDY/3.1 that speaks "portforward.k8s.io": for each pair of streams (error, data) with one requestID it
   * connects to the pair's port at localhost inside the sandbox. Whoever gets it ends it.
   */
  portForward(request: { sandboxId: string; ports: number[] }): Promise<PortForwardConnection>;
  /** After the log file was moved away: goes on in a new one at the same path. Absent where logs cannot be rotated. */
  reopenLog?(id: string): Promise<void>;
  /** Sets the pod CIDR of this node, before the first sandbox. */
  configureNetwork(network: { podCidr: string }): Promise<void>;
  close(): Promise<void>;
}
