/** Between the engine contract and the messages of the CRI. Pure. */
import type { ContainerConfig, ContainerStatus, ContainerUsage, Sandbox, SandboxConfig } from "../engine.ts";
import type { Message, Outgoing } from "./messages.ts";

const NAMESPACE = { pod: 0, container: 1, node: 2 } as const;
const PROTOCOL = { TCP: 0, UDP: 1, SCTP: 2 } as const;
const SECCOMP = { RuntimeDefault: 0, Unconfined: 1, Localhost: 2 } as const;
const CONTAINER_STATES = ["created", "running", "exited", "unknown"] as const;
const SANDBOX_READY = 0;

/** Written on each container, so that a list alone says whose it is. */
const POD_UID_LABEL = "io.kubernetes.pod.uid";

/**
 * What a container must not see of the host's kernel (procMount: Default). The engine hides nothing by itself: these are sent,
 * as by kubelet.
 */
const MASKED_PATHS = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
];
const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

function namespaces(sandbox: SandboxConfig): Outgoing<"NamespaceOption"> {
  return {
    network: sandbox.hostNetwork ? NAMESPACE.node : NAMESPACE.pod,
    pid: sandbox.hostPid === true ? NAMESPACE.node : sandbox.sharedPid === true ? NAMESPACE.pod : NAMESPACE.container,
    ipc: sandbox.hostIpc === true ? NAMESPACE.node : NAMESPACE.pod,
  };
}

export function sandboxConfig(config: SandboxConfig): Outgoing<"PodSandboxConfig"> {
  const { name, uid, namespace, attempt } = config;
  return {
    metadata: { name, uid, namespace, attempt },
    hostname: config.hostname,
    log_directory: config.logDirectory,
    dns_config: config.dns,
    port_mappings: config.portMappings.map((port) => ({
      protocol: PROTOCOL[port.protocol],
      container_port: port.containerPort,
      host_port: port.hostPort,
      host_ip: port.hostIp,
    })),
    labels: config.labels,
    annotations: config.annotations,
    linux: {
      cgroup_parent: config.cgroupParent,
      security_context: {
        namespace_options: namespaces(config),
        privileged: config.privileged,
        seccomp: { profile_type: config.privileged ? SECCOMP.Unconfined : SECCOMP.RuntimeDefault },
      },
    },
  };
}

function seccomp(profile: ContainerConfig["security"]["seccomp"]): Outgoing<"SecurityProfile"> {
  if (profile === undefined) return { profile_type: SECCOMP.Unconfined };
  return { profile_type: SECCOMP[profile.type], localhost_ref: profile.type === "Localhost" ? profile.path : "" };
}

function securityContext(config: ContainerConfig, sandbox: SandboxConfig): Outgoing<"LinuxContainerSecurityContext"> {
  const { security } = config;
  const paths = security.privileged ? {} : { masked_paths: MASKED_PATHS, readonly_paths: READONLY_PATHS };
  return {
    ...paths,
    capabilities: { add_capabilities: security.addCapabilities, drop_capabilities: security.dropCapabilities },
    privileged: security.privileged,
    namespace_options: namespaces(sandbox),
    run_as_user: security.runAsUser === undefined ? undefined : { value: security.runAsUser },
    run_as_group: security.runAsGroup === undefined ? undefined : { value: security.runAsGroup },
    run_as_username: security.runAsUserName ?? "",
    readonly_rootfs: security.readOnlyRootFilesystem,
    supplemental_groups: security.supplementalGroups,
    no_new_privs: !security.allowPrivilegeEscalation,
    seccomp: seccomp(security.privileged ? undefined : security.seccomp),
  };
}

export function containerConfig(config: ContainerConfig, sandbox: SandboxConfig): Outgoing<"ContainerConfig"> {
  const { resources } = config;
  return {
    metadata: { name: config.name, attempt: config.attempt },
    image: { image: config.imageRef, user_specified_image: config.image },
    command: config.command,
    args: config.args,
    working_dir: config.workingDir,
    envs: config.env.map(({ name, value }) => ({ key: name, value: new TextEncoder().encode(value) })),
    mounts: config.mounts.map((mount) => ({
      container_path: mount.containerPath,
      host_path: mount.hostPath,
      readonly: mount.readOnly,
    })),
    labels: { ...config.labels, [POD_UID_LABEL]: sandbox.uid },
    annotations: config.annotations,
    log_path: config.logPath,
    stdin: config.stdin,
    stdin_once: config.stdinOnce,
    tty: config.tty,
    linux: {
      resources: {
        cpu_period: resources.cpuPeriod,
        cpu_quota: resources.cpuQuota,
        cpu_shares: resources.cpuShares,
        memory_limit_in_bytes: resources.memoryLimitBytes,
        oom_score_adj: resources.oomScoreAdj,
      },
      security_context: securityContext(config, sandbox),
    },
  };
}

function milliseconds(nanoseconds: number): number {
  return Math.floor(nanoseconds / 1e6);
}

export function sandboxOf(item: Message<"PodSandbox">, ips: string[]): Sandbox {
  return {
    id: item.id,
    namespace: item.metadata?.namespace ?? "",
    name: item.metadata?.name ?? "",
    uid: item.metadata?.uid ?? "",
    attempt: item.metadata?.attempt ?? 0,
    ready: item.state === SANDBOX_READY,
    createdMs: milliseconds(item.created_at),
    ips,
  };
}

export function addressesOf(network: Message<"PodSandboxNetworkStatus"> | undefined): string[] {
  if (network === undefined || network.ip === "") return [];
  return [network.ip, ...network.additional_ips.map(({ ip }) => ip)];
}

/** From a list: it says neither times nor how the container ended. */
export function listedContainer(item: Message<"Container">): ContainerStatus {
  return {
    ...identity(item),
    sandboxId: item.pod_sandbox_id,
    startedMs: 0,
    finishedMs: 0,
    exitCode: 0,
    reason: "",
    message: "",
    logPath: "",
  };
}

/** Undefined of a container that the engine has not measured: it does not run. */
export function usageOf({
  attributes,
  cpu,
  memory,
  writable_layer: layer,
}: Message<"ContainerStats">): ContainerUsage | undefined {
  if (!attributes || !cpu?.usage_core_nano_seconds || !memory) return undefined;
  const { page_faults: faults, major_page_faults: majorFaults } = memory;
  return {
    id: attributes.id,
    atMs: milliseconds(cpu.timestamp),
    cpuNanoSeconds: cpu.usage_core_nano_seconds.value,
    memoryBytes: memory.usage_bytes?.value ?? 0,
    workingSetBytes: memory.working_set_bytes?.value ?? 0,
    rssBytes: memory.rss_bytes?.value ?? 0,
    ...(faults === undefined ? {} : { pageFaults: faults.value }),
    ...(majorFaults === undefined ? {} : { majorPageFaults: majorFaults.value }),
    ...(layer?.used_bytes === undefined ? {} : { writableBytes: layer.used_bytes.value }),
  };
}

export function containerOf(status: Message<"ContainerStatus">, sandboxId: string): ContainerStatus {
  return {
    ...identity(status),
    sandboxId,
    startedMs: milliseconds(status.started_at),
    // An engine may note the start of a short container after its end.
    finishedMs: status.finished_at === 0 ? 0 : milliseconds(Math.max(status.started_at, status.finished_at)),
    exitCode: status.exit_code,
    reason: status.reason,
    message: status.message,
    logPath: status.log_path,
  };
}

function identity(item: Message<"Container"> | Message<"ContainerStatus">) {
  return {
    id: item.id,
    podUid: item.labels[POD_UID_LABEL] ?? "",
    name: item.metadata?.name ?? "",
    attempt: item.metadata?.attempt ?? 0,
    state: CONTAINER_STATES[item.state] ?? "unknown",
    createdMs: milliseconds(item.created_at),
    image: item.image?.user_specified_image || (item.image?.image ?? ""),
    imageRef: item.image_ref,
  };
}
