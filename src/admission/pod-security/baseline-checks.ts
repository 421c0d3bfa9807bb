/** What the baseline level forbids: known ways to more privileges (policy/check_*.go of k8s.io/pod-security-admission). */
import type { LifecycleHandler, Probe, SecurityContext } from "../../kinds/core/pods/types.ts";
import { goQuote } from "../../machinery/go-text.ts";
import {
  containersOf,
  distinct,
  hasUserNamespace,
  named,
  namesWhere,
  plural,
  quoted,
  settersOf,
  type Check,
  type PodLike,
  type Violation,
} from "./check.ts";

const APPARMOR_PREFIX = "container.apparmor.security.beta.kubernetes.io/";
const APPARMOR_TYPES: ReadonlySet<string> = new Set(["RuntimeDefault", "Localhost"]);

function isBadAppArmor(profile: { type: string } | undefined): boolean {
  return profile !== undefined && !APPARMOR_TYPES.has(profile.type);
}

function appArmorProfile({ metadata, spec }: PodLike): Violation | undefined {
  const ofPod = spec.securityContext?.appArmorProfile;
  const ofContainers = namesWhere({ metadata, spec }, ({ appArmorProfile: profile }) => isBadAppArmor(profile));
  const setters = settersOf(isBadAppArmor(ofPod), ofContainers);
  const values = distinct(
    [ofPod, ...containersOf(spec).map(({ securityContext }) => securityContext?.appArmorProfile)]
      .filter(isBadAppArmor)
      .map((profile) => profile?.type ?? ""),
  );
  const annotations = Object.entries(metadata.annotations ?? {})
    .filter(([key, value]) => key.startsWith(APPARMOR_PREFIX) && !isAllowedAppArmor(value))
    .map(([key, value]) => `${key}=${goQuote(value)}`)
    .toSorted();
  if (annotations.length > 0) {
    values.push(...annotations);
    setters.push(plural(annotations, "annotation", "annotations"));
  }
  if (setters.length === 0) return undefined;
  return {
    reason: plural(values, "forbidden AppArmor profile", "forbidden AppArmor profiles"),
    detail: `${setters.join(" and ")} must not set AppArmor profile type to ${quoted(values)}`,
  };
}

function isAllowedAppArmor(profile: string): boolean {
  return profile === "" || profile === "runtime/default" || profile.startsWith("localhost/");
}

const CAPABILITIES: ReadonlySet<string> = new Set([
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
]);

function forbiddenOf({ capabilities: { add = [] } = {} }: SecurityContext = {}): string[] {
  return add.filter((capability) => !CAPABILITIES.has(capability));
}

function capabilities(pod: PodLike): Violation | undefined {
  const names = namesWhere(pod, (context) => forbiddenOf(context).length > 0);
  if (names.length === 0) return undefined;
  const all = containersOf(pod.spec).flatMap(({ securityContext }) => forbiddenOf(securityContext));
  return {
    reason: "non-default capabilities",
    detail: `${named(names)} must not include ${quoted(distinct(all))} in securityContext.capabilities.add`,
  };
}

function hostNamespaces({ spec }: PodLike): Violation | undefined {
  const shared = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((field) => spec[field] === true);
  if (shared.length === 0) return undefined;
  return { reason: "host namespaces", detail: shared.map((field) => `${field}=true`).join(", ") };
}

function hostPathVolumes({ spec }: PodLike): Violation | undefined {
  const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name);
  if (names.length === 0) return undefined;
  return { reason: "hostPath volumes", detail: `${plural(names, "volume", "volumes")} ${quoted(names)}` };
}

function hostPorts({ spec }: PodLike): Violation | undefined {
  const using = containersOf(spec)
    .map(({ name, ports = [] }) => ({
      name,
      used: ports.flatMap(({ hostPort = 0 }) => (hostPort === 0 ? [] : [hostPort])),
    }))
    .filter(({ used }) => used.length > 0);
  if (using.length === 0) return undefined;
  const ports = distinct(using.flatMap(({ used }) => used.map(String)));
  const names = using.map(({ name }) => name);
  return {
    reason: "hostPort",
    detail: `${named(names)} ${plural(names, "uses", "use")} ${plural(ports, "hostPort", "hostPorts")} ${ports.join(", ")}`,
  };
}

function hostProbesAndLifecycle({ spec }: PodLike): Violation | undefined {
  const using = containersOf(spec)
    .map(({ name, livenessProbe, readinessProbe, startupProbe, lifecycle }) => ({
      name,
      hosts: [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(hostsOf),
    }))
    .filter(({ hosts }) => hosts.length > 0);
  if (using.length === 0) return undefined;
  const names = distinct(using.map(({ name }) => name));
  const hosts = distinct(using.flatMap((one) => one.hosts));
  return {
    reason: "probe or lifecycle host",
    detail: `${named(names)} ${plural(names, "uses", "use")} ${plural(hosts, "probe or lifecycle host", "probe or lifecycle hosts")} ${quoted(hosts)}`,
  };
}

function hostsOf(asking: Probe | LifecycleHandler | undefined): string[] {
  return [asking?.httpGet?.host, asking?.tcpSocket?.host].flatMap((host) => (host ? [host] : []));
}

function privileged(pod: PodLike): Violation | undefined {
  const names = namesWhere(pod, (context) => context.privileged === true);
  if (names.length === 0) return undefined;
  return { reason: "privileged", detail: `${named(names)} must not set securityContext.privileged=true` };
}

function isBadProcMount(type: string | undefined): boolean {
  return type !== undefined && type !== "Default";
}

/** The restricted level forbids the same, in user namespaces too. */
export function procMount(pod: PodLike): Violation | undefined {
  const names = namesWhere(pod, (context) => isBadProcMount(context.procMount));
  if (names.length === 0) return undefined;
  const types = containersOf(pod.spec).map(({ securityContext }) => securityContext?.procMount ?? "Default");
  return {
    reason: "procMount",
    detail: `${named(names)} must not set securityContext.procMount to ${quoted(distinct(types.filter(isBadProcMount)))}`,
  };
}

const SELINUX_TYPES = ["", "container_t", "container_init_t", "container_kvm_t"];

function seLinuxOptions(types: readonly string[]): (pod: PodLike) => Violation | undefined {
  type Options = Record<string, string> | undefined;
  const isBad = (options: Options) =>
    options !== undefined && (!types.includes(options["type"] ?? "") || Boolean(options["user"] || options["role"]));
  return (pod) => {
    const ofPod = pod.spec.securityContext?.seLinuxOptions;
    const ofContainers = namesWhere(pod, (context) => isBad(context.seLinuxOptions));
    const setters = settersOf(isBad(ofPod), ofContainers);
    if (setters.length === 0) return undefined;
    const all = [ofPod, ...containersOf(pod.spec).map(({ securityContext }) => securityContext?.seLinuxOptions)];
    const badTypes = distinct(all.map((options) => options?.["type"] ?? "").filter((type) => !types.includes(type)));
    const bad = badTypes.length > 0 ? [`${plural(badTypes, "type", "types")} ${quoted(badTypes)}`] : [];
    for (const part of ["user", "role"]) if (all.some((options) => options?.[part])) bad.push(`${part} may not be set`);
    return {
      reason: "seLinuxOptions",
      detail: `${setters.join(" and ")} set forbidden securityContext.seLinuxOptions: ${bad.join("; ")}`,
    };
  };
}

const SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER_PREFIX = "container.seccomp.security.alpha.kubernetes.io/";

/** Before 1.19 profiles were annotations. */
function seccompAnnotations({ metadata: { annotations = {} }, spec }: PodLike): Violation | undefined {
  const keys = [SECCOMP_POD, ...containersOf(spec).map(({ name }) => SECCOMP_CONTAINER_PREFIX + name)];
  const forbidden = distinct(
    keys.flatMap((key) => {
      const value = annotations[key];
      return value === undefined || isAllowedSeccomp(value) ? [] : [`${key}=${goQuote(value)}`];
    }),
  );
  if (forbidden.length === 0) return undefined;
  return {
    reason: "seccompProfile",
    detail: `forbidden ${plural(forbidden, "annotation", "annotations")} ${forbidden.join(", ")}`,
  };
}

function isAllowedSeccomp(profile: string): boolean {
  return profile === "runtime/default" || profile === "docker/default" || profile.startsWith("localhost/");
}

export function isBadSeccomp(profile: { type: string } | undefined): boolean {
  return profile !== undefined && profile.type !== "Localhost" && profile.type !== "RuntimeDefault";
}

/** The restricted level forbids the same, and more. */
export function seccompProfile(pod: PodLike): Violation | undefined {
  const ofPod = pod.spec.securityContext?.seccompProfile;
  const names = namesWhere(pod, (context) => isBadSeccomp(context.seccompProfile));
  const setters = settersOf(isBadSeccomp(ofPod), names);
  if (setters.length === 0) return undefined;
  const all = [ofPod, ...containersOf(pod.spec).map(({ securityContext }) => securityContext?.seccompProfile)];
  const types = distinct(all.filter(isBadSeccomp).map((profile) => profile?.type ?? ""));
  return {
    reason: "seccompProfile",
    detail: `${setters.join(" and ")} must not set securityContext.seccompProfile.type to ${quoted(types)}`,
  };
}

const SYSCTLS_1_0 = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
];
const SYSCTLS_1_27 = [...SYSCTLS_1_0, "net.ipv4.ip_local_reserved_ports"];
const SYSCTLS_1_29 = [
  ...SYSCTLS_1_27,
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
];
const SYSCTLS_1_32 = [...SYSCTLS_1_29, "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"];

function sysctls(allowed: readonly string[]): (pod: PodLike) => Violation | undefined {
  return ({ spec }) => {
    const forbidden = (spec.securityContext?.sysctls ?? [])
      .map(({ name }) => name)
      .filter((name) => !allowed.includes(name));
    return forbidden.length === 0 ? undefined : { reason: "forbidden sysctls", detail: forbidden.join(", ") };
  };
}

function isHostProcess(options: Record<string, unknown> | undefined): boolean {
  return options?.["hostProcess"] === true;
}

function windowsHostProcess(pod: PodLike): Violation | undefined {
  const setters = settersOf(
    isHostProcess(pod.spec.securityContext?.windowsOptions),
    namesWhere(pod, (context) => isHostProcess(context.windowsOptions)),
  );
  if (setters.length === 0) return undefined;
  const detail = `${setters.join(" and ")} must not set securityContext.windowsOptions.hostProcess=true`;
  return { reason: "hostProcess", detail };
}

export const BASELINE_CHECKS: readonly Check[] = [
  { id: "appArmorProfile", level: "baseline", versions: [{ since: 0, check: appArmorProfile }] },
  { id: "capabilities_baseline", level: "baseline", versions: [{ since: 0, check: capabilities }] },
  { id: "hostNamespaces", level: "baseline", versions: [{ since: 0, check: hostNamespaces }] },
  { id: "hostPathVolumes", level: "baseline", versions: [{ since: 0, check: hostPathVolumes }] },
  { id: "hostPorts", level: "baseline", versions: [{ since: 0, check: hostPorts }] },
  { id: "hostProbesAndHostLifecycle", level: "baseline", versions: [{ since: 34, check: hostProbesAndLifecycle }] },
  { id: "privileged", level: "baseline", versions: [{ since: 0, check: privileged }] },
  {
    id: "procMount",
    level: "baseline",
    versions: [
      { since: 0, check: procMount },
      { since: 35, check: (pod) => (hasUserNamespace(pod) ? undefined : procMount(pod)) },
    ],
  },
  {
    id: "seLinuxOptions",
    level: "baseline",
    versions: [
      { since: 0, check: seLinuxOptions(SELINUX_TYPES) },
      { since: 31, check: seLinuxOptions([...SELINUX_TYPES, "container_engine_t"]) },
    ],
  },
  {
    id: "seccompProfile_baseline",
    level: "baseline",
    versions: [
      { since: 0, check: seccompAnnotations },
      { since: 19, check: seccompProfile },
    ],
  },
  {
    id: "sysctls",
    level: "baseline",
    versions: [
      { since: 0, check: sysctls(SYSCTLS_1_0) },
      { since: 27, check: sysctls(SYSCTLS_1_27) },
      { since: 29, check: sysctls(SYSCTLS_1_29) },
      { since: 32, check: sysctls(SYSCTLS_1_32) },
    ],
  },
  { id: "windowsHostProcess", level: "baseline", versions: [{ since: 0, check: windowsHostProcess }] },
];
