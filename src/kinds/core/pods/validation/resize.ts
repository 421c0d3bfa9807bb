/** How the resources of a pod may change while it is there: ValidatePodResize of Kubernetes. */
import { fieldError, type FieldError } from "../../../../machinery/status-error.ts";
import { sameJson } from "../../../../registry/same-json.ts";
import { qosClassOf } from "../qos.ts";
import type { Container, Pod, PodSpec, ResourceList, ResourceRequirements } from "../types.ts";

const STATIC_POD = "kubernetes.io/config.mirror";

export function validatePodResize(pod: Pod, old: Pod): FieldError[] {
  const moved = orderErrors(pod.spec, old.spec);
  if (moved.length > 0) return moved;
  if (old.metadata.annotations?.[STATIC_POD] !== undefined) {
    return [fieldError.forbidden("", "static pods cannot be resized")];
  }
  if (old.spec.os?.name === "windows") return [fieldError.forbidden("", "windows pods cannot be resized")];
  const errors: FieldError[] = [];
  const qosClass = old.status?.qosClass ?? qosClassOf(old.spec);
  if (qosClass !== qosClassOf(pod.spec)) {
    errors.push(fieldError.invalid("spec", qosClass, "Pod QOS Class may not change as a result of resizing"));
  }
  if (!isResizable(old)) errors.push(fieldError.forbidden("spec", "Pod running on node without support for resize"));
  errors.push(
    ...podErrors(pod.spec.resources, old.spec.resources),
    ...(pod.spec.initContainers ?? []).flatMap((container, index) =>
      initErrors(container, old.spec.initContainers?.[index], `spec.initContainers[${index}]`),
    ),
    ...pod.spec.containers.flatMap((container, index) =>
      containerErrors(container, old.spec.containers[index], `spec.containers[${index}]`),
    ),
  );
  return errors;
}

function orderErrors(spec: PodSpec, old: PodSpec): FieldError[] {
  return (["containers", "initContainers"] as const).flatMap((list) => {
    const [now, before] = [spec[list] ?? [], old[list] ?? []];
    if (now.length !== before.length) {
      return [fieldError.forbidden(`spec.${list}`, `${list} may not be added or removed on resize`)];
    }
    return now.flatMap(({ name }, index) =>
      name === before[index]?.name
        ? []
        : [fieldError.forbidden(`spec.${list}[${index}].name`, `${list} may not be renamed or reordered on resize`)],
    );
  });
}

/** Nodes that can't do it don't tell what their containers have. */
function isResizable({ status }: Pod): boolean {
  const running = status?.containerStatuses?.find(({ state }) => state?.running);
  return !running || running.resources !== undefined;
}

function podErrors(now: ResourceRequirements | undefined, old: ResourceRequirements | undefined): FieldError[] {
  const at = "spec.resources";
  if (old && !now) return [fieldError.forbidden(at, "pod-level resources cannot be removed")];
  const errors = removalErrors(now, old, { field: at, what: "pod-level resource" });
  if (sameJson(fixedPart(now), fixedPart(old))) return errors;
  return [...errors, fieldError.forbidden("spec", "only cpu and memory resources are mutable at pod-level")];
}

function initErrors(container: Container, old: Container | undefined, field: string): FieldError[] {
  if (container.restartPolicy !== "Always") {
    if (sameJson(container, old)) return [];
    return [fieldError.forbidden("spec", "resources for non-sidecar init containers are immutable")];
  }
  const why = "only cpu and memory resources for sidecar containers are mutable";
  return containerErrors(container, old, field, why);
}

function containerErrors(
  container: Container,
  old: Container | undefined,
  field: string,
  why = "only cpu and memory resources are mutable",
): FieldError[] {
  const errors = removalErrors(container.resources, old?.resources, { field: `${field}.resources`, what: "resource" });
  const now = { ...container, resources: fixedPart(container.resources) };
  const before = { ...old, resources: fixedPart(old?.resources) };
  return sameJson(now, before) ? errors : [...errors, fieldError.forbidden("spec", why)];
}

function removalErrors(
  now: ResourceRequirements | undefined,
  old: ResourceRequirements | undefined,
  { field, what }: { field: string; what: string },
): FieldError[] {
  return (["requests", "limits"] as const).flatMap((list) => {
    const kept = now?.[list] ?? {};
    const removed = Object.keys(old?.[list] ?? {}).some((name) => kept[name] === undefined);
    return removed ? [fieldError.forbidden(`${field}.${list}`, `${what} ${list} cannot be removed`)] : [];
  });
}

function fixedPart(resources: ResourceRequirements | undefined): ResourceRequirements {
  const { limits, requests, ...rest } = resources ?? {};
  return { ...rest, limits: others(limits), requests: others(requests) };
}

function others(list: ResourceList | undefined): ResourceList {
  const { cpu: _cpu, memory: _memory, ...rest } = list ?? {};
  return rest;
}
