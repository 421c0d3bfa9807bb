/** What files a ConfigMap, Secret, projected or downwardAPI volume has. Pure but for the tokens it is given. */
import type { KubeObject } from "../../src/machinery/meta.ts";
import { configMapData, secretData, type ConfigObjects } from "../pods/env.ts";
import { fieldValue, resourceValue, type DownwardContext } from "../pods/field-values.ts";
import type { DownwardItem, KeyToPath, Pod, ProjectedSource, Volume } from "../pods/pod.ts";
import type { Payload } from "./atomic-writer.ts";

/** A volume that cannot be made (yet). The text is kubelet's. */
export class VolumeError extends Error {
  override readonly name = "VolumeError";
}

export interface PayloadSources extends ConfigObjects {
  downward: DownwardContext;
  /** The token of a projection, renewed before it ends. @throws Error while there is none */
  token(request: { audience: string | undefined; expirationSeconds: number }): Promise<string>;
}

const encoder = new TextEncoder();
const DEFAULT_MODE = 0o644;
const DEFAULT_TOKEN_SECONDS = 3600;

function pick(
  data: Record<string, Uint8Array>,
  options: { items: KeyToPath[] | undefined; optional: boolean; mode: number; what: string },
): Payload {
  if (options.items === undefined || options.items.length === 0) {
    return new Map(Object.entries(data).map(([key, value]) => [key, { data: value, mode: options.mode }]));
  }
  const payload: Payload = new Map();
  for (const { key, path, mode } of options.items) {
    const value = data[key];
    if (value !== undefined) payload.set(path, { data: value, mode: mode ?? options.mode });
    else if (!options.optional) throw new VolumeError(`references non-existent ${options.what} key: ${key}`);
  }
  return payload;
}

function bytesOf(kind: "configmap" | "secret", object: KubeObject): Record<string, Uint8Array> {
  if (kind === "secret") return secretData(object);
  const binary = (object["binaryData"] ?? {}) as Record<string, string>;
  return Object.fromEntries([
    ...Object.entries(configMapData(object)).map(([key, value]) => [key, encoder.encode(value)] as const),
    ...Object.entries(binary).map(([key, value]) => [key, new Uint8Array(Buffer.from(value, "base64"))] as const),
  ]);
}

interface ObjectSource {
  kind: "configmap" | "secret";
  name: string;
  items: KeyToPath[] | undefined;
  optional: boolean;
  mode: number;
}

function objectFiles(pod: Pod, source: ObjectSource, sources: PayloadSources): Payload {
  const { namespace } = pod.metadata;
  const object =
    source.kind === "configmap" ? sources.configMap(namespace, source.name) : sources.secret(namespace, source.name);
  if (object === undefined) {
    if (source.optional) return new Map();
    throw new VolumeError(`${source.kind} "${source.name}" not found`);
  }
  const what = source.kind === "configmap" ? "config" : "secret";
  return pick(bytesOf(source.kind, object), { ...source, what });
}

function downwardFiles(pod: Pod, items: DownwardItem[] | undefined, mode: number, sources: PayloadSources): Payload {
  const payload: Payload = new Map();
  for (const item of items ?? []) {
    const text = item.fieldRef
      ? fieldValue(pod, item.fieldRef.fieldPath, sources.downward)
      : item.resourceFieldRef
        ? resourceValue(pod, item.resourceFieldRef, undefined, sources.downward)
        : "";
    payload.set(item.path, { data: encoder.encode(text), mode: item.mode ?? mode });
  }
  return payload;
}

async function projectedFiles(
  pod: Pod,
  source: ProjectedSource,
  mode: number,
  sources: PayloadSources,
): Promise<Payload> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap) {
    const { name = "", items, optional = false } = configMap;
    return objectFiles(pod, { kind: "configmap", name, items, optional, mode }, sources);
  }
  if (secret) {
    const { name = "", items, optional = false } = secret;
    return objectFiles(pod, { kind: "secret", name, items, optional, mode }, sources);
  }
  if (downwardAPI) return downwardFiles(pod, downwardAPI.items, mode, sources);
  if (serviceAccountToken) {
    const { path, audience, expirationSeconds = DEFAULT_TOKEN_SECONDS } = serviceAccountToken;
    const token = await sources.token({ audience, expirationSeconds });
    // A token is its owner's alone, unless the pod's group (fsGroup) or another user has to read it.
    const open = pod.spec.securityContext?.fsGroup !== undefined || hasUser(pod);
    return new Map([[path, { data: encoder.encode(token), mode: open ? mode : 0o600 | (mode & 0o400) }]]);
  }
  return new Map();
}

function hasUser(pod: Pod): boolean {
  const users = [pod.spec.securityContext?.runAsUser, ...pod.spec.containers.map((c) => c.securityContext?.runAsUser)];
  return users.some((user) => user !== undefined && user !== 0) || users.every((user) => user === undefined);
}

/** @returns undefined for a volume that is not made of files. @throws VolumeError */
export async function volumePayload(pod: Pod, volume: Volume, sources: PayloadSources): Promise<Payload | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) {
    const { name = "", items, optional = false, defaultMode: mode = DEFAULT_MODE } = configMap;
    return objectFiles(pod, { kind: "configmap", name, items, optional, mode }, sources);
  }
  if (secret) {
    const { secretName: name = "", items, optional = false, defaultMode: mode = DEFAULT_MODE } = secret;
    return objectFiles(pod, { kind: "secret", name, items, optional, mode }, sources);
  }
  if (downwardAPI) return downwardFiles(pod, downwardAPI.items, downwardAPI.defaultMode ?? DEFAULT_MODE, sources);
  if (!projected) return undefined;
  const payload: Payload = new Map();
  for (const source of projected.sources ?? []) {
    const files = await projectedFiles(pod, source, projected.defaultMode ?? DEFAULT_MODE, sources);
    for (const [path, file] of files) payload.set(path, file);
  }
  return payload;
}

function add(set: Set<string>, name: string | undefined): void {
  if (name) set.add(name);
}

/** Names of the ConfigMaps and Secrets a pod reads: what the node has to hold for it. */
export function referencesOf(pod: Pod): { secrets: Set<string>; configMaps: Set<string> } {
  const secrets = new Set<string>();
  const configMaps = new Set<string>();
  for (const volume of pod.spec.volumes ?? []) {
    add(configMaps, volume.configMap?.name);
    add(secrets, volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      add(configMaps, source.configMap?.name);
      add(secrets, source.secret?.name);
    }
  }
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    for (const source of container.envFrom ?? []) {
      add(configMaps, source.configMapRef?.name);
      add(secrets, source.secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add(configMaps, valueFrom?.configMapKeyRef?.name);
      add(secrets, valueFrom?.secretKeyRef?.name);
    }
  }
  for (const { name } of pod.spec.imagePullSecrets ?? []) add(secrets, name);
  return { secrets, configMaps };
}
