/**
 * LimitRanger: gives containers the requests and limits that a namespace has for those who name none, and holds pods and claims to its
 * bounds (plugin/pkg/admission/limitranger). Bounds that several lists name are checked in the order of their resources.
 */
import type { LimitRange, LimitRangeItem } from "../kinds/core/limitranges/types.ts";
import type { PersistentVolumeClaim } from "../kinds/core/persistentvolumeclaims/types.ts";
import { declared, podTotals, quantitiesOf, type Quantities } from "../kinds/core/pods/pod-resources.ts";
import type { Container, Pod, ResourceList } from "../kinds/core/pods/types.ts";
import { compareQuantities, formatQuantity, type Quantity } from "../machinery/quantity.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import type { NamespaceRulesReader } from "./namespace-rules.ts";
import { refused } from "./refusal.ts";

const ANNOTATION = "kubernetes.io/limit-ranger";

export function createLimitRanger({ rules }: { rules: Pick<NamespaceRulesReader, "of"> }): AdmissionPlugin {
  return {
    name: "LimitRanger",
    async mutate(attributes) {
      // A resize changes what was set when the pod came.
      if (limitedAs(attributes) !== "pods" || attributes.operation !== "CREATE") return;
      const { limitRanges } = await rules.of(attributes);
      for (const limitRange of limitRanges) setDefaults(attributes.object as Pod, limitRange);
    },
    async validate(attributes) {
      const limited = limitedAs(attributes);
      if (limited === undefined) return;
      const { limitRanges } = await rules.of(attributes);
      for (const { spec } of limitRanges) {
        const limits = spec.limits ?? [];
        const faults =
          limited === "pods"
            ? podFaults(attributes.object as Pod, limits)
            : claimFaults(attributes.object as PersistentVolumeClaim, limits);
        if (faults.length > 0) throw refused(attributes, joined(faults));
      }
    },
  };
}

/** Containers of a pod change by a resize alone; what is being deleted is left alone. */
function limitedAs(attributes: AdmissionAttributes): "pods" | "persistentvolumeclaims" | undefined {
  const { group, resource, subresource, operation, oldObject } = attributes;
  if (group !== "" || (operation !== "CREATE" && operation !== "UPDATE")) return undefined;
  if (oldObject?.metadata.deletionTimestamp !== undefined) return undefined;
  if (resource === "pods") return subresource === (operation === "CREATE" ? "" : "resize") ? "pods" : undefined;
  return resource === "persistentvolumeclaims" && subresource === "" ? "persistentvolumeclaims" : undefined;
}

/** Several errors as one, none twice: k8s.io/apimachinery/pkg/util/errors. */
function joined(faults: readonly string[]): string {
  const different = [...new Set(faults)];
  return different.length === 1 ? (different[0] ?? "") : `[${different.join(", ")}]`;
}

function setDefaults(pod: Pod, { spec }: LimitRange): void {
  const ofContainers = (spec.limits ?? []).filter(({ type }) => type === "Container");
  const requests: ResourceList = Object.assign({}, ...ofContainers.map(({ defaultRequest }) => defaultRequest));
  const limits: ResourceList = Object.assign({}, ...ofContainers.map((item) => item.default));
  const set = [
    ...pod.spec.containers.flatMap((one) => complete(one, { requests, limits, called: "container" })),
    ...(pod.spec.initContainers ?? []).flatMap((one) => complete(one, { requests, limits, called: "init container" })),
  ];
  if (set.length === 0) return;
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [ANNOTATION]: `LimitRanger plugin set: ${set.join("; ")}`,
  };
}

/** What was set, in words. */
function complete(
  container: Container,
  { called, ...defaults }: { requests: ResourceList; limits: ResourceList; called: string },
): string[] {
  const set: string[] = [];
  for (const [list, word] of [
    ["requests", "request"],
    ["limits", "limit"],
  ] as const) {
    const own = container.resources?.[list] ?? {};
    const missing = Object.entries(defaults[list]).filter(([name]) => own[name] === undefined);
    if (missing.length === 0) continue;
    container.resources = { ...container.resources, [list]: { ...own, ...Object.fromEntries(missing) } };
    const names = missing.map(([name]) => name).toSorted();
    set.push(`${names.join(", ")} ${word} for ${called} ${container.name}`);
  }
  return set;
}

interface Asked {
  requests: Quantities;
  limits: Quantities;
}

function podFaults({ spec }: Pod, limits: readonly LimitRangeItem[]): string[] {
  return limits.flatMap((limit) => {
    if (limit.type === "Container") {
      return [...spec.containers, ...(spec.initContainers ?? [])].flatMap((container) =>
        faultsOf(limit, { requests: declared(container, "requests"), limits: declared(container, "limits") }),
      );
    }
    if (limit.type !== "Pod") return [];
    return faultsOf(limit, { requests: podTotals(spec, "requests"), limits: podTotals(spec, "limits") });
  });
}

/** Claims have no limits: both bounds are those of the request. */
function claimFaults({ spec }: PersistentVolumeClaim, limits: readonly LimitRangeItem[]): string[] {
  const requests = quantitiesOf(spec.resources?.requests ?? {});
  return limits.flatMap((limit) => {
    if (limit.type !== "PersistentVolumeClaim") return [];
    return [
      ...bounds(limit.min).flatMap((bound) => belowMin(limit, bound, { requests, limits: new Map() })),
      ...bounds(limit.max).flatMap((bound) => requestAboveMax(limit, bound, requests)),
    ];
  });
}

function faultsOf(limit: LimitRangeItem, asked: Asked): string[] {
  return [
    ...bounds(limit.min).flatMap((bound) => belowMin(limit, bound, asked)),
    ...bounds(limit.max).flatMap((bound) => aboveMax(limit, bound, asked)),
    ...bounds(limit.maxLimitRequestRatio).flatMap((bound) => aboveRatio(limit, bound, asked)),
  ];
}

type Bound = readonly [name: string, amount: Quantity];

function bounds(list: ResourceList | undefined): Bound[] {
  return [...quantitiesOf(list ?? {})].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function belowMin({ type }: LimitRangeItem, [name, min]: Bound, { requests, limits }: Asked): string[] {
  const text = `minimum ${name} usage per ${type} is ${formatQuantity(min)}`;
  const request = requests.get(name);
  const limit = limits.get(name);
  if (!request) return [`${text}.  No request is specified`];
  if (compareQuantities(request, min) < 0) return [`${text}, but request is ${formatQuantity(request)}`];
  return limit && compareQuantities(limit, min) < 0 ? [`${text}, but limit is ${formatQuantity(limit)}`] : [];
}

function aboveMax({ type }: LimitRangeItem, [name, max]: Bound, { requests, limits }: Asked): string[] {
  const text = `maximum ${name} usage per ${type} is ${formatQuantity(max)}`;
  const request = requests.get(name);
  const limit = limits.get(name);
  if (!limit) return [`${text}.  No limit is specified`];
  if (compareQuantities(limit, max) > 0) return [`${text}, but limit is ${formatQuantity(limit)}`];
  return request && compareQuantities(request, max) > 0 ? [`${text}, but request is ${formatQuantity(request)}`] : [];
}

function requestAboveMax({ type }: LimitRangeItem, [name, max]: Bound, requests: Quantities): string[] {
  const text = `maximum ${name} usage per ${type} is ${formatQuantity(max)}`;
  const request = requests.get(name);
  if (!request) return [`${text}.  No request is specified`];
  return compareQuantities(request, max) > 0 ? [`${text}, but request is ${formatQuantity(request)}`] : [];
}

function aboveRatio({ type }: LimitRangeItem, [name, ratio]: Bound, { requests, limits }: Asked): string[] {
  const text = `${name} max limit to request ratio per ${type} is ${formatQuantity(ratio)}`;
  const request = requests.get(name);
  const limit = limits.get(name);
  if (!request || request.nano === 0n) return [`${text}, but no request is specified or request is 0`];
  if (!limit || limit.nano === 0n) return [`${text}, but no limit is specified or limit is 0`];
  const observed = Number(limit.nano) / Number(request.nano);
  return observed * 1e9 > Number(ratio.nano) ? [`${text}, but provided ratio is ${observed.toFixed(6)}`] : [];
}
