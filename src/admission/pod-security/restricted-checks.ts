/** What the restricted level asks for beyond the baseline: today's good practice (policy/check_*.go of k8s.io/pod-security-admission). */
import type { SecurityContext, Volume } from "../../kinds/core/pods/types.ts";
import { isBadSeccomp, procMount, seccompProfile } from "./baseline-checks.ts";
import {
  containersOf,
  distinct,
  hasUserNamespace,
  isWindows,
  named,
  namesWhere,
  plural,
  quoted,
  settersOf,
  type Check,
  type CheckPod,
  type PodLike,
  type Violation,
} from "./check.ts";

function allowPrivilegeEscalation(pod: PodLike): Violation | undefined {
  const names = namesWhere(pod, (context) => context.allowPrivilegeEscalation !== false);
  if (names.length === 0) return undefined;
  return {
    reason: "allowPrivilegeEscalation != false",
    detail: `${named(names)} must set securityContext.allowPrivilegeEscalation=false`,
  };
}

function forbiddenOf({ capabilities: { add = [] } = {} }: SecurityContext = {}): string[] {
  return add.filter((capability) => capability !== "NET_BIND_SERVICE");
}

function capabilities(pod: PodLike): Violation | undefined {
  const keeping = namesWhere(pod, (context) => !context.capabilities?.drop?.includes("ALL"));
  const adding = namesWhere(pod, (context) => forbiddenOf(context).length > 0);
  const details: string[] = [];
  if (keeping.length > 0) details.push(`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`);
  if (adding.length > 0) {
    const added = containersOf(pod.spec).flatMap(({ securityContext }) => forbiddenOf(securityContext));
    const all = quoted(distinct(added));
    details.push(`${named(adding)} must not include ${all} in securityContext.capabilities.add`);
  }
  return details.length === 0 ? undefined : { reason: "unrestricted capabilities", detail: details.join("; ") };
}

const ALLOWED_VOLUMES = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
];
/** In the order in which they are looked for. */
const RESTRICTED_VOLUMES = [
  "hostPath",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "gitRepo",
  "nfs",
  "iscsi",
  "glusterfs",
  "rbd",
  "flexVolume",
  "cinder",
  "cephfs",
  "flocker",
  "fc",
  "azureFile",
  "vsphereVolume",
  "quobyte",
  "azureDisk",
  "photonPersistentDisk",
  "portworxVolume",
  "scaleIO",
  "storageos",
];

function sourceOf(volume: Volume, sources: readonly string[]): string | undefined {
  return sources.find((source) => volume[source] !== undefined);
}

function restrictedVolumes({ spec }: PodLike): Violation | undefined {
  const bad = (spec.volumes ?? []).filter((volume) => sourceOf(volume, ALLOWED_VOLUMES) === undefined);
  if (bad.length === 0) return undefined;
  const names = bad.map(({ name }) => name);
  const types = distinct(bad.map((volume) => sourceOf(volume, RESTRICTED_VOLUMES) ?? "unknown"));
  const volumes = `${plural(names, "volume", "volumes")} ${quoted(names)} ${plural(names, "uses", "use")}`;
  return {
    reason: "restricted volume types",
    detail: `${volumes} ${plural(types, "restricted volume type", "restricted volume types")} ${quoted(types)}`,
  };
}

function runAsNonRoot(pod: PodLike): Violation | undefined {
  const reason = "runAsNonRoot != true";
  const ofPod = pod.spec.securityContext?.runAsNonRoot;
  const setters = settersOf(
    ofPod === false,
    namesWhere(pod, (context) => context.runAsNonRoot === false),
  );
  if (setters.length > 0) {
    return { reason, detail: `${setters.join(" and ")} must not set securityContext.runAsNonRoot=false` };
  }
  const silent = ofPod === true ? [] : namesWhere(pod, (context) => context.runAsNonRoot === undefined);
  if (silent.length === 0) return undefined;
  return { reason, detail: `pod or ${named(silent)} must set securityContext.runAsNonRoot=true` };
}

function runAsUser(pod: PodLike): Violation | undefined {
  const setters = settersOf(
    pod.spec.securityContext?.runAsUser === 0,
    namesWhere(pod, (context) => context.runAsUser === 0),
  );
  if (setters.length === 0) return undefined;
  return { reason: "runAsUser=0", detail: `${setters.join(" and ")} must not set runAsUser=0` };
}

function seccomp(pod: PodLike): Violation | undefined {
  const forbidden = seccompProfile(pod);
  if (forbidden) return forbidden;
  const ofPod = pod.spec.securityContext?.seccompProfile;
  const isSet = ofPod !== undefined && !isBadSeccomp(ofPod);
  const silent = isSet ? [] : namesWhere(pod, (context) => context.seccompProfile === undefined);
  if (silent.length === 0) return undefined;
  return {
    reason: "seccompProfile",
    detail: `pod or ${named(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
}

/** On Windows there is nothing to set. */
const butWindows =
  (check: CheckPod): CheckPod =>
  (pod) =>
    isWindows(pod) ? undefined : check(pod);

const butUserNamespaces =
  (check: CheckPod): CheckPod =>
  (pod) =>
    hasUserNamespace(pod) ? undefined : check(pod);

export const RESTRICTED_CHECKS: readonly Check[] = [
  {
    id: "allowPrivilegeEscalation",
    level: "restricted",
    versions: [
      { since: 8, check: allowPrivilegeEscalation },
      { since: 25, check: butWindows(allowPrivilegeEscalation) },
    ],
  },
  {
    id: "capabilities_restricted",
    level: "restricted",
    versions: [
      { since: 22, check: capabilities, overrides: "capabilities_baseline" },
      { since: 25, check: butWindows(capabilities), overrides: "capabilities_baseline" },
    ],
  },
  {
    id: "procMount_restricted",
    level: "restricted",
    versions: [{ since: 35, check: procMount, overrides: "procMount" }],
  },
  {
    id: "restrictedVolumes",
    level: "restricted",
    versions: [{ since: 0, check: restrictedVolumes, overrides: "hostPathVolumes" }],
  },
  {
    id: "runAsNonRoot",
    level: "restricted",
    versions: [
      { since: 0, check: runAsNonRoot },
      { since: 35, check: butUserNamespaces(runAsNonRoot) },
    ],
  },
  {
    id: "runAsUser",
    level: "restricted",
    versions: [
      { since: 23, check: runAsUser },
      { since: 35, check: butUserNamespaces(runAsUser) },
    ],
  },
  {
    id: "seccompProfile_restricted",
    level: "restricted",
    versions: [
      { since: 19, check: seccomp, overrides: "seccompProfile_baseline" },
      { since: 25, check: butWindows(seccomp), overrides: "seccompProfile_baseline" },
    ],
  },
];
