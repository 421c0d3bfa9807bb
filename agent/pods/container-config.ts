/** From a container of a pod to what an engine is told. Pure. */
import type { ContainerConfig, SandboxConfig } from "../engines/engine.ts";
import { ContainerConfigError, expand } from "./env.ts";
import { formatPod, type Container, type Pod } from "./pod.ts";
import { quantity } from "./quantity.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** Labels that name a pod at the engine, as every kubelet writes them, so that crictl and the like understand. */
export function podLabels(pod: Pod): Record<string, string> {
  return {
    "io.kubernetes.pod.namespace": pod.metadata.namespace,
    "io.kubernetes.pod.name": pod.metadata.name,
    "io.kubernetes.pod.uid": pod.metadata.uid,
  };
}

/** The rule of v1: cpu and memory decide; Guaranteed needs equal limits and requests everywhere. */
export function qosClass(pod: Pod): QosClass {
  let any = false;
  let guaranteed = true;
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    const { limits = {}, requests = {} } = container.resources ?? {};
    for (const resource of ["cpu", "memory"]) {
      const limit = quantity(limits[resource]);
      const request = requests[resource] === undefined ? limit : quantity(requests[resource]);
      if (limit > 0 || request > 0) any = true;
      if (limit === 0 || limit !== request) guaranteed = false;
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

/** Shares, CFS quota and OOM score with kubelet's formulas (pkg/kubelet/cm, pkg/kubelet/qos). */
export function containerResources(
  pod: Pod,
  container: Container,
  memoryCapacityBytes: number,
): ContainerConfig["resources"] {
  const { limits = {}, requests = {} } = container.resources ?? {};
  const cpuLimit = quantity(limits["cpu"]);
  const cpuRequest = requests["cpu"] === undefined ? cpuLimit : quantity(requests["cpu"]);
  const memoryRequest = quantity(requests["memory"] ?? limits["memory"]);
  const cpuPeriod = 100_000;
  let oomScoreAdj = 1000;
  const qos = qosClass(pod);
  if (qos === "Guaranteed") oomScoreAdj = -997;
  if (qos === "Burstable") {
    const share = Math.floor((1000 * memoryRequest) / Math.max(1, memoryCapacityBytes));
    oomScoreAdj = Math.min(999, Math.max(3, 1000 - share));
  }
  return {
    cpuShares: Math.min(262_144, Math.max(2, Math.floor(cpuRequest * 1024))),
    cpuQuota: cpuLimit === 0 ? 0 : Math.max(1000, Math.round(cpuLimit * cpuPeriod)),
    cpuPeriod,
    memoryLimitBytes: quantity(limits["memory"]),
    oomScoreAdj,
  };
}

/** @throws ContainerConfigError for a root user where the pod forbids it */
function securityOf(
  pod: Pod,
  container: Container,
  image: { user?: string; uid?: number },
): ContainerConfig["security"] {
  const own = container.securityContext ?? {};
  const shared = pod.spec.securityContext ?? {};
  const stated = own.runAsUser ?? shared.runAsUser;
  const runAsUser = stated ?? image.uid;
  const runAsGroup = own.runAsGroup ?? shared.runAsGroup;
  const where = `(pod: "${formatPod(pod)}", container: ${container.name})`;
  if ((own.runAsNonRoot ?? shared.runAsNonRoot) === true) {
    if (stated === 0) throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${where}`);
    if (stated === undefined && image.user !== undefined && image.user !== "") {
      const why = `container has runAsNonRoot and image has non-numeric user (${image.user}), cannot verify user is non-root`;
      throw new ContainerConfigError(`${why} ${where}`);
    }
    if ((runAsUser ?? 0) === 0) {
      throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`);
    }
  }
  const groups = [...(shared.supplementalGroups ?? []), ...(shared.fsGroup === undefined ? [] : [shared.fsGroup])];
  return {
    privileged: own.privileged === true,
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(runAsUser === undefined && image.user ? { runAsUserName: image.user } : {}),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    readOnlyRootFilesystem: own.readOnlyRootFilesystem === true,
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    allowPrivilegeEscalation: own.allowPrivilegeEscalation !== false,
    supplementalGroups: groups,
  };
}

export interface ContainerConfigInput {
  pod: Pod;
  container: Container;
  attempt: number;
  imageRef: string;
  image: { user?: string; uid?: number };
  env: { name: string; value: string }[];
  mounts: ContainerConfig["mounts"];
  memoryCapacityBytes: number;
}

/** @throws ContainerConfigError */
export function containerConfig(input: ContainerConfigInput): ContainerConfig {
  const { pod, container, attempt, env } = input;
  const values = new Map(env.map(({ name, value }) => [name, value]));
  const expanded = (texts: string[] | undefined) => (texts ?? []).map((t) => expand(t, (name) => values.get(name)));
  return {
    name: container.name,
    attempt,
    imageRef: input.imageRef,
    image: container.image ?? "",
    command: expanded(container.command),
    args: expanded(container.args),
    workingDir: container.workingDir ?? "",
    env,
    mounts: input.mounts,
    logPath: `${container.name}/${attempt}.log`,
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    labels: { ...podLabels(pod), "io.kubernetes.container.name": container.name },
    annotations: { "io.kubernetes.container.restartCount": String(attempt) },
    resources: containerResources(pod, container, input.memoryCapacityBytes),
    security: securityOf(pod, container, input.image),
  };
}

/** What makes a running container outdated when it changes: the image, as the one thing a pod lets one change in place. */
export function definitionOf(container: Container): string {
  return container.image ?? "";
}

export interface HostDns {
  servers: string[];
  searches: string[];
  options: string[];
}

/** resolv.conf of a pod. ClusterFirst without a cluster DNS is what the host has (kubelet warns and does the same). */
export function podDns(
  pod: Pod,
  at: { host: HostDns; clusterDnsIp: string | undefined; dnsDomain: string },
): SandboxConfig["dns"] {
  const { dnsPolicy = "ClusterFirst", dnsConfig = {}, hostNetwork } = pod.spec;
  const { namespace } = pod.metadata;
  let dns: HostDns = at.host;
  const cluster = dnsPolicy === "ClusterFirstWithHostNet" || (dnsPolicy === "ClusterFirst" && hostNetwork !== true);
  if (dnsPolicy === "None") dns = { servers: [], searches: [], options: [] };
  else if (cluster && at.clusterDnsIp !== undefined) {
    const searches = [`${namespace}.svc.${at.dnsDomain}`, `svc.${at.dnsDomain}`, at.dnsDomain, ...at.host.searches];
    dns = { servers: [at.clusterDnsIp], searches, options: ["ndots:5"] };
  }
  const options = new Map(dns.options.map((option) => [option.split(":")[0] ?? option, option]));
  for (const { name = "", value } of dnsConfig.options ?? []) {
    options.set(name, value === undefined || value === "" ? name : `${name}:${value}`);
  }
  return {
    servers: [...new Set([...dns.servers, ...(dnsConfig.nameservers ?? [])])],
    searches: [...new Set([...dns.searches, ...(dnsConfig.searches ?? [])])],
    options: [...options.values()],
  };
}

/** The host's resolv.conf as settings. */
export function parseResolvConf(text: string): HostDns {
  const dns: HostDns = { servers: [], searches: [], options: [] };
  for (const line of text.split("\n")) {
    const [word = "", ...rest] = line.trim().split(/\s+/);
    if (word === "nameserver" && rest[0] !== undefined) dns.servers.push(rest[0]);
    if (word === "search" || word === "domain") dns.searches = rest;
    if (word === "options") dns.options.push(...rest);
  }
  return dns;
}

/** Host names end at 63 characters (a Linux limit); the pod's name may be longer. */
export function podHostname(pod: Pod): string {
  const name = pod.spec.hostname ?? pod.metadata.name;
  return name.slice(0, 63).replace(/[-.]+$/, "");
}

export function podFqdn(pod: Pod, dnsDomain: string): string | undefined {
  const { subdomain } = pod.spec;
  if (subdomain === undefined || subdomain === "") return undefined;
  return `${podHostname(pod)}.${subdomain}.${pod.metadata.namespace}.svc.${dnsDomain}`;
}

export function sandboxConfig(
  pod: Pod,
  at: { attempt: number; logDirectory: string; dns: SandboxConfig["dns"]; dnsDomain: string },
): SandboxConfig {
  const hostNetwork = pod.spec.hostNetwork === true;
  const ports = pod.spec.containers.flatMap((c) => c.ports ?? []);
  const hostname = pod.spec.setHostnameAsFQDN === true ? podFqdn(pod, at.dnsDomain) : undefined;
  return {
    namespace: pod.metadata.namespace,
    name: pod.metadata.name,
    uid: pod.metadata.uid,
    attempt: at.attempt,
    // A pod in the host's network has the host's name.
    hostname: hostNetwork ? "" : (hostname ?? podHostname(pod)),
    hostNetwork,
    logDirectory: at.logDirectory,
    dns: at.dns,
    portMappings: hostNetwork
      ? []
      : ports
          .filter((port) => port.hostPort !== undefined && port.hostPort > 0)
          .map((port) => ({
            protocol: (port.protocol ?? "TCP") as "TCP" | "UDP" | "SCTP",
            containerPort: port.containerPort,
            hostPort: port.hostPort ?? 0,
            hostIp: port.hostIP ?? "",
          })),
    labels: { ...pod.metadata.labels, ...podLabels(pod) },
    annotations: {},
    // The engine's own default: nothing of ours is left behind in the cgroup tree.
    cgroupParent: "",
    privileged: [...(pod.spec.initContainers ?? []), ...pod.spec.containers].some(
      (c) => c.securityContext?.privileged === true,
    ),
  };
}
