/** Containers of a pod: names, images, ports, environment. */
import { dnsLabelFaults, envVarNameFaults, portNameFaults, portNumberFaults } from "../../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../../machinery/status-error.ts";
import { invalidFor, ipFaults, notFoundError, validateOneOf } from "../../../../machinery/validation.ts";
import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  EnvFromSource,
  EnvVar,
  PodSpec,
  SecurityContext,
  Volume,
} from "../types.ts";
import { validateProbes } from "./probes.ts";
import { validateResources } from "./resources.ts";
import { fieldRefErrors, keyRefErrors, validateVolumeMounts } from "./volumes.ts";

const PULL_POLICIES = ["Always", "IfNotPresent", "Never"];
const MESSAGE_POLICIES = ["File", "FallbackToLogsOnError"];
export const PROTOCOLS = ["SCTP", "TCP", "UDP"];
const ENV_FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

export function validateContainers(spec: PodSpec, field: string): FieldError[] {
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  const names = new Set<string>();
  const containers = spec.containers ?? [];
  const errors: FieldError[] = [];
  if (containers.length === 0) errors.push(fieldError.required(`${field}.containers`));
  containers.forEach((container, index) => {
    const at = `${field}.containers[${index}]`;
    errors.push(...containerErrors(container, { volumes, names, hostNetwork: spec.hostNetwork === true, at }));
    errors.push(...validateProbes(container, at));
  });
  (spec.initContainers ?? []).forEach((container, index) => {
    const at = `${field}.initContainers[${index}]`;
    errors.push(...containerErrors(container, { volumes, names, hostNetwork: spec.hostNetwork === true, at }));
    errors.push(...initErrors(container, at));
  });
  const targets = new Set(names);
  (spec.ephemeralContainers ?? []).forEach((container, index) => {
    const at = `${field}.ephemeralContainers[${index}]`;
    errors.push(...containerErrors(container, { volumes, names, hostNetwork: spec.hostNetwork === true, at }));
    errors.push(...ephemeralErrors(container, targets, at));
  });
  return [...errors, ...hostPortErrors(containers, `${field}.containers`)];
}

/** What a container that comes and goes can't be relied on for. */
const NOT_EPHEMERAL = [
  "ports",
  "resources",
  "resizePolicy",
  "restartPolicy",
  "restartPolicyRules",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
] as const;

function ephemeralErrors(container: EphemeralContainer, targets: ReadonlySet<string>, field: string): FieldError[] {
  const { targetContainerName: target, volumeMounts = [] } = container;
  const why = "cannot be set for an Ephemeral Container";
  const errors = target && !targets.has(target) ? [notFoundError(`${field}.targetContainerName`, target)] : [];
  for (const name of NOT_EPHEMERAL) {
    const value = container[name];
    const isEmpty = value === undefined || Object.keys(Object(value) as object).length === 0;
    if (!isEmpty) errors.push(fieldError.forbidden(`${field}.${name}`, why));
  }
  volumeMounts.forEach((mount, index) => {
    for (const name of ["subPath", "subPathExpr"] as const) {
      if (mount[name]) errors.push(fieldError.forbidden(`${field}.volumeMounts[${index}].${name}`, why));
    }
  });
  return errors;
}

function initErrors(container: Container, field: string): FieldError[] {
  const { restartPolicy } = container;
  const errors: FieldError[] = [];
  if (restartPolicy === "Always") return validateProbes(container, field);
  if (restartPolicy !== undefined && !["Never", "OnFailure"].includes(restartPolicy)) {
    errors.push(fieldError.notSupported(`${field}.restartPolicy`, restartPolicy, ["Always"]));
  }
  const unsupported = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const;
  for (const name of unsupported) {
    if (container[name] === undefined) continue;
    const why = "may not be set for init containers without restartPolicy=Always";
    errors.push(fieldError.forbidden(`${field}.${name}`, why));
  }
  return errors;
}

interface Around {
  volumes: ReadonlyMap<string, Volume>;
  names: Set<string>;
  hostNetwork: boolean;
  at: string;
}

function containerErrors(container: Container, { volumes, names, hostNetwork, at }: Around): FieldError[] {
  const { name, image } = container;
  const errors: FieldError[] = [];
  if (!name) errors.push(fieldError.required(`${at}.name`));
  else errors.push(...invalidFor(`${at}.name`, name, dnsLabelFaults(name)));
  if (name && names.has(name)) errors.push(fieldError.duplicate(`${at}.name`, name));
  names.add(name);
  if (!image) {
    errors.push(fieldError.required(`${at}.image`));
  } else if (image !== image.trim()) {
    errors.push(fieldError.invalid(`${at}.image`, image, "must not have leading or trailing whitespace"));
  }
  errors.push(
    ...validateOneOf(container.terminationMessagePolicy, `${at}.terminationMessagePolicy`, MESSAGE_POLICIES),
    ...portsErrors(container.ports ?? [], { hostNetwork, at: `${at}.ports` }),
    ...(container.env ?? []).flatMap((variable, index) => envErrors(variable, `${at}.env[${index}]`)),
    ...(container.envFrom ?? []).flatMap((source, index) => envFromErrors(source, `${at}.envFrom[${index}]`)),
    ...validateVolumeMounts(container, volumes, `${at}.volumeMounts`),
    ...validateOneOf(container.imagePullPolicy, `${at}.imagePullPolicy`, PULL_POLICIES),
    ...validateResources(container.resources, `${at}.resources`),
    ...securityErrors(container.securityContext, `${at}.securityContext`),
  );
  return errors;
}

function portsErrors(
  ports: readonly ContainerPort[],
  { hostNetwork, at }: { hostNetwork: boolean; at: string },
): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap(({ name, containerPort, hostPort, hostIP, protocol }, index) => {
    const field = `${at}[${index}]`;
    const errors: FieldError[] = [];
    if (name) {
      const faults = portNameFaults(name);
      errors.push(...invalidFor(`${field}.name`, name, faults));
      if (faults.length === 0 && names.has(name)) errors.push(fieldError.duplicate(`${field}.name`, name));
      names.add(name);
    }
    if (!containerPort) errors.push(fieldError.required(`${field}.containerPort`));
    else errors.push(...invalidFor(`${field}.containerPort`, containerPort, portNumberFaults(containerPort)));
    if (hostPort) errors.push(...invalidFor(`${field}.hostPort`, hostPort, portNumberFaults(hostPort)));
    if (hostNetwork && hostPort !== containerPort) {
      const why = "must match `containerPort` when `hostNetwork` is true";
      errors.push(fieldError.invalid(`${field}.hostPort`, hostPort ?? 0, why));
    }
    if (hostIP) errors.push(...invalidFor(`${field}.hostIP`, hostIP, ipFaults(hostIP)));
    return [...errors, ...validateOneOf(protocol, `${field}.protocol`, PROTOCOLS)];
  });
}

/** Two containers of one pod can't have the same port of the host. */
function hostPortErrors(containers: readonly Container[], field: string): FieldError[] {
  const taken = new Set<string>();
  const errors: FieldError[] = [];
  containers.forEach(({ ports = [] }, at) => {
    ports.forEach(({ hostPort, hostIP = "", protocol = "TCP" }, index) => {
      if (!hostPort) return;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) errors.push(fieldError.duplicate(`${field}[${at}].ports[${index}].hostPort`, key));
      taken.add(key);
    });
  });
  return errors;
}

function envErrors({ name, value, valueFrom }: EnvVar, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!name) errors.push(fieldError.required(`${field}.name`));
  else errors.push(...invalidFor(`${field}.name`, name, envVarNameFaults(name)));
  if (!valueFrom) return errors;
  const at = `${field}.valueFrom`;
  const sources = Object.values(valueFrom).filter((source) => source !== undefined).length;
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef) errors.push(...fieldRefErrors(fieldRef, `${at}.fieldRef`, ENV_FIELDS));
  if (resourceFieldRef && !resourceFieldRef.resource) {
    errors.push(fieldError.required(`${at}.resourceFieldRef.resource`));
  }
  if (configMapKeyRef) errors.push(...keyRefErrors(configMapKeyRef, `${at}.configMapKeyRef`));
  if (secretKeyRef) errors.push(...keyRefErrors(secretKeyRef, `${at}.secretKeyRef`));
  if (sources === 0) {
    const why =
      "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
    errors.push(fieldError.invalid(at, "", why));
  } else if (value) {
    errors.push(fieldError.invalid(at, "", "may not be specified when `value` is not empty"));
  } else if (sources > 1) {
    errors.push(fieldError.invalid(at, "", "may not have more than one field specified at a time"));
  }
  return errors;
}

function envFromErrors({ prefix, configMapRef, secretRef }: EnvFromSource, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (prefix) errors.push(...invalidFor(`${field}.prefix`, prefix, envVarNameFaults(prefix)));
  if (configMapRef && !configMapRef.name) errors.push(fieldError.required(`${field}.configMapRef.name`));
  if (secretRef && !secretRef.name) errors.push(fieldError.required(`${field}.secretRef.name`));
  if (!configMapRef && !secretRef) {
    errors.push(fieldError.invalid(field, "", "must specify one of: `configMapRef` or `secretRef`"));
  } else if (configMapRef && secretRef) {
    errors.push(fieldError.invalid(field, "", "may not have more than one field specified at a time"));
  }
  return errors;
}

const ID_MAX = 2 ** 31 - 1;

export function idErrors(id: number | undefined, field: string): FieldError[] {
  return id === undefined || (id >= 0 && id <= ID_MAX)
    ? []
    : [fieldError.invalid(field, id, `must be between 0 and ${ID_MAX}, inclusive`)];
}

function securityErrors(context: SecurityContext | undefined, field: string): FieldError[] {
  if (!context) return [];
  const errors = [
    ...idErrors(context.runAsUser, `${field}.runAsUser`),
    ...idErrors(context.runAsGroup, `${field}.runAsGroup`),
  ];
  if (context.allowPrivilegeEscalation !== false) return errors;
  if (context.privileged) {
    const why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
    errors.push(fieldError.invalid(field, context, why));
  }
  if (context.capabilities?.add?.some((capability) => capability === "CAP_SYS_ADMIN" || capability === "SYS_ADMIN")) {
    const why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
    errors.push(fieldError.invalid(field, context, why));
  }
  return errors;
}
