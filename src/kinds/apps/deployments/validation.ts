/** Deployment: pkg/apis/apps/validation of Kubernetes. */
import { percentFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, validateNonnegative } from "../../../machinery/validation.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import type { IntOrString } from "../../core/pods/types.ts";
import {
  validateCounts,
  validateSameSelector,
  validateSelector,
  validateStatusCounts,
  validateTemplate,
} from "../workload.ts";
import type { Deployment, DeploymentSpec } from "./types.ts";

export function validateDeployment({ spec }: Deployment): FieldError[] {
  return [
    ...validateCounts(spec),
    ...validateSelector(spec.selector, "deployment"),
    ...validateTemplate(spec, "Deployment"),
    ...strategyErrors(spec.strategy),
    ...validateNonnegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit"),
    ...deadlineErrors(spec),
  ];
}

function deadlineErrors({ progressDeadlineSeconds: seconds, minReadySeconds = 0 }: DeploymentSpec): FieldError[] {
  if (seconds === undefined) return [];
  const errors = validateNonnegative(seconds, "spec.progressDeadlineSeconds");
  if (seconds <= minReadySeconds) {
    errors.push(fieldError.invalid("spec.progressDeadlineSeconds", seconds, "must be greater than minReadySeconds"));
  }
  return errors;
}

function strategyErrors(strategy: DeploymentSpec["strategy"]): FieldError[] {
  const { type, rollingUpdate } = strategy ?? {};
  const at = "spec.strategy";
  if (type === "Recreate") {
    if (!rollingUpdate) return [];
    return [fieldError.forbidden(`${at}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")];
  }
  if (type !== "RollingUpdate") {
    return [fieldError.notSupported(`${at}.type`, type, ["Recreate", "RollingUpdate"])];
  }
  if (!rollingUpdate) {
    return [fieldError.required(`${at}.rollingUpdate`, "this should be defaulted and never be nil")];
  }
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const field = `${at}.rollingUpdate`;
  const errors = [
    ...amountErrors(maxUnavailable, `${field}.maxUnavailable`),
    ...amountErrors(maxSurge, `${field}.maxSurge`),
  ];
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(fieldError.invalid(`${field}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  }
  if (typeof maxUnavailable === "string" && Number.parseInt(maxUnavailable, 10) > 100) {
    errors.push(fieldError.invalid(`${field}.maxUnavailable`, maxUnavailable, "must not be greater than 100%"));
  }
  return errors;
}

function isZero(amount: IntOrString): boolean {
  return amount === 0 || amount === "0%";
}

/** A number or a percentage. */
function amountErrors(amount: IntOrString, field: string): FieldError[] {
  if (typeof amount === "number") return validateNonnegative(amount, field);
  return invalidFor(field, amount, percentFaults(amount));
}

const STATUS_COUNTS = [
  "observedGeneration",
  "replicas",
  "updatedReplicas",
  "readyReplicas",
  "availableReplicas",
  "unavailableReplicas",
  "collisionCount",
];

export function validateDeploymentUpdate(
  now: Deployment,
  old: Deployment,
  { subresource }: StrategyContext,
): FieldError[] {
  if (subresource !== "status") return validateSameSelector(now.spec, old.spec);
  const { status } = now;
  const errors = validateStatusCounts(status, STATUS_COUNTS);
  const replicas = status?.replicas ?? 0;
  const ready = status?.readyReplicas ?? 0;
  const available = status?.availableReplicas ?? 0;
  const more = "cannot be greater than status.replicas";
  if ((status?.updatedReplicas ?? 0) > replicas) {
    errors.push(fieldError.invalid("status.updatedReplicas", status?.updatedReplicas, more));
  }
  if (ready > replicas) errors.push(fieldError.invalid("status.readyReplicas", ready, more));
  if (available > replicas) errors.push(fieldError.invalid("status.availableReplicas", available, more));
  if (available > ready) {
    errors.push(fieldError.invalid("status.availableReplicas", available, "cannot be greater than readyReplicas"));
  }
  if ((status?.collisionCount ?? 0) < (old.status?.collisionCount ?? 0)) {
    errors.push(fieldError.invalid("status.collisionCount", status?.collisionCount ?? 0, "cannot be decremented"));
  }
  return errors;
}
