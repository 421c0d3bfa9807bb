/** Deployment: pkg/apis/apps/validation of Kubernetes. */
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { validateNonnegative } from "../../../machinery/validation.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { validateAvailable, validateReplicaCounts } from "../../core/pods/validation/replicas.ts";
import { amountErrors, atMostAllErrors, isZero } from "../../core/pods/validation/amounts.ts";
import {
  validateCollisions,
  validateCounts,
  validateSameSelector,
  validateSelector,
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
  return [...errors, ...atMostAllErrors(maxUnavailable, `${field}.maxUnavailable`)];
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

const STATUS_PARTS = ["updatedReplicas", "readyReplicas", "availableReplicas"];

export function validateDeploymentUpdate(
  now: Deployment,
  old: Deployment,
  { subresource }: StrategyContext,
): FieldError[] {
  if (subresource !== "status") return validateSameSelector(now.spec, old.spec);
  return [
    ...validateReplicaCounts(now.status, { counts: STATUS_COUNTS, parts: STATUS_PARTS }),
    ...validateAvailable(now.status),
    ...validateCollisions(now.status, old.status),
  ];
}
