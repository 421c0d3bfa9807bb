/**
 * Metrics in the shape that autoscaling/v1 has for them: it has no fields of its own for any but CPU, and keeps the others as JSON in
 * annotations (pkg/apis/autoscaling/v1/conversion.go of Kubernetes). What is absent stays absent, so nothing is lost on the way.
 */
import type { LabelSelector } from "../../../machinery/selectors.ts";
import type {
  Metric,
  MetricIdentifier,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricType,
  MetricValue,
  ScaleTarget,
} from "./types.ts";

interface ValuesV1 {
  targetAverageUtilization?: number;
  targetAverageValue?: string;
  targetValue?: string;
  currentAverageUtilization?: number;
  currentAverageValue?: string;
  currentValue?: string;
  averageValue?: string;
}

export interface MetricV1 {
  type: MetricType;
  object?: { target: ScaleTarget; metricName: string; selector?: LabelSelector } & ValuesV1;
  pods?: { metricName: string; selector?: LabelSelector } & ValuesV1;
  resource?: { name: string } & ValuesV1;
  containerResource?: { name: string; container: string } & ValuesV1;
  external?: { metricName: string; metricSelector?: LabelSelector } & ValuesV1;
}

export function specToV1(metric: MetricSpec): MetricV1 {
  return toV1(metric, ({ target }) => target, "target");
}

export function statusToV1(metric: MetricStatus): MetricV1 {
  return toV1(metric, ({ current }) => current, "current");
}

function toV1<T extends object>(metric: Metric<T>, valueOf: (source: T) => MetricValue, prefix: Prefix): MetricV1 {
  const { type, object, pods, resource, containerResource, external } = metric;
  const values = (source: T) => valuesToV1(valueOf(source), prefix);
  return {
    type,
    ...(object && {
      object: {
        target: object.describedObject,
        metricName: object.metric.name,
        ...selectorAs("selector", object.metric.selector),
        ...objectValues(valueOf(object), prefix),
      },
    }),
    ...(pods && {
      pods: { metricName: pods.metric.name, ...selectorAs("selector", pods.metric.selector), ...values(pods) },
    }),
    ...(resource && { resource: { name: resource.name, ...values(resource) } }),
    ...(containerResource && {
      containerResource: {
        name: containerResource.name,
        ...values(containerResource),
        container: containerResource.container,
      },
    }),
    ...(external && {
      external: {
        metricName: external.metric.name,
        ...selectorAs("metricSelector", external.metric.selector),
        ...values(external),
      },
    }),
  };
}

type Prefix = "target" | "current";

function selectorAs<K extends string>(name: K, selector: LabelSelector | undefined): { [key in K]?: LabelSelector } {
  return (selector === undefined ? {} : { [name]: selector }) as { [key in K]?: LabelSelector };
}

function valuesToV1({ value, averageValue, averageUtilization }: MetricValue, prefix: Prefix): ValuesV1 {
  return {
    ...(averageUtilization === undefined ? {} : { [`${prefix}AverageUtilization`]: averageUtilization }),
    ...(averageValue === undefined ? {} : { [`${prefix}AverageValue`]: averageValue }),
    ...(value === undefined ? {} : { [`${prefix}Value`]: value }),
  };
}

/** Only an object's average has a name without a prefix. */
function objectValues({ value, averageValue }: MetricValue, prefix: Prefix): ValuesV1 {
  return {
    ...(value === undefined ? {} : { [`${prefix}Value`]: value }),
    ...(averageValue === undefined ? {} : { averageValue }),
  };
}

export function specFromV1(metric: MetricV1): MetricSpec {
  return fromV1(metric, (values, type) => ({ target: { type: targetType(values, type), ...values } }), "target");
}

export function statusFromV1(metric: MetricV1): MetricStatus {
  return fromV1(metric, (values) => ({ current: values }), "current");
}

/** v1 does not say of what type a target is: it follows from what is set. */
function targetType({ averageUtilization, averageValue, value }: MetricValue, type: MetricType): MetricTarget["type"] {
  if (averageUtilization !== undefined) return "Utilization";
  if (averageValue !== undefined || type === "Pods") return "AverageValue";
  return value === undefined && (type === "Resource" || type === "ContainerResource") ? "AverageValue" : "Value";
}

function fromV1<T extends object>(
  metric: MetricV1,
  wrap: (values: MetricValue, type: MetricType) => T,
  prefix: Prefix,
): Metric<T> {
  const { type, object, pods, resource, containerResource, external } = metric;
  const values = (source: ValuesV1) => wrap(valuesFromV1(source, prefix), type);
  return {
    type,
    ...(object && {
      object: {
        describedObject: object.target,
        ...identifier(object.metricName, object.selector),
        ...values({ ...object, [`${prefix}AverageValue`]: object.averageValue }),
      },
    }),
    ...(pods && { pods: { ...identifier(pods.metricName, pods.selector), ...values(pods) } }),
    ...(resource && { resource: { name: resource.name, ...values(resource) } }),
    ...(containerResource && {
      containerResource: {
        name: containerResource.name,
        container: containerResource.container,
        ...values(containerResource),
      },
    }),
    ...(external && { external: { ...identifier(external.metricName, external.metricSelector), ...values(external) } }),
  };
}

function identifier(name: string, selector: LabelSelector | undefined): { metric: MetricIdentifier } {
  return { metric: { name, ...(selector === undefined ? {} : { selector }) } };
}

function valuesFromV1(source: ValuesV1, prefix: Prefix): MetricValue {
  const averageUtilization = source[`${prefix}AverageUtilization`];
  const averageValue = source[`${prefix}AverageValue`];
  const value = source[`${prefix}Value`];
  return {
    ...(value === undefined ? {} : { value }),
    ...(averageValue === undefined ? {} : { averageValue }),
    ...(averageUtilization === undefined ? {} : { averageUtilization }),
  };
}
