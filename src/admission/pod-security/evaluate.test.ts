import { describe, expect, it } from "vitest";
import type { Container, PodSpec, SecurityContext } from "../../kinds/core/pods/types.ts";
import { detailsOf, violationsOf } from "./evaluate.ts";
import { minorOf, type Level } from "./policy.ts";

interface Given {
  annotations?: Record<string, string>;
  spec?: Partial<PodSpec>;
  /** Of the only container. */
  context?: SecurityContext;
  container?: Partial<Container>;
}

function said(level: Level, version: string, { annotations, spec, context, container }: Given): string {
  const minor = minorOf(version) ?? Number.NaN;
  const containers = [{ name: "c", ...(context ? { securityContext: context } : {}), ...container }];
  const metadata = annotations ? { annotations } : {};
  return detailsOf(violationsOf({ level, minor }, { metadata, spec: { containers, ...spec } }));
}

const SAFE: SecurityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  runAsNonRoot: true,
  seccompProfile: { type: "RuntimeDefault" },
};
const RESTRICTED_MESSAGE =
  'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")';

const two = (a: SecurityContext, b: SecurityContext): Partial<PodSpec> => ({
  containers: [
    { name: "a", securityContext: a },
    { name: "b", securityContext: b },
  ],
});

const BASELINE: [string, string, Given, string][] = [
  ["a plain pod", "latest", {}, ""],
  [
    "AppArmor",
    "latest",
    {
      spec: { securityContext: { appArmorProfile: { type: "Unconfined" } } },
      annotations: { "container.apparmor.security.beta.kubernetes.io/c": "unconfined" },
    },
    `forbidden AppArmor profiles (pod and annotation must not set AppArmor profile type to "Unconfined", "container.apparmor.security.beta.kubernetes.io/c="unconfined"")`,
  ],
  [
    "AppArmor that is allowed",
    "latest",
    {
      context: { appArmorProfile: { type: "Localhost", localhostProfile: "p" } },
      annotations: { "container.apparmor.security.beta.kubernetes.io/c": "localhost/p" },
    },
    "",
  ],
  [
    "capabilities",
    "latest",
    { context: { capabilities: { add: ["SYS_ADMIN", "CHOWN", "NET_RAW"] } } },
    'non-default capabilities (container "c" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add)',
  ],
  [
    "namespaces of the host",
    "latest",
    { spec: { hostNetwork: true, hostIPC: true } },
    "host namespaces (hostNetwork=true, hostIPC=true)",
  ],
  [
    "paths of the host",
    "latest",
    {
      spec: {
        volumes: [
          { name: "a", hostPath: { path: "/" } },
          { name: "b", hostPath: { path: "/etc" } },
        ],
      },
    },
    'hostPath volumes (volumes "a", "b")',
  ],
  [
    "ports of the host",
    "latest",
    { container: { ports: [{ containerPort: 80, hostPort: 80 }, { containerPort: 81 }] } },
    'hostPort (container "c" uses hostPort 80)',
  ],
  [
    "ports of the host in several containers",
    "latest",
    {
      spec: {
        containers: [
          { name: "a", ports: [{ containerPort: 9, hostPort: 9 }] },
          { name: "b", ports: [{ containerPort: 10, hostPort: 10 }] },
        ],
      },
    },
    'hostPort (containers "a", "b" use hostPorts 10, 9)',
  ],
  [
    "hosts of probes",
    "v1.34",
    {
      container: {
        livenessProbe: { httpGet: { port: 80, host: "10.0.0.1" } },
        lifecycle: { preStop: { httpGet: { port: 80, host: "10.0.0.2" } } },
      },
    },
    'probe or lifecycle host (container "c" uses probe or lifecycle hosts "10.0.0.1", "10.0.0.2")',
  ],
  ["hosts of probes, before", "v1.33", { container: { livenessProbe: { tcpSocket: { port: 1, host: "x" } } } }, ""],
  [
    "privileged, in every kind of container",
    "latest",
    {
      context: { privileged: true },
      spec: {
        initContainers: [{ name: "i", securityContext: { privileged: true } }],
        ephemeralContainers: [{ name: "e", securityContext: { privileged: true } }],
      },
    },
    'privileged (containers "i", "c", "e" must not set securityContext.privileged=true)',
  ],
  [
    "/proc",
    "latest",
    { context: { procMount: "Unmasked" } },
    'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
  ],
  ["/proc in a user namespace", "latest", { context: { procMount: "Unmasked" }, spec: { hostUsers: false } }, ""],
  [
    "/proc in a user namespace, before",
    "v1.34",
    { context: { procMount: "Unmasked" }, spec: { hostUsers: false } },
    'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
  ],
  [
    "SELinux",
    "latest",
    {
      context: { seLinuxOptions: { type: "spc_t", user: "u" } },
      spec: { securityContext: { seLinuxOptions: { role: "r" } } },
    },
    'seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
  ],
  ["SELinux engines", "v1.31", { context: { seLinuxOptions: { type: "container_engine_t" } } }, ""],
  [
    "SELinux engines, before",
    "v1.30",
    { context: { seLinuxOptions: { type: "container_engine_t" } } },
    'seLinuxOptions (container "c" set forbidden securityContext.seLinuxOptions: type "container_engine_t")',
  ],
  [
    "seccomp",
    "latest",
    { spec: { securityContext: { seccompProfile: { type: "Unconfined" } } } },
    'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [
    "seccomp by annotations",
    "v1.18",
    { annotations: { "seccomp.security.alpha.kubernetes.io/pod": "unconfined" } },
    'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")',
  ],
  [
    "sysctls",
    "latest",
    {
      spec: {
        securityContext: {
          sysctls: [
            { name: "kernel.msgmax", value: "1" },
            { name: "net.ipv4.tcp_rmem", value: "1" },
          ],
        },
      },
    },
    "forbidden sysctls (kernel.msgmax)",
  ],
  [
    "sysctls, before",
    "v1.26",
    { spec: { securityContext: { sysctls: [{ name: "net.ipv4.ip_local_reserved_ports", value: "1" }] } } },
    "forbidden sysctls (net.ipv4.ip_local_reserved_ports)",
  ],
  [
    "processes of a Windows host",
    "latest",
    { context: { windowsOptions: { hostProcess: true } } },
    'hostProcess (container "c" must not set securityContext.windowsOptions.hostProcess=true)',
  ],
  [
    "several at once, in a fixed order",
    "latest",
    { context: { privileged: true }, spec: { hostPID: true } },
    'host namespaces (hostPID=true), privileged (container "c" must not set securityContext.privileged=true)',
  ],
];

const RESTRICTED: [string, string, Given, string][] = [
  ["a safe pod", "latest", { context: SAFE }, ""],
  ["a plain pod", "latest", {}, RESTRICTED_MESSAGE],
  ["a plain pod, a version from the future", "v1.999", {}, RESTRICTED_MESSAGE],
  [
    "a plain pod, long ago",
    "v1.7",
    {},
    'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)',
  ],
  [
    "capabilities, in place of the baseline's",
    "latest",
    { context: { ...SAFE, capabilities: { drop: ["NET_RAW"], add: ["CHOWN", "NET_BIND_SERVICE"] } } },
    'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; container "c" must not include "CHOWN" in securityContext.capabilities.add)',
  ],
  [
    "volumes, in place of the baseline's",
    "latest",
    {
      context: SAFE,
      spec: {
        volumes: [
          { name: "ok", emptyDir: {} },
          { name: "h", hostPath: { path: "/" } },
          { name: "n", nfs: { server: "s", path: "/" } },
        ],
      },
    },
    'restricted volume types (volumes "h", "n" use restricted volume types "hostPath", "nfs")',
  ],
  [
    "root by its number",
    "latest",
    { context: { ...SAFE, runAsUser: 0 }, spec: { securityContext: { runAsUser: 0 } } },
    'runAsUser=0 (pod and container "c" must not set runAsUser=0)',
  ],
  ["root by its number, before", "v1.22", { context: { ...SAFE, runAsUser: 0 } }, ""],
  [
    "root, said aloud",
    "latest",
    { spec: two(SAFE, { ...SAFE, runAsNonRoot: false }) },
    'runAsNonRoot != true (container "b" must not set securityContext.runAsNonRoot=false)',
  ],
  [
    "root in a user namespace",
    "latest",
    { context: { ...SAFE, runAsNonRoot: false, runAsUser: 0 }, spec: { hostUsers: false } },
    "",
  ],
  [
    "what the pod says for its containers",
    "latest",
    {
      context: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      spec: { securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } } },
    },
    "",
  ],
  [
    "seccomp that is no profile",
    "latest",
    { spec: two(SAFE, { ...SAFE, seccompProfile: { type: "Unconfined" } }) },
    'seccompProfile (container "b" must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [
    "/proc in a user namespace",
    "latest",
    { context: { ...SAFE, procMount: "Unmasked" }, spec: { hostUsers: false } },
    'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
  ],
  ["Windows", "latest", { spec: { os: { name: "windows" }, securityContext: { runAsNonRoot: true } } }, ""],
];

describe("baseline", () => {
  it.each(BASELINE)("%s in %s", (_, version, given, expected) => {
    expect(said("baseline", version, given)).toBe(expected);
    expect(said("privileged", version, given)).toBe("");
  });
});

describe("restricted", () => {
  it.each(RESTRICTED)("%s in %s", (_, version, given, expected) => {
    expect(said("restricted", version, given)).toBe(expected);
  });
});
