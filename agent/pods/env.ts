/** The environment of a container, in kubelet's order: envFrom, env, then the variables of services that nothing overrode. */
import type { KubeObject } from "../../src/machinery/meta.ts";
import { fieldValue, resourceValue, type DownwardContext } from "./field-values.ts";
import type { Container, EnvVar, KeyRef, Pod } from "./pod.ts";

/** Why a container cannot be configured; the text goes into its status as CreateContainerConfigError. */
export class ContainerConfigError extends Error {
  override readonly name = "ContainerConfigError";
}

export interface ConfigObjects {
  configMap: (namespace: string, name: string) => KubeObject | undefined;
  secret: (namespace: string, name: string) => KubeObject | undefined;
}

export interface EnvSources extends ConfigObjects {
  /** Services of the pod's namespace, and `kubernetes` of "default". */
  services: readonly KubeObject[];
  kubernetesServiceIp: string;
  downward: DownwardContext;
}

const decoder = new TextDecoder();

/** The text values of a ConfigMap. */
export function configMapData(object: KubeObject): Record<string, string> {
  return (object["data"] ?? {}) as Record<string, string>;
}

export function secretData(object: KubeObject): Record<string, Uint8Array> {
  const data = (object["data"] ?? {}) as Record<string, string>;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64")]));
}

/** Replaces $(NAME) by what `lookup` knows; $$ is a dollar sign; an unknown name stays as written. */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  let result = "";
  for (let i = 0; i < text.length; i++) {
    const next = text[i + 1];
    if (text[i] !== "$" || next === undefined) {
      result += text[i];
    } else if (next === "$") {
      result += "$";
      i++;
    } else if (next === "(") {
      const end = text.indexOf(")", i + 2);
      if (end < 0) return result + text.slice(i);
      const name = text.slice(i + 2, end);
      result += lookup(name) ?? `$(${name})`;
      i = end;
    } else {
      result += "$";
    }
  }
  return result;
}

interface ServicePort {
  name?: string;
  port: number;
  protocol?: string;
}

function serviceVariables(name: string, ip: string, ports: readonly ServicePort[]): [string, string][] {
  const first = ports[0];
  if (first === undefined) return [];
  const prefix = name.toUpperCase().replaceAll("-", "_");
  const host = ip.includes(":") ? `[${ip}]` : ip;
  const result: [string, string][] = [
    [`${prefix}_SERVICE_HOST`, ip],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
  ];
  for (const { name: portName, port } of ports) {
    if (portName) result.push([`${prefix}_SERVICE_PORT_${portName.toUpperCase().replaceAll("-", "_")}`, String(port)]);
  }
  for (const [index, { port, protocol = "TCP" }] of ports.entries()) {
    const lower = protocol.toLowerCase();
    const url = `${lower}://${host}:${port}`;
    const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
    if (index === 0) result.push([`${prefix}_PORT`, url]);
    result.push([link, url], [`${link}_PROTO`, lower], [`${link}_PORT`, String(port)], [`${link}_ADDR`, ip]);
  }
  return result;
}

/** Variables as Docker links made them; services without a ClusterIP have none. */
function serviceEnvironment(pod: Pod, sources: EnvSources): Map<string, string> {
  const result = new Map(
    serviceVariables("kubernetes", sources.kubernetesServiceIp, [{ name: "https", port: 443, protocol: "TCP" }]),
  );
  for (const service of sources.services) {
    const spec = service["spec"] as { clusterIP?: string; ports?: ServicePort[] } | undefined;
    const { name = "", namespace } = service.metadata;
    const master = namespace === "default" && name === "kubernetes";
    if (!master && (namespace !== pod.metadata.namespace || pod.spec.enableServiceLinks === false)) continue;
    if (!spec?.clusterIP || spec.clusterIP === "None") continue;
    for (const [key, value] of serviceVariables(name, spec.clusterIP, spec.ports ?? [])) result.set(key, value);
  }
  return result;
}

/** kubelet's texts, which people search for. */
function keyValue(kind: "ConfigMap" | "Secret", ref: KeyRef, pod: Pod, sources: ConfigObjects): string | undefined {
  const { namespace } = pod.metadata;
  const name = ref.name ?? "";
  const object = kind === "ConfigMap" ? sources.configMap(namespace, name) : sources.secret(namespace, name);
  if (object === undefined) {
    if (ref.optional === true) return undefined;
    throw new ContainerConfigError(`${kind.toLowerCase()} "${name}" not found`);
  }
  const text = kind === "ConfigMap" ? configMapData(object)[ref.key] : secretData(object)[ref.key];
  if (text === undefined) {
    if (ref.optional === true) return undefined;
    throw new ContainerConfigError(`couldn't find key ${ref.key} in ${kind} ${namespace}/${name}`);
  }
  return typeof text === "string" ? text : decoder.decode(text);
}

function resolve(
  variable: EnvVar,
  at: { pod: Pod; container: Container; sources: EnvSources; lookup: (name: string) => string | undefined },
): string | undefined {
  const { pod, container, sources, lookup } = at;
  const from = variable.valueFrom;
  if (variable.value !== undefined && variable.value !== "") return expand(variable.value, lookup);
  if (from?.fieldRef) return fieldValue(pod, from.fieldRef.fieldPath, sources.downward);
  if (from?.resourceFieldRef) return resourceValue(pod, from.resourceFieldRef, container.name, sources.downward);
  if (from?.configMapKeyRef) return keyValue("ConfigMap", from.configMapKeyRef, pod, sources);
  if (from?.secretKeyRef) return keyValue("Secret", from.secretKeyRef, pod, sources);
  return "";
}

/** @throws ContainerConfigError */
export function buildEnvironment(
  pod: Pod,
  container: Container,
  sources: EnvSources,
): { name: string; value: string }[] {
  const services = serviceEnvironment(pod, sources);
  const values = new Map<string, string>();
  const { namespace } = pod.metadata;
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const ref = configMapRef ?? secretRef;
    const name = ref?.name ?? "";
    const object = configMapRef ? sources.configMap(namespace, name) : sources.secret(namespace, name);
    if (object === undefined) {
      if (ref === undefined || ref.optional === true) continue;
      throw new ContainerConfigError(`${configMapRef ? "configmap" : "secret"} "${name}" not found`);
    }
    const entries = configMapRef
      ? Object.entries(configMapData(object))
      : Object.entries(secretData(object)).map(([k, v]) => [k, decoder.decode(v)] as const);
    for (const [key, value] of entries) if (!key.includes("=")) values.set(prefix + key, value);
  }
  const lookup = (name: string) => values.get(name) ?? services.get(name);
  for (const variable of container.env ?? []) {
    const value = resolve(variable, { pod, container, sources, lookup });
    if (value === undefined) continue;
    // Re-inserted, so that a variable that overrides one of envFrom stands where env has it.
    values.delete(variable.name);
    values.set(variable.name, value);
  }
  for (const [name, value] of services) if (!values.has(name)) values.set(name, value);
  return [...values].map(([name, value]) => ({ name, value }));
}
