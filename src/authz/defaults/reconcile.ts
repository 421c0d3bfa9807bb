/**
 * What a start does to default roles and bindings that people have changed: what is missing comes back, what they added stays. After
 * k8s.io/component-helpers/auth/rbac/reconciliation, as kube-apiserver runs it.
 */
import type { ClusterRole, PolicyRule, RoleBinding, Subject } from "../../kinds/rbac/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { uncovered } from "../coverage.ts";
import { sameRules } from "../../kinds/rbac/aggregation.ts";
import { AUTO_UPDATE } from "./notation.ts";

/** "recreate": its role is another one, and bindings cannot change theirs. */
export type Reconciled<T> = { change: "none" } | { change: "update" | "recreate"; object: T };

const NONE = { change: "none" } as const;

/** Whoever says so keeps an object as it is. */
function isProtected({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[AUTO_UPDATE] === "false";
}

/** Of a Role, too: it is a ClusterRole without aggregation. Never mutates. The rules of an aggregated role are its controller's business. */
export function reconciledRole(existing: ClusterRole, wanted: ClusterRole): Reconciled<ClusterRole> {
  if (isProtected(existing)) return NONE;
  const aggregation = wanted.aggregationRule;
  const object: ClusterRole = { ...existing, metadata: mergedMetadata(existing, wanted) };
  const rules = aggregation ? existing.rules : completedRules(existing.rules ?? [], wanted.rules ?? []);
  if (rules !== undefined) object.rules = rules;
  const selectors = existing.aggregationRule?.clusterRoleSelectors ?? [];
  const known = new Set(selectors.map((selector) => JSON.stringify(selector)));
  const missing = (aggregation?.clusterRoleSelectors ?? []).filter((selector) => !known.has(JSON.stringify(selector)));
  if (!aggregation) delete object.aggregationRule;
  else if (missing.length > 0) object.aggregationRule = { clusterRoleSelectors: [...selectors, ...missing] };
  const changed =
    !sameMetadata(object, existing) ||
    !sameRules(object.rules, existing.rules) ||
    missing.length > 0 ||
    (!aggregation && existing.aggregationRule !== undefined);
  return changed ? { change: "update", object } : NONE;
}

function completedRules(existing: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  if (sameRules(existing, wanted)) return [...existing];
  return [...existing, ...(uncovered(existing, wanted) as PolicyRule[])];
}

/** Never mutates. */
export function reconciledBinding(existing: RoleBinding, wanted: RoleBinding): Reconciled<RoleBinding> {
  if (isProtected(existing)) return NONE;
  const { kind, name } = wanted.roleRef;
  if (existing.roleRef.kind !== kind || existing.roleRef.name !== name) return { change: "recreate", object: wanted };
  const known = new Set((existing.subjects ?? []).map(subjectKey));
  const missing = (wanted.subjects ?? []).filter((subject) => !known.has(subjectKey(subject)));
  const object: RoleBinding = { ...existing, metadata: mergedMetadata(existing, wanted) };
  if (missing.length > 0) object.subjects = [...(existing.subjects ?? []), ...missing];
  return missing.length > 0 || !sameMetadata(object, existing) ? { change: "update", object } : NONE;
}

function subjectKey({ kind, name, namespace = "" }: Subject): string {
  return JSON.stringify([kind, name, namespace]);
}

/** What people set goes before what is wanted. */
function mergedMetadata(existing: KubeObject, wanted: KubeObject): KubeObject["metadata"] {
  return {
    ...existing.metadata,
    labels: { ...wanted.metadata.labels, ...existing.metadata.labels },
    annotations: { ...wanted.metadata.annotations, ...existing.metadata.annotations },
  };
}

function sameMetadata({ metadata: a }: KubeObject, { metadata: b }: KubeObject): boolean {
  return sizeOf(a.labels) === sizeOf(b.labels) && sizeOf(a.annotations) === sizeOf(b.annotations);
}

/** One is the other with what was missing. */
function sizeOf(entries: Readonly<Record<string, string>> | undefined): number {
  return Object.keys(entries ?? {}).length;
}
