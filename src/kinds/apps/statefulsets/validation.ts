/** StatefulSet: pkg/apis/apps/validation of Kubernetes. */
import { dns1035LabelFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, validateNonnegative } from "../../../machinery/validation.ts";
import { sameJson } from "../../../registry/same-json.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import type { PodTemplateSpec } from "../../core/pods/types.ts";
import { validateAvailable, validateReplicaCounts } from "../../core/pods/validation/replicas.ts";
import { amountErrors, atMostAllErrors, isZero } from "../../core/pods/validation/amounts.ts";
import { validateCollisions, validateCounts, validateSelector, validateTemplate } from "../workload.ts";
import type { RetentionPolicy, StatefulSet, StatefulSetSpec } from "./types.ts";

const MANAGEMENT_POLICIES = ["OrderedReady", "Parallel"];
const RETENTION_POLICIES = ["Retain", "Delete"];

export function validateStatefulSet({ spec }: StatefulSet): FieldError[] {
  const { podManagementPolicy: policy, serviceName, ordinals } = spec;
  const errors: FieldError[] = [];
  if (!policy) errors.push(fieldError.required("spec.podManagementPolicy"));
  else if (!MANAGEMENT_POLICIES.includes(policy)) {
    errors.push(fieldError.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  const { whenDeleted, whenScaled } = spec.persistentVolumeClaimRetentionPolicy ?? {};
  const retention = "spec.persistentVolumeClaimRetentionPolicy";
  return [
    ...errors,
    ...strategyErrors(spec.updateStrategy),
    ...retentionErrors(whenDeleted, `${retention}.whenDeleted`),
    ...retentionErrors(whenScaled, `${retention}.whenScaled`),
    ...validateCounts(spec),
    ...validateNonnegative(ordinals?.start, "spec.ordinals.start"),
    ...(serviceName ? invalidFor("spec.serviceName", serviceName, dns1035LabelFaults(serviceName)) : []),
    ...validateSelector(spec.selector, "statefulset"),
    ...validateTemplate({ ...spec, template: withClaims(spec) }, "StatefulSet"),
  ];
}

/** Every claim is a volume of its pods. */
function withClaims({ template, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  if (volumeClaimTemplates.length === 0 || !template) return template;
  const claimed = new Set(volumeClaimTemplates.map(({ metadata }) => metadata.name));
  const own = (template.spec.volumes ?? []).filter(({ name }) => !claimed.has(name));
  const claims = [...claimed].map((name = "") => ({ name, persistentVolumeClaim: { claimName: name } }));
  return { ...template, spec: { ...template.spec, volumes: [...own, ...claims] } };
}

function strategyErrors(strategy: StatefulSetSpec["updateStrategy"]): FieldError[] {
  const { type, rollingUpdate } = strategy ?? {};
  const at = "spec.updateStrategy";
  switch (type) {
    case undefined:
      return [fieldError.required(at)];
    case "OnDelete":
      if (!rollingUpdate) return [];
      return [
        fieldError.invalid(`${at}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"),
      ];
    case "RollingUpdate":
      return rollingUpdate ? rollingErrors(rollingUpdate, `${at}.rollingUpdate`) : [];
    default:
      return [fieldError.invalid(at, strategy, "must be 'RollingUpdate' or 'OnDelete'")];
  }
}

function rollingErrors(
  { partition, maxUnavailable }: NonNullable<NonNullable<StatefulSetSpec["updateStrategy"]>["rollingUpdate"]>,
  field: string,
): FieldError[] {
  const errors = validateNonnegative(partition, `${field}.partition`);
  if (maxUnavailable === undefined) return errors;
  const at = `${field}.maxUnavailable`;
  errors.push(...amountErrors(maxUnavailable, at));
  if (isZero(maxUnavailable)) errors.push(fieldError.invalid(at, maxUnavailable, "cannot be 0"));
  return [...errors, ...atMostAllErrors(maxUnavailable, at)];
}

function retentionErrors(policy: RetentionPolicy | undefined, field: string): FieldError[] {
  return policy === undefined || RETENTION_POLICIES.includes(policy)
    ? []
    : [fieldError.notSupported(field, policy, RETENTION_POLICIES)];
}

const MUTABLE = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
];
const FROZEN =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
  "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

const STATUS_COUNTS = [
  "replicas",
  "readyReplicas",
  "currentReplicas",
  "updatedReplicas",
  "availableReplicas",
  "observedGeneration",
  "collisionCount",
];
const STATUS_PARTS = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];

export function validateStatefulSetUpdate(
  now: StatefulSet,
  old: StatefulSet,
  { subresource }: StrategyContext,
): FieldError[] {
  if (subresource !== "status") {
    return sameJson(frozenPart(now), frozenPart(old)) ? [] : [fieldError.forbidden("spec", FROZEN)];
  }
  return [
    ...validateReplicaCounts(now.status, { counts: STATUS_COUNTS, parts: STATUS_PARTS }),
    ...validateAvailable(now.status, "status.readyReplicas"),
    ...validateCollisions(now.status, old.status),
  ];
}

function frozenPart({ spec }: StatefulSet): object {
  return Object.fromEntries(Object.entries(spec).filter(([name]) => !MUTABLE.includes(name)));
}
