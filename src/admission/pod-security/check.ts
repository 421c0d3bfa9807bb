/** What a check of pod security is, and the words that its messages are made of (policy/checks.go of k8s.io/pod-security-admission). */
import type { ObjectMeta } from "../../machinery/meta.ts";
import type { Container, PodSpec, SecurityContext } from "../../kinds/core/pods/types.ts";

/** A pod, or what a controller will make pods of. */
export interface PodLike {
  metadata: ObjectMeta;
  spec: PodSpec;
}

export interface Violation {
  reason: string;
  detail: string;
}

export type CheckPod = (pod: PodLike) => Violation | undefined;

export interface Check {
  /** Messages come in the order of these, baseline first. */
  id: string;
  level: "baseline" | "restricted";
  /** By the minor version from which on it is checked so, rising. */
  versions: readonly { since: number; check: CheckPod; overrides?: string }[];
}

/** In the order in which messages name them. */
export function containersOf({ initContainers = [], containers, ephemeralContainers = [] }: PodSpec): Container[] {
  return [...initContainers, ...containers, ...ephemeralContainers];
}

export function namesWhere({ spec }: PodLike, isBad: (context: SecurityContext, name: string) => boolean): string[] {
  return containersOf(spec)
    .filter(({ securityContext = {}, name }) => isBad(securityContext, name))
    .map(({ name }) => name);
}

/** `"a", "b"` */
export function quoted(items: Iterable<string>): string {
  return [...items].map((item) => `"${item}"`).join(", ");
}

/** `container "a"`, `containers "a", "b"` */
export function named(names: readonly string[]): string {
  return `${plural(names, "container", "containers")} ${quoted(names)}`;
}

export function plural(of: { length: number }, one: string, many: string): string {
  return of.length === 1 ? one : many;
}

/** Each once, in byte order. */
export function distinct(values: Iterable<string>): string[] {
  return [...new Set(values)].toSorted();
}

/** Who sets something that is forbidden: the pod itself, and some of its containers. */
export function settersOf(pod: boolean, containers: readonly string[]): string[] {
  return [...(pod ? ["pod"] : []), ...(containers.length > 0 ? [named(containers)] : [])];
}

export function isWindows({ spec }: PodLike): boolean {
  return spec.os?.name === "windows";
}

/** Pods in a user namespace of their own may do more since 1.35. */
export function hasUserNamespace({ spec }: PodLike): boolean {
  return spec.hostUsers === false;
}
