/**
 * Validation of pods and pod templates: pkg/apis/core/validation of Kubernetes, its texts included. Left out are volume types and
 * options that Gantry does not read; their types are checked by the schema all the same.
 */
import { dnsLabelFaults, dnsSubdomainFaults, qualifiedNameFaults } from "../../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../../machinery/status-error.ts";
import { invalidFor, ipFaults, validateNonnegative, validateOneOf } from "../../../../machinery/validation.ts";
import { validateAnnotations, validateLabels } from "../../../../machinery/validate-meta.ts";
import type { Pod, PodSpec, PodTemplateSpec } from "../types.ts";
import { idErrors, validateContainers } from "./containers.ts";
import { validateScheduling } from "./scheduling.ts";
import { validateVolumes } from "./volumes.ts";

const DNS_POLICIES = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const RESTART_POLICIES = ["Always", "OnFailure", "Never"];
const SECONDS_MAX = 2 ** 31 - 1;
const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;

export function validatePod(pod: Pod): FieldError[] {
  return validatePodSpec(pod.spec, "spec");
}

/** What only a pod that is already there may have. */
export function validateNewPod({ spec }: Pod): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.ephemeralContainers?.length) {
    errors.push(fieldError.forbidden("spec.ephemeralContainers", "cannot be set on create"));
  }
  if (spec.nodeName && spec.schedulingGates?.length) {
    errors.push(fieldError.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  }
  return errors;
}

export function validatePodTemplate(template: PodTemplateSpec | undefined, field: string): FieldError[] {
  if (!template) return [fieldError.required(field)];
  const errors = [
    ...validateLabels(template.metadata?.labels, `${field}.labels`),
    ...validateAnnotations(template.metadata?.annotations, `${field}.annotations`),
    ...validatePodSpec(template.spec, `${field}.spec`),
  ];
  if (!template.spec.ephemeralContainers?.length) return errors;
  const why = "ephemeral containers not allowed in pod template";
  return [...errors, fieldError.forbidden(`${field}.spec.ephemeralContainers`, why)];
}

/** Of pods that run for good. `kind` as messages write it: "ReplicaSet". */
export function validateLastingTemplate(template: PodTemplateSpec, field: string, kind: string): FieldError[] {
  const errors = validatePodTemplate(template, field);
  const { restartPolicy, activeDeadlineSeconds } = template.spec;
  if (restartPolicy !== "Always") {
    errors.push(fieldError.notSupported(`${field}.spec.restartPolicy`, restartPolicy, ["Always"]));
  }
  if (activeDeadlineSeconds !== undefined) {
    const why = `activeDeadlineSeconds in ${kind} is not Supported`;
    errors.push(fieldError.forbidden(`${field}.spec.activeDeadlineSeconds`, why));
  }
  return errors;
}

export function validatePodSpec(spec: PodSpec, field: string): FieldError[] {
  return [
    ...validateVolumes(spec.volumes ?? [], `${field}.volumes`),
    ...validateContainers(spec, field),
    ...validateOneOf(spec.restartPolicy, `${field}.restartPolicy`, RESTART_POLICIES),
    ...validateOneOf(spec.dnsPolicy, `${field}.dnsPolicy`, DNS_POLICIES),
    ...validateScheduling(spec, field),
    ...nameErrors(spec, field),
    ...dnsErrors(spec, field),
    ...securityErrors(spec, field),
    ...secondsErrors(spec, field),
    ...listErrors(spec, field),
  ];
}

function nameErrors(spec: PodSpec, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const subdomains = ["nodeName", "serviceAccountName", "priorityClassName", "runtimeClassName"] as const;
  for (const name of subdomains) {
    const value = spec[name];
    if (value) errors.push(...invalidFor(`${field}.${name}`, value, dnsSubdomainFaults(value)));
  }
  for (const name of ["hostname", "subdomain"] as const) {
    const value = spec[name];
    if (value) errors.push(...invalidFor(`${field}.${name}`, value, dnsLabelFaults(value)));
  }
  return errors;
}

function dnsErrors({ dnsPolicy, dnsConfig }: PodSpec, field: string): FieldError[] {
  const at = `${field}.dnsConfig`;
  const nameservers = dnsConfig?.nameservers ?? [];
  const searches = dnsConfig?.searches ?? [];
  const errors: FieldError[] = [];
  if (dnsPolicy === "None" && !dnsConfig) {
    return [fieldError.required(at, "must provide `dnsConfig` when `dnsPolicy` is None")];
  }
  if (dnsPolicy === "None" && nameservers.length === 0) {
    errors.push(
      fieldError.required(`${at}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None"),
    );
  }
  if (nameservers.length > NAMESERVERS_MAX) {
    errors.push(
      fieldError.invalid(`${at}.nameservers`, nameservers, `must not have more than ${NAMESERVERS_MAX} nameservers`),
    );
  }
  nameservers.forEach((server, index) => {
    errors.push(...invalidFor(`${at}.nameservers[${index}]`, server, ipFaults(server)));
  });
  if (searches.length > SEARCHES_MAX) {
    errors.push(fieldError.invalid(`${at}.searches`, searches, `must not have more than ${SEARCHES_MAX} search paths`));
  }
  (dnsConfig?.options ?? []).forEach(({ name }, index) => {
    if (!name) errors.push(fieldError.required(`${at}.options[${index}]`, "must not be empty"));
  });
  return errors;
}

function securityErrors({ securityContext, shareProcessNamespace, hostPID }: PodSpec, field: string): FieldError[] {
  const at = `${field}.securityContext`;
  const errors: FieldError[] = [];
  for (const name of ["runAsUser", "runAsGroup", "fsGroup"] as const) {
    errors.push(...idErrors(securityContext?.[name], `${at}.${name}`));
  }
  (securityContext?.supplementalGroups ?? []).forEach((group, index) => {
    errors.push(...idErrors(group, `${at}.supplementalGroups[${index}]`));
  });
  if (shareProcessNamespace && hostPID) {
    const why = "ShareProcessNamespace and HostPID cannot both be enabled";
    errors.push(fieldError.invalid(`${field}.shareProcessNamespace`, true, why));
  }
  return errors;
}

function secondsErrors(
  { activeDeadlineSeconds: deadline, terminationGracePeriodSeconds: grace }: PodSpec,
  field: string,
): FieldError[] {
  const errors = validateNonnegative(grace, `${field}.terminationGracePeriodSeconds`);
  if (deadline !== undefined && (deadline < 1 || deadline > SECONDS_MAX)) {
    const why = `must be between 1 and ${SECONDS_MAX}, inclusive`;
    errors.push(fieldError.invalid(`${field}.activeDeadlineSeconds`, deadline, why));
  }
  return errors;
}

function listErrors(spec: PodSpec, field: string): FieldError[] {
  const errors: FieldError[] = [];
  (spec.imagePullSecrets ?? []).forEach(({ name }, index) => {
    if (name) return;
    const why = "must not be empty";
    errors.push(fieldError.required(`${field}.imagePullSecrets[${index}].name`, why));
  });
  (spec.hostAliases ?? []).forEach(({ ip, hostnames = [] }, index) => {
    errors.push(...invalidFor(`${field}.hostAliases[${index}].ip`, ip, ipFaults(ip)));
    hostnames.forEach((name, at) => {
      errors.push(...invalidFor(`${field}.hostAliases[${index}].hostnames[${at}]`, name, dnsSubdomainFaults(name)));
    });
  });
  (spec.readinessGates ?? []).forEach(({ conditionType }, index) => {
    errors.push(
      ...invalidFor(
        `${field}.readinessGates[${index}].conditionType`,
        conditionType,
        qualifiedNameFaults(conditionType),
      ),
    );
  });
  const gates = new Set<string>();
  (spec.schedulingGates ?? []).forEach(({ name }, index) => {
    errors.push(...invalidFor(`${field}.schedulingGates[${index}]`, name, qualifiedNameFaults(name)));
    if (gates.has(name)) errors.push(fieldError.duplicate(`${field}.schedulingGates[${index}]`, name));
    gates.add(name);
  });
  return errors;
}
