/** DaemonSet: pkg/apis/apps/validation of Kubernetes. */
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { validateNonnegatives } from "../../../machinery/validation.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { amountErrors, atMostAllErrors, isZero } from "../../core/pods/validation/amounts.ts";
import { validateCollisions, validateSameSelector, validateSelector, validateTemplate } from "../workload.ts";
import type { DaemonSet, DaemonSetUpdateStrategy } from "./types.ts";

const TYPES = ["RollingUpdate", "OnDelete"];

export function validateDaemonSet({ spec }: DaemonSet): FieldError[] {
  return [
    ...validateSelector(spec.selector, "daemonset"),
    ...validateTemplate(spec, "DaemonSet"),
    ...validateNonnegatives(spec, "spec", ["minReadySeconds"]),
    ...strategyErrors(spec.updateStrategy ?? {}, "spec.updateStrategy"),
    ...validateNonnegatives(spec, "spec", ["revisionHistoryLimit"]),
  ];
}

function strategyErrors(strategy: DaemonSetUpdateStrategy, field: string): FieldError[] {
  if (strategy.type === "OnDelete") return [];
  if (strategy.type !== "RollingUpdate") return [fieldError.notSupported(field, strategy, TYPES)];
  const at = `${field}.rollingUpdate`;
  if (!strategy.rollingUpdate) return [fieldError.required(at)];
  const { maxUnavailable = 0, maxSurge = 0 } = strategy.rollingUpdate;
  const errors = [
    ...amountErrors(maxUnavailable, `${at}.maxUnavailable`),
    ...amountErrors(maxSurge, `${at}.maxSurge`),
    ...atMostAllErrors(maxUnavailable, `${at}.maxUnavailable`),
    ...atMostAllErrors(maxSurge, `${at}.maxSurge`),
  ];
  if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
    const why = "may not be set when maxUnavailable is non-zero";
    errors.push(fieldError.invalid(`${at}.maxSurge`, maxSurge, why));
  } else if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(fieldError.required(`${at}.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
  }
  return errors;
}

const STATUS_COUNTS = [
  "currentNumberScheduled",
  "numberMisscheduled",
  "desiredNumberScheduled",
  "numberReady",
  "observedGeneration",
  "updatedNumberScheduled",
  "numberAvailable",
  "numberUnavailable",
  "collisionCount",
];

export function validateDaemonSetUpdate(
  now: DaemonSet,
  old: DaemonSet,
  { subresource }: StrategyContext,
): FieldError[] {
  if (subresource !== "status") return validateSameSelector(now.spec, old.spec);
  return [...validateNonnegatives(now.status, "status", STATUS_COUNTS), ...validateCollisions(now.status, old.status)];
}
