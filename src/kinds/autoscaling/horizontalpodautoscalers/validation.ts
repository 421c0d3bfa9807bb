/** HorizontalPodAutoscaler: pkg/apis/autoscaling/validation of Kubernetes. */
import { pathSegmentFaults } from "../../../machinery/names.ts";
import { readQuantity } from "../../../machinery/quantity.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, validateNonnegatives } from "../../../machinery/validation.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import type { Autoscaler, MetricIdentifier, MetricSpec, MetricTarget, ScaleTarget, ScalingRules } from "./types.ts";

const METRIC_TYPES = ["ContainerResource", "External", "Object", "Pods", "Resource"];
const SOURCES = ["object", "external", "pods", "resource", "containerResource"] as const;
const SELECT_POLICIES = ["Disabled", "Max", "Min"];
const POLICY_TYPES = ["Percent", "Pods"];
const TARGET_TYPES = ["Utilization", "Value", "AverageValue"];
const WINDOW_SECONDS_MAX = 3600;
const PERIOD_SECONDS_MAX = 1800;

export function validateAutoscaler({ spec }: Autoscaler): FieldError[] {
  const { minReplicas, maxReplicas, metrics = [], behavior } = spec;
  const errors: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.push(fieldError.invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1"));
  }
  if (maxReplicas < 1) errors.push(fieldError.invalid("spec.maxReplicas", maxReplicas, "must be greater than 0"));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    const why = "must be greater than or equal to `minReplicas`";
    errors.push(fieldError.invalid("spec.maxReplicas", maxReplicas, why));
  }
  return [
    ...errors,
    ...targetErrors(spec.scaleTargetRef, "spec.scaleTargetRef"),
    ...metrics.flatMap((metric, index) => metricErrors(metric, `spec.metrics[${index}]`)),
    ...rulesErrors(behavior?.scaleUp, "spec.behavior.scaleUp"),
    ...rulesErrors(behavior?.scaleDown, "spec.behavior.scaleDown"),
  ];
}

export function validateAutoscalerUpdate(
  { status }: Autoscaler,
  _old: Autoscaler,
  { subresource }: StrategyContext,
): FieldError[] {
  return subresource === "status" ? validateNonnegatives(status, "status", ["currentReplicas", "desiredReplicas"]) : [];
}

function targetErrors(target: ScaleTarget, field: string): FieldError[] {
  return (["kind", "name"] as const).flatMap((name) =>
    target[name]
      ? invalidFor(`${field}.${name}`, target[name], pathSegmentFaults(target[name]))
      : [fieldError.required(`${field}.${name}`)],
  );
}

function metricErrors(metric: MetricSpec, field: string): FieldError[] {
  const { type } = metric;
  const errors: FieldError[] = [];
  if (!type) errors.push(fieldError.required(`${field}.type`, "must specify a metric source type"));
  if (!METRIC_TYPES.includes(type)) errors.push(fieldError.notSupported(`${field}.type`, type, METRIC_TYPES));
  const present = SOURCES.filter((source) => metric[source] !== undefined);
  const [first] = present;
  if (first) errors.push(...sourceErrors(metric, first, `${field}.${first}`));
  const expected = SOURCES.find((source) => source.toLowerCase() === type.toLowerCase());
  if (expected && !metric[expected]) {
    errors.push(fieldError.required(`${field}.${expected}`, "must populate information for the given metric source"));
  }
  if (present.length === 1) return errors;
  const others = present.filter((source) => source !== expected);
  return [
    ...errors,
    ...others.map((source) => fieldError.forbidden(`${field}.${source}`, "must populate the given metric source only")),
  ];
}

function sourceErrors(metric: MetricSpec, source: (typeof SOURCES)[number], field: string): FieldError[] {
  const { object, external, pods, resource, containerResource } = metric;
  switch (source) {
    case "object":
      return object
        ? [
            ...targetErrors(object.describedObject, `${field}.describedObject`),
            ...identifierErrors(object.metric, `${field}.metric`),
            ...valueErrors(object.target, `${field}.target`),
          ]
        : [];
    case "external":
      return external
        ? [
            ...identifierErrors(external.metric, `${field}.metric`),
            ...externalErrors(external.target, `${field}.target`),
          ]
        : [];
    case "pods":
      return pods
        ? [...identifierErrors(pods.metric, `${field}.metric`), ...perPodErrors(pods.target, `${field}.target`)]
        : [];
    case "resource":
      return resource ? resourceErrors(resource, field) : [];
    default:
      return containerResource
        ? [
            ...(containerResource.container
              ? []
              : [fieldError.required(`${field}.container`, "must specify a container")]),
            ...resourceErrors(containerResource, field),
          ]
        : [];
  }
}

function identifierErrors({ name }: MetricIdentifier, field: string): FieldError[] {
  if (!name) return [fieldError.required(`${field}.name`, "must specify a metric name")];
  return invalidFor(`${field}.name`, name, pathSegmentFaults(name));
}

function valueErrors(target: MetricTarget, field: string): FieldError[] {
  const errors = metricTargetErrors(target, field);
  if (target.value !== undefined || target.averageValue !== undefined) return errors;
  return [...errors, fieldError.required(`${field}.averageValue`, "must set either a target value or averageValue")];
}

function externalErrors(target: MetricTarget, field: string): FieldError[] {
  const errors = metricTargetErrors(target, field);
  const { value, averageValue } = target;
  if (value === undefined && averageValue === undefined) {
    const why = "must set either a target value for metric or a per-pod target";
    errors.push(fieldError.required(`${field}.averageValue`, why));
  } else if (value !== undefined && averageValue !== undefined) {
    const why = "may not set both a target value for metric and a per-pod target";
    errors.push(fieldError.forbidden(`${field}.value`, why));
  }
  return errors;
}

function perPodErrors(target: MetricTarget, field: string): FieldError[] {
  const errors = metricTargetErrors(target, field);
  if (target.averageValue !== undefined && isPositive(target.averageValue)) return errors;
  return [...errors, fieldError.required(`${field}.averageValue`, "must specify a positive target averageValue")];
}

function resourceErrors({ name, target }: { name: string; target: MetricTarget }, field: string): FieldError[] {
  const errors = name ? [] : [fieldError.required(`${field}.name`, "must specify a resource name")];
  errors.push(...metricTargetErrors(target, `${field}.target`));
  const { averageUtilization, averageValue } = target;
  if (averageUtilization === undefined && averageValue === undefined) {
    const why = "must set either a target raw value or a target utilization";
    errors.push(fieldError.required(`${field}.target.averageUtilization`, why));
  } else if (averageUtilization !== undefined && averageValue !== undefined) {
    const why = "may not set both a target raw value and a target utilization";
    errors.push(fieldError.forbidden(`${field}.target.averageValue`, why));
  }
  return errors;
}

function metricTargetErrors(
  { type, value, averageValue, averageUtilization }: MetricTarget,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (!type) errors.push(fieldError.required(`${field}.type`, "must specify a metric target type"));
  if (!TARGET_TYPES.includes(type)) {
    errors.push(fieldError.invalid(`${field}.type`, type, "must be either Utilization, Value, or AverageValue"));
  }
  if (value !== undefined && !isPositive(value)) {
    errors.push(fieldError.invalid(`${field}.value`, value, "must be positive"));
  }
  if (averageValue !== undefined && !isPositive(averageValue)) {
    errors.push(fieldError.invalid(`${field}.averageValue`, averageValue, "must be positive"));
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(fieldError.invalid(`${field}.averageUtilization`, averageUtilization, "must be greater than 0"));
  }
  return errors;
}

function isPositive(quantity: string): boolean {
  return (readQuantity(quantity)?.nano ?? 0n) > 0n;
}

function rulesErrors(rules: ScalingRules | undefined, field: string): FieldError[] {
  if (!rules) return [];
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  const errors: FieldError[] = [];
  const at = `${field}.stabilizationWindowSeconds`;
  if (window !== undefined && window < 0) {
    errors.push(fieldError.invalid(at, window, "must be greater than or equal to zero"));
  } else if (window !== undefined && window > WINDOW_SECONDS_MAX) {
    errors.push(fieldError.invalid(at, window, `must be less than or equal to ${WINDOW_SECONDS_MAX}`));
  }
  if (selectPolicy !== undefined && !SELECT_POLICIES.includes(selectPolicy)) {
    errors.push(fieldError.notSupported(`${field}.selectPolicy`, selectPolicy, SELECT_POLICIES));
  }
  if (policies.length === 0) errors.push(fieldError.required(`${field}.policies`, "must specify at least one Policy"));
  policies.forEach(({ type, value, periodSeconds }, index) => {
    const policy = `${field}.policies[${index}]`;
    if (!POLICY_TYPES.includes(type)) errors.push(fieldError.notSupported(`${policy}.type`, type, POLICY_TYPES));
    if (value <= 0) errors.push(fieldError.invalid(`${policy}.value`, value, "must be greater than zero"));
    if (periodSeconds <= 0) {
      errors.push(fieldError.invalid(`${policy}.periodSeconds`, periodSeconds, "must be greater than zero"));
    } else if (periodSeconds > PERIOD_SECONDS_MAX) {
      const why = `must be less than or equal to ${PERIOD_SECONDS_MAX}`;
      errors.push(fieldError.invalid(`${policy}.periodSeconds`, periodSeconds, why));
    }
  });
  if (tolerance !== undefined && (readQuantity(tolerance)?.nano ?? 0n) < 0n) {
    errors.push(fieldError.invalid(`${field}.tolerance`, tolerance, "must be greater than or equal to 0"));
  }
  return errors;
}
