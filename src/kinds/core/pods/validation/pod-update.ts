/** What of a pod may change after its creation: ValidatePodUpdate and ValidatePodStatusUpdate of Kubernetes. */
import { fieldError, type FieldError } from "../../../../machinery/status-error.ts";
import { sameJson } from "../../../../registry/same-json.ts";
import type { StrategyContext } from "../../../../registry/strategy.ts";
import type { Container, ContainerStatus, Pod, PodSpec, Toleration } from "../types.ts";
import { validatePodResize } from "./resize.ts";

const FROZEN =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`," +
  "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)," +
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

export function validatePodUpdate(pod: Pod, old: Pod, { subresource }: StrategyContext): FieldError[] {
  if (subresource === "status") return statusErrors(pod, old);
  if (subresource === "resize") return validatePodResize(pod, old);
  if (subresource === "ephemeralcontainers") return ephemeralErrors(pod, old);
  const counts = countErrors(pod.spec, old.spec);
  if (counts.length > 0) return counts;
  const errors = [...deadlineErrors(pod.spec, old.spec), ...tolerationErrors(pod.spec, old.spec)];
  if (errors.length > 0) return errors;
  const changed = frozenChanges(pod.spec, old.spec);
  if (changed.length === 0) return [];
  return [fieldError.forbidden("spec", `${FROZEN}\n${changed.map((name) => `  spec.${name}`).join("\n")}`)];
}

/** They come, and they stay as they came. */
function ephemeralErrors({ spec }: Pod, { metadata, spec: old }: Pod): FieldError[] {
  if (metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) {
    return [fieldError.forbidden("", "static pods do not support ephemeral containers")];
  }
  const now = new Map((spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  return (old.ephemeralContainers ?? []).flatMap((container) => {
    const kept = now.get(container.name);
    if (kept && sameJson(kept, container)) return [];
    const why = `existing ephemeral containers ${JSON.stringify(container.name)} may not be ${kept ? "changed" : "removed"}\n`;
    return [fieldError.forbidden("spec.ephemeralContainers", why)];
  });
}

function countErrors(spec: PodSpec, old: PodSpec): FieldError[] {
  const lists = ["containers", "initContainers"] as const;
  return lists
    .filter((name) => (spec[name]?.length ?? 0) !== (old[name]?.length ?? 0))
    .map((name) => fieldError.forbidden(`spec.${name}`, "pod updates may not add or remove containers"));
}

function deadlineErrors(
  { activeDeadlineSeconds: now }: PodSpec,
  { activeDeadlineSeconds: before }: PodSpec,
): FieldError[] {
  const field = "spec.activeDeadlineSeconds";
  if (before === undefined || now === before) return [];
  if (now === undefined) {
    return [fieldError.invalid(field, null, "must not update from a positive integer to nil value")];
  }
  return now > before ? [fieldError.invalid(field, now, "must be less than or equal to previous value")] : [];
}

/** Additions only; of what was there only the seconds of a NoExecute toleration may change. */
function tolerationErrors({ tolerations = [] }: PodSpec, { tolerations: old = [] }: PodSpec): FieldError[] {
  const kept = new Map(tolerations.map((toleration) => [identity(toleration), toleration]));
  const broken = old.some((toleration) => {
    const now = kept.get(identity(toleration));
    return !now || (toleration.effect !== "NoExecute" && now.tolerationSeconds !== toleration.tolerationSeconds);
  });
  if (!broken) return [];
  return [
    fieldError.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"),
  ];
}

function identity({ key, operator, value, effect }: Toleration): string {
  return JSON.stringify([key, operator, value, effect]);
}

/** Names of the fields that changed although they may not. */
function frozenChanges(spec: PodSpec, old: PodSpec): string[] {
  const now = frozenPart(spec, old);
  const before = frozenPart(old, old);
  const names = new Set([...Object.keys(now), ...Object.keys(before)]);
  return [...names].filter((name) => !sameJson(now[name], before[name]));
}

function frozenPart(spec: PodSpec, old: PodSpec): Record<string, unknown> {
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, ...rest } = spec;
  const part: Record<string, unknown> = {
    ...rest,
    containers: withoutImages(spec.containers),
    initContainers: withoutImages(spec.initContainers),
  };
  const grace = spec.terminationGracePeriodSeconds;
  if (grace === 1 && (old.terminationGracePeriodSeconds ?? 0) < 0) {
    part["terminationGracePeriodSeconds"] = old.terminationGracePeriodSeconds;
  }
  if ((old.schedulingGates?.length ?? 0) === 0) return part;
  // A gated pod may still say where it wants to go, and loses its gates one by one.
  const gates = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  if ((spec.schedulingGates ?? []).every(({ name }) => gates.has(name))) delete part["schedulingGates"];
  const selector = spec.nodeSelector ?? {};
  const kept = Object.entries(old.nodeSelector ?? {}).every(([key, value]) => selector[key] === value);
  if (kept) delete part["nodeSelector"];
  return part;
}

function withoutImages(containers: readonly Container[] | undefined): unknown[] {
  return (containers ?? []).map(({ image: _image, ...rest }) => rest);
}

function statusErrors(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const nominated = pod.status?.nominatedNodeName;
  if (pod.spec.nodeName !== old.spec.nodeName) {
    errors.push(fieldError.forbidden("status.nodeName", "may not be changed directly"));
  }
  if (nominated !== undefined && nominated !== "" && /[^-a-z0-9.]/.test(nominated)) {
    errors.push(fieldError.invalid("status.nominatedNodeName", nominated, "must be a valid node name"));
  }
  const { containerStatuses, initContainerStatuses } = pod.status ?? {};
  return [
    ...errors,
    ...restartErrors(containerStatuses, old.status?.containerStatuses, {
      field: "status.containerStatuses",
      policy: pod.spec.restartPolicy,
    }),
    ...restartErrors(initContainerStatuses, old.status?.initContainerStatuses, {
      field: "status.initContainerStatuses",
      policy: pod.spec.restartPolicy === "Always" ? "OnFailure" : pod.spec.restartPolicy,
    }),
  ];
}

/** What ended for good stays ended. */
function restartErrors(
  now: readonly ContainerStatus[] | undefined,
  before: readonly ContainerStatus[] | undefined,
  { field, policy }: { field: string; policy: string | undefined },
): FieldError[] {
  if (policy === "Always") return [];
  const current = new Map((now ?? []).map((status) => [status.name, status]));
  return (before ?? []).flatMap((old, index) => {
    const ended = old.state?.terminated;
    if (!ended || (ended.exitCode !== 0 && policy === "OnFailure")) return [];
    const status = current.get(old.name);
    if (!status || status.state?.terminated) return [];
    return [fieldError.forbidden(`${field}[${index}].state`, "may not be transitioned to non-terminated state")];
  });
}
