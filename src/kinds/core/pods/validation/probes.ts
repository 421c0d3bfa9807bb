/** Probes and lifecycle hooks. */
import { httpHeaderNameFaults, portNameFaults, portNumberFaults } from "../../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../../machinery/status-error.ts";
import { invalidFor, validateNonnegative, validateOneOf } from "../../../../machinery/validation.ts";
import type { Container, HttpGetAction, IntOrString, LifecycleHandler, Probe } from "../types.ts";

export function validateProbes(container: Container, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  errors.push(...validateProbe(livenessProbe, `${field}.livenessProbe`, { once: true }));
  errors.push(...validateProbe(readinessProbe, `${field}.readinessProbe`, { once: false }));
  if (readinessProbe?.terminationGracePeriodSeconds !== undefined) {
    const at = `${field}.readinessProbe.terminationGracePeriodSeconds`;
    errors.push(
      fieldError.invalid(at, readinessProbe.terminationGracePeriodSeconds, "must not be set for readinessProbes"),
    );
  }
  errors.push(...validateProbe(startupProbe, `${field}.startupProbe`, { once: true }));
  for (const name of ["postStart", "preStop"] as const) {
    const handler = lifecycle?.[name];
    if (handler) errors.push(...validateHandler(handler, `${field}.lifecycle.${name}`));
  }
  return errors;
}

function validateProbe(probe: Probe | undefined, field: string, { once }: { once: boolean }): FieldError[] {
  if (!probe) return [];
  const errors = validateHandler(probe, field);
  const numbers = [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ] as const;
  for (const name of numbers) errors.push(...validateNonnegative(probe[name], `${field}.${name}`));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.push(fieldError.invalid(`${field}.terminationGracePeriodSeconds`, grace, "must be greater than 0"));
  }
  if (once && probe.successThreshold !== undefined && probe.successThreshold !== 1) {
    errors.push(fieldError.invalid(`${field}.successThreshold`, probe.successThreshold, "must be 1"));
  }
  return errors;
}

function validateHandler(handler: LifecycleHandler & Probe, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let count = 0;
  const check = (name: string, errorsOf: () => FieldError[]) => {
    count += 1;
    if (count > 1) errors.push(fieldError.forbidden(`${field}.${name}`, "may not specify more than 1 handler type"));
    else errors.push(...errorsOf());
  };
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  if (exec) check("exec", () => (exec.command?.length ? [] : [fieldError.required(`${field}.exec.command`)]));
  if (httpGet) check("httpGet", () => validateHttpGet(httpGet, `${field}.httpGet`));
  if (tcpSocket) check("tcpSocket", () => validatePort(tcpSocket.port, `${field}.tcpSocket.port`));
  if (grpc) check("grpc", () => invalidFor(`${field}.grpc.port`, grpc.port, portNumberFaults(grpc.port)));
  if (sleep) check("sleep", () => validateNonnegative(sleep.seconds, `${field}.sleep.seconds`));
  if (count === 0) errors.push(fieldError.required(field, "must specify a handler type"));
  return errors;
}

function validateHttpGet({ path, port, scheme, httpHeaders }: HttpGetAction, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!path) errors.push(fieldError.required(`${field}.path`));
  errors.push(...validatePort(port, `${field}.port`));
  errors.push(...validateOneOf(scheme, `${field}.scheme`, ["HTTP", "HTTPS"]));
  for (const { name } of httpHeaders ?? []) {
    errors.push(...invalidFor(`${field}.httpHeaders`, name, httpHeaderNameFaults(name)));
  }
  return errors;
}

export function validatePort(port: IntOrString, field: string): FieldError[] {
  return invalidFor(field, port, typeof port === "number" ? portNumberFaults(port) : portNameFaults(port));
}
