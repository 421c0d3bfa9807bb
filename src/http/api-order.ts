/**
 * Which API group comes first, and which version within a group: clients take the first match, so "events" means core's and kubectl
 * uses the preferred version. After the priorities that kube-apiserver registers for its groups and after
 * k8s.io/apimachinery/pkg/version.CompareKubeAwareVersionStrings.
 */

import { apiVersionOf, type GroupVersion } from "../machinery/gvk.ts";

const REGISTRATION_GROUP = "apiregistration.k8s.io";

/** Higher first. Equal ones go by name. */
const GROUP_PRIORITY: Readonly<Record<string, number>> = {
  [REGISTRATION_GROUP]: 20001,
  "": 18000,
  apps: 17800,
  "events.k8s.io": 17750,
  "authentication.k8s.io": 17700,
  "authorization.k8s.io": 17600,
  autoscaling: 17500,
  batch: 17400,
  "certificates.k8s.io": 17300,
  "networking.k8s.io": 17200,
  policy: 17100,
  "rbac.authorization.k8s.io": 17000,
  "storage.k8s.io": 16800,
  "admissionregistration.k8s.io": 16700,
  "apiextensions.k8s.io": 16700,
  "scheduling.k8s.io": 16600,
  "coordination.k8s.io": 16500,
  "node.k8s.io": 16300,
  "discovery.k8s.io": 16200,
  "resource.k8s.io": 16200,
  "flowcontrol.apiserver.k8s.io": 16100,
  "internal.apiserver.k8s.io": 16000,
  "storagemigration.k8s.io": 15800,
};

/** Of groups that custom resources define. */
const CUSTOM_PRIORITY = 1000;

/** Of versions within their group, where they are not VERSION_PRIORITY. */
const VERSION_PRIORITIES: Readonly<Record<string, number>> = {
  v1: 1,
  "autoscaling/v2": 30,
  "flowcontrol.apiserver.k8s.io/v1": 21,
  "resource.k8s.io/v1": 20,
};
const VERSION_PRIORITY = 15;

/**
 * What kube-apiserver registers for a group and version that it serves itself (cmd/kube-apiserver/app/aggregator.go). Undefined for the
 * registrations' own group, which has none.
 */
export function apiPriority(at: GroupVersion): { group: number; version: number } | undefined {
  const group = at.group === REGISTRATION_GROUP ? undefined : GROUP_PRIORITY[at.group];
  return group === undefined ? undefined : { group, version: VERSION_PRIORITIES[apiVersionOf(at)] ?? VERSION_PRIORITY };
}

/** For sorting; negative when `a` comes first. */
export function compareGroups(a: string, b: string): number {
  return (GROUP_PRIORITY[b] ?? CUSTOM_PRIORITY) - (GROUP_PRIORITY[a] ?? CUSTOM_PRIORITY) || compareText(a, b);
}

/** v2 before v1 before v1beta2 before v1beta1 before v1alpha1, then what has no such form by name: the first is preferred. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [versionRank(a), versionRank(b)];
  if (!x || !y) return x ? -1 : y ? 1 : compareText(a, b);
  return y.stability - x.stability || y.major - x.major || y.minor - x.minor;
}

function versionRank(version: string): { stability: number; major: number; minor: number } | undefined {
  const match = /^v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?$/.exec(version);
  if (!match) return undefined;
  const [, major, level, minor = "0"] = match;
  return { stability: level === undefined ? 2 : level === "beta" ? 1 : 0, major: Number(major), minor: Number(minor) };
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
