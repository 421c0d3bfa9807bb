/**
 * The messages of the Container Runtime Interface, runtime.v1, that the agent speaks: field numbers and types of
 * k8s.io/cri-api `pkg/apis/runtime/v1/api.proto`. Fields that the agent neither sends nor reads are left out; they are skipped.
 *
 * A field is [number, type] or [number, type, "repeated"]; a type is a scalar, "map" (string to string) or a message's name.
 */
export const MESSAGES = {
  Empty: {},
  VersionRequest: { version: [1, "string"] },
  VersionResponse: {
    version: [1, "string"],
    runtime_name: [2, "string"],
    runtime_version: [3, "string"],
    runtime_api_version: [4, "string"],
  },
  StatusResponse: { status: [1, "RuntimeStatus"] },
  RuntimeStatus: { conditions: [1, "RuntimeCondition", "repeated"] },
  RuntimeCondition: { type: [1, "string"], status: [2, "bool"], reason: [3, "string"], message: [4, "string"] },
  UpdateRuntimeConfigRequest: { runtime_config: [1, "RuntimeConfig"] },
  RuntimeConfig: { network_config: [1, "NetworkConfig"] },
  NetworkConfig: { pod_cidr: [1, "string"] },

  Int64Value: { value: [1, "int64"] },
  DNSConfig: {
    servers: [1, "string", "repeated"],
    searches: [2, "string", "repeated"],
    options: [3, "string", "repeated"],
  },
  PortMapping: {
    protocol: [1, "enum"],
    container_port: [2, "int32"],
    host_port: [3, "int32"],
    host_ip: [4, "string"],
  },
  NamespaceOption: { network: [1, "enum"], pid: [2, "enum"], ipc: [3, "enum"] },
  SecurityProfile: { profile_type: [1, "enum"], localhost_ref: [2, "string"] },
  LinuxSandboxSecurityContext: {
    namespace_options: [1, "NamespaceOption"],
    privileged: [6, "bool"],
    seccomp: [9, "SecurityProfile"],
  },
  LinuxPodSandboxConfig: { cgroup_parent: [1, "string"], security_context: [2, "LinuxSandboxSecurityContext"] },
  PodSandboxMetadata: { name: [1, "string"], uid: [2, "string"], namespace: [3, "string"], attempt: [4, "uint32"] },
  PodSandboxConfig: {
    metadata: [1, "PodSandboxMetadata"],
    hostname: [2, "string"],
    log_directory: [3, "string"],
    dns_config: [4, "DNSConfig"],
    port_mappings: [5, "PortMapping", "repeated"],
    labels: [6, "map"],
    annotations: [7, "map"],
    linux: [8, "LinuxPodSandboxConfig"],
  },
  RunPodSandboxRequest: { config: [1, "PodSandboxConfig"], runtime_handler: [2, "string"] },
  RunPodSandboxResponse: { pod_sandbox_id: [1, "string"] },
  PodSandboxRequest: { pod_sandbox_id: [1, "string"] },
  PodSandboxStatusRequest: { pod_sandbox_id: [1, "string"], verbose: [2, "bool"] },
  PodSandboxStatusResponse: { status: [1, "PodSandboxStatus"], info: [2, "map"] },
  PodSandboxStatus: {
    id: [1, "string"],
    metadata: [2, "PodSandboxMetadata"],
    state: [3, "enum"],
    created_at: [4, "int64"],
    network: [5, "PodSandboxNetworkStatus"],
  },
  PodSandboxNetworkStatus: { ip: [1, "string"], additional_ips: [2, "PodIP", "repeated"] },
  PodIP: { ip: [1, "string"] },
  ListPodSandboxResponse: { items: [1, "PodSandbox", "repeated"] },
  PodSandbox: {
    id: [1, "string"],
    metadata: [2, "PodSandboxMetadata"],
    state: [3, "enum"],
    created_at: [4, "int64"],
  },

  ImageSpec: { image: [1, "string"], user_specified_image: [18, "string"] },
  ImageStatusRequest: { image: [1, "ImageSpec"] },
  ImageStatusResponse: { image: [1, "Image"] },
  Image: { id: [1, "string"], uid: [5, "Int64Value"], username: [6, "string"] },
  AuthConfig: { username: [1, "string"], password: [2, "string"] },
  PullImageRequest: { image: [1, "ImageSpec"], auth: [2, "AuthConfig"] },
  PullImageResponse: { image_ref: [1, "string"] },

  KeyValue: { key: [1, "string"], value: [2, "bytes"] },
  Mount: { container_path: [1, "string"], host_path: [2, "string"], readonly: [3, "bool"] },
  LinuxContainerResources: {
    cpu_period: [1, "int64"],
    cpu_quota: [2, "int64"],
    cpu_shares: [3, "int64"],
    memory_limit_in_bytes: [4, "int64"],
    oom_score_adj: [5, "int64"],
  },
  Capability: { add_capabilities: [1, "string", "repeated"], drop_capabilities: [2, "string", "repeated"] },
  LinuxContainerSecurityContext: {
    capabilities: [1, "Capability"],
    privileged: [2, "bool"],
    namespace_options: [3, "NamespaceOption"],
    run_as_user: [5, "Int64Value"],
    run_as_group: [12, "Int64Value"],
    run_as_username: [6, "string"],
    readonly_rootfs: [7, "bool"],
    supplemental_groups: [8, "int64", "repeated"],
    no_new_privs: [11, "bool"],
    masked_paths: [13, "string", "repeated"],
    readonly_paths: [14, "string", "repeated"],
    seccomp: [15, "SecurityProfile"],
  },
  LinuxContainerConfig: {
    resources: [1, "LinuxContainerResources"],
    security_context: [2, "LinuxContainerSecurityContext"],
  },
  ContainerMetadata: { name: [1, "string"], attempt: [2, "uint32"] },
  ContainerConfig: {
    metadata: [1, "ContainerMetadata"],
    image: [2, "ImageSpec"],
    command: [3, "string", "repeated"],
    args: [4, "string", "repeated"],
    working_dir: [5, "string"],
    envs: [6, "KeyValue", "repeated"],
    mounts: [7, "Mount", "repeated"],
    labels: [9, "map"],
    annotations: [10, "map"],
    log_path: [11, "string"],
    stdin: [12, "bool"],
    stdin_once: [13, "bool"],
    tty: [14, "bool"],
    linux: [15, "LinuxContainerConfig"],
  },
  CreateContainerRequest: {
    pod_sandbox_id: [1, "string"],
    config: [2, "ContainerConfig"],
    sandbox_config: [3, "PodSandboxConfig"],
  },
  CreateContainerResponse: { container_id: [1, "string"] },
  ContainerRequest: { container_id: [1, "string"] },
  StopContainerRequest: { container_id: [1, "string"], timeout: [2, "int64"] },
  ListContainersResponse: { containers: [1, "Container", "repeated"] },
  Container: {
    id: [1, "string"],
    pod_sandbox_id: [2, "string"],
    metadata: [3, "ContainerMetadata"],
    image: [4, "ImageSpec"],
    image_ref: [5, "string"],
    state: [6, "enum"],
    created_at: [7, "int64"],
    labels: [8, "map"],
  },
  ListContainerStatsResponse: { stats: [1, "ContainerStats", "repeated"] },
  ContainerStats: {
    attributes: [1, "ContainerAttributes"],
    cpu: [2, "CpuUsage"],
    memory: [3, "MemoryUsage"],
    writable_layer: [4, "FilesystemUsage"],
  },
  FilesystemUsage: { timestamp: [1, "int64"], used_bytes: [3, "Int64Value"] },
  ContainerAttributes: { id: [1, "string"] },
  CpuUsage: { timestamp: [1, "int64"], usage_core_nano_seconds: [2, "Int64Value"] },
  MemoryUsage: {
    timestamp: [1, "int64"],
    working_set_bytes: [2, "Int64Value"],
    usage_bytes: [4, "Int64Value"],
    rss_bytes: [5, "Int64Value"],
    page_faults: [6, "Int64Value"],
    major_page_faults: [7, "Int64Value"],
  },
  ContainerStatusResponse: { status: [1, "ContainerStatus"] },
  ContainerStatus: {
    id: [1, "string"],
    metadata: [2, "ContainerMetadata"],
    state: [3, "enum"],
    created_at: [4, "int64"],
    started_at: [5, "int64"],
    finished_at: [6, "int64"],
    exit_code: [7, "int32"],
    image: [8, "ImageSpec"],
    image_ref: [9, "string"],
    reason: [10, "string"],
    message: [11, "string"],
    labels: [12, "map"],
    log_path: [15, "string"],
  },
  ExecSyncRequest: { container_id: [1, "string"], cmd: [2, "string", "repeated"], timeout: [3, "int64"] },
  ExecSyncResponse: { stdout: [1, "bytes"], stderr: [2, "bytes"], exit_code: [3, "int32"] },
  ExecRequest: {
    container_id: [1, "string"],
    cmd: [2, "string", "repeated"],
    tty: [3, "bool"],
    stdin: [4, "bool"],
    stdout: [5, "bool"],
    stderr: [6, "bool"],
  },
  AttachRequest: {
    container_id: [1, "string"],
    stdin: [2, "bool"],
    tty: [3, "bool"],
    stdout: [4, "bool"],
    stderr: [5, "bool"],
  },
  PortForwardRequest: { pod_sandbox_id: [1, "string"], port: [2, "int32", "repeated"] },
  UrlResponse: { url: [1, "string"] },
} as const;

const RUNTIME = "/runtime.v1.RuntimeService";
const IMAGES = "/runtime.v1.ImageService";

/** [path, request, response] of each call. */
export const CALLS = {
  Version: [`${RUNTIME}/Version`, "VersionRequest", "VersionResponse"],
  Status: [`${RUNTIME}/Status`, "Empty", "StatusResponse"],
  UpdateRuntimeConfig: [`${RUNTIME}/UpdateRuntimeConfig`, "UpdateRuntimeConfigRequest", "Empty"],
  RunPodSandbox: [`${RUNTIME}/RunPodSandbox`, "RunPodSandboxRequest", "RunPodSandboxResponse"],
  StopPodSandbox: [`${RUNTIME}/StopPodSandbox`, "PodSandboxRequest", "Empty"],
  RemovePodSandbox: [`${RUNTIME}/RemovePodSandbox`, "PodSandboxRequest", "Empty"],
  PodSandboxStatus: [`${RUNTIME}/PodSandboxStatus`, "PodSandboxStatusRequest", "PodSandboxStatusResponse"],
  ListPodSandbox: [`${RUNTIME}/ListPodSandbox`, "Empty", "ListPodSandboxResponse"],
  CreateContainer: [`${RUNTIME}/CreateContainer`, "CreateContainerRequest", "CreateContainerResponse"],
  StartContainer: [`${RUNTIME}/StartContainer`, "ContainerRequest", "Empty"],
  StopContainer: [`${RUNTIME}/StopContainer`, "StopContainerRequest", "Empty"],
  RemoveContainer: [`${RUNTIME}/RemoveContainer`, "ContainerRequest", "Empty"],
  ListContainers: [`${RUNTIME}/ListContainers`, "Empty", "ListContainersResponse"],
  ListContainerStats: [`${RUNTIME}/ListContainerStats`, "Empty", "ListContainerStatsResponse"],
  ContainerStatus: [`${RUNTIME}/ContainerStatus`, "ContainerRequest", "ContainerStatusResponse"],
  ReopenContainerLog: [`${RUNTIME}/ReopenContainerLog`, "ContainerRequest", "Empty"],
  ExecSync: [`${RUNTIME}/ExecSync`, "ExecSyncRequest", "ExecSyncResponse"],
  Exec: [`${RUNTIME}/Exec`, "ExecRequest", "UrlResponse"],
  Attach: [`${RUNTIME}/Attach`, "AttachRequest", "UrlResponse"],
  PortForward: [`${RUNTIME}/PortForward`, "PortForwardRequest", "UrlResponse"],
  ImageStatus: [`${IMAGES}/ImageStatus`, "ImageStatusRequest", "ImageStatusResponse"],
  PullImage: [`${IMAGES}/PullImage`, "PullImageRequest", "PullImageResponse"],
} as const satisfies Record<string, readonly [path: string, request: MessageName, response: MessageName]>;

export type MessageName = keyof typeof MESSAGES;
export type CallName = keyof typeof CALLS;

interface Scalars {
  string: string;
  bytes: Uint8Array;
  bool: boolean;
  int32: number;
  uint32: number;
  /** Rounded beyond 2^53: times are, by less than a microsecond. */
  int64: number;
  enum: number;
  map: Record<string, string>;
}
export type ScalarType = keyof Scalars;

type Received<T> = T extends ScalarType ? Scalars[T] : T extends MessageName ? Message<T> | undefined : never;
type Sent<T> = T extends ScalarType ? Scalars[T] : T extends MessageName ? Outgoing<T> : never;

/** As decoded: every field there, with proto3's defaults; a message that was not sent is undefined. */
export type Message<N extends MessageName> = {
  [F in keyof (typeof MESSAGES)[N]]: (typeof MESSAGES)[N][F] extends readonly [number, infer T, "repeated"]
    ? Exclude<Received<T>, undefined>[]
    : (typeof MESSAGES)[N][F] extends readonly [number, infer T]
      ? Received<T>
      : never;
};

/** As given for encoding: what is left out is its default. */
export type Outgoing<N extends MessageName> = {
  [F in keyof (typeof MESSAGES)[N]]?: (typeof MESSAGES)[N][F] extends readonly [number, infer T, "repeated"]
    ? readonly Sent<T>[]
    : (typeof MESSAGES)[N][F] extends readonly [number, infer T]
      ? Sent<T> | undefined
      : never;
};
