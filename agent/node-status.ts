/** The status of this node as kubelet would report it. Times change only when a condition does: heartbeats are the control plane's. */
import { readFile, statfs } from "node:fs/promises";
import os from "node:os";
import { formatTime } from "../src/machinery/meta.ts";
import type { EngineInfo } from "./engines/engine.ts";

export const KUBELET_VERSION = "v1.36.0+gantry";
export const PODS_MAX = 110;
/** kubelet's hard eviction thresholds. */
const MEMORY_FREE_MIN_BYTES = 100 * 2 ** 20;
const DISK_FREE_MIN_SHARE = 0.1;
const PIDS_FREE_MIN_SHARE = 0.05;

export interface Measured {
  cpuCount: number;
  memoryBytes: number;
  memoryAvailableBytes: number;
  diskBytes: number;
  diskFreeBytes: number;
  pids: number;
  pidsMax: number;
  machineId: string;
  bootId: string;
  systemUuid: string;
  osImage: string;
}

export interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
  lastHeartbeatTime: string;
  lastTransitionTime: string;
}

async function text(path: string): Promise<string> {
  return (await readFile(path, "utf8").catch(() => "")).trim();
}

/** Limits of the agent's own cgroup are not looked at: pods are its siblings. */
export async function measureNode(stateDirectory: string): Promise<Measured> {
  const [meminfo, release, machineId, bootId, systemUuid, loadavg, pidMax, disk] = await Promise.all([
    text("/proc/meminfo"),
    text("/etc/os-release"),
    text("/etc/machine-id"),
    text("/proc/sys/kernel/random/boot_id"),
    text("/sys/class/dmi/id/product_uuid"),
    text("/proc/loadavg"),
    text("/proc/sys/kernel/pid_max"),
    statfs(stateDirectory).catch(() => undefined),
  ]);
  const available = Number(/MemAvailable:\s+(\d+)/.exec(meminfo)?.[1] ?? 0) * 1024;
  return {
    cpuCount: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    memoryAvailableBytes: available || os.freemem(),
    diskBytes: disk === undefined ? 0 : disk.blocks * disk.bsize,
    diskFreeBytes: disk === undefined ? 0 : disk.bavail * disk.bsize,
    pids: Number(/\/(\d+)/.exec(loadavg)?.[1] ?? 0),
    pidsMax: Number(pidMax) || 32_768,
    machineId,
    bootId,
    systemUuid: systemUuid || machineId,
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? os.type(),
  };
}

/** The first address of the node that others can reach. Loopback and bridges of pods don't count. */
export function nodeAddress(interfaces: NodeJS.Dict<os.NetworkInterfaceInfo[]> = os.networkInterfaces()): string {
  for (const [name, list] of Object.entries(interfaces)) {
    if (/^(lo|cni|docker|veth|br-|cbr|gantry|virbr|flannel)/.test(name)) continue;
    const found = list?.find((a) => a.family === "IPv4" && !a.internal && !a.address.startsWith("169.254."));
    if (found) return found.address;
  }
  return "127.0.0.1";
}

export interface NodeStatusInput {
  nodeName: string;
  measured: Measured;
  info: EngineInfo | undefined;
  address: string;
  /** Why the engine does not answer. */
  engineFailure: string | undefined;
  nowMs: number;
  before: readonly Condition[];
}

type Finding = Pick<Condition, "type" | "status" | "reason" | "message">;

function pressure(type: "MemoryPressure" | "DiskPressure" | "PIDPressure", under: boolean): Finding {
  const what = type.slice(0, -"Pressure".length);
  const words = type === "MemoryPressure" ? "memory" : type === "DiskPressure" ? "disk" : "PID";
  const well =
    type === "DiskPressure"
      ? { reason: "KubeletHasNoDiskPressure", message: "kubelet has no disk pressure" }
      : { reason: `KubeletHasSufficient${what}`, message: `kubelet has sufficient ${words} available` };
  if (!under) return { type, status: "False", ...well };
  const reason = type === "DiskPressure" ? "KubeletHasDiskPressure" : `KubeletHasInsufficient${what}`;
  return {
    type,
    status: "True",
    reason,
    message: `kubelet has ${type === "DiskPressure" ? "disk pressure" : `insufficient ${words} available`}`,
  };
}

function ki(bytes: number): string {
  return `${Math.floor(bytes / 1024)}Ki`;
}

function conditions(input: NodeStatusInput): Condition[] {
  const { measured: m, engineFailure, nowMs, before } = input;
  const down = engineFailure !== undefined;
  const all = [
    pressure("MemoryPressure", m.memoryAvailableBytes < MEMORY_FREE_MIN_BYTES),
    pressure("DiskPressure", m.diskBytes > 0 && m.diskFreeBytes < m.diskBytes * DISK_FREE_MIN_SHARE),
    pressure("PIDPressure", m.pidsMax - m.pids < m.pidsMax * PIDS_FREE_MIN_SHARE),
    {
      type: "Ready",
      status: down ? "False" : "True",
      reason: down ? "KubeletNotReady" : "KubeletReady",
      message: down ? `container runtime is down: ${engineFailure}` : "kubelet is posting ready status",
    },
  ];
  return all.map((found) => {
    const earlier = before.find((c) => c.type === found.type);
    const since = earlier?.status === found.status ? earlier.lastTransitionTime : formatTime(nowMs);
    return {
      ...found,
      lastHeartbeatTime: since,
      lastTransitionTime: since,
    };
  });
}

export function nodeStatus(input: NodeStatusInput): Record<string, unknown> {
  const { measured: m, info, address, nodeName } = input;
  const capacity = {
    cpu: String(m.cpuCount),
    "ephemeral-storage": ki(m.diskBytes),
    memory: ki(m.memoryBytes),
    pods: String(PODS_MAX),
  };
  const architecture = { x64: "amd64", arm64: "arm64" }[os.arch() as "x64" | "arm64"] ?? os.arch();
  return {
    capacity,
    allocatable: {
      ...capacity,
      "ephemeral-storage": String(Math.floor(m.diskBytes * (1 - DISK_FREE_MIN_SHARE))),
      memory: ki(m.memoryBytes - MEMORY_FREE_MIN_BYTES),
    },
    conditions: conditions(input),
    addresses: [
      { type: "InternalIP", address },
      { type: "Hostname", address: nodeName },
    ],
    nodeInfo: {
      machineID: m.machineId,
      systemUUID: m.systemUuid,
      bootID: m.bootId,
      kernelVersion: os.release(),
      osImage: m.osImage,
      containerRuntimeVersion:
        info === undefined ? "" : `${info.idPrefix || `${info.name}://`}${info.version.replace(/^v/, "")}`,
      kubeletVersion: KUBELET_VERSION,
      kubeProxyVersion: "",
      operatingSystem: "linux",
      architecture,
    },
  };
}
