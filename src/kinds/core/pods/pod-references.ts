/** Which Secrets and ConfigMaps a pod needs on its node. The same set decides what the node may read. */
import type { KubeObject } from "../../../machinery/meta.ts";

interface LocalRef {
  name?: string;
}
interface VolumeSource {
  secret?: LocalRef & { secretName?: string };
  configMap?: LocalRef;
}
interface ContainerRefs {
  env?: { valueFrom?: { secretKeyRef?: LocalRef; configMapKeyRef?: LocalRef } }[];
  envFrom?: { secretRef?: LocalRef; configMapRef?: LocalRef }[];
}
interface PodSpecRefs {
  containers?: ContainerRefs[];
  initContainers?: ContainerRefs[];
  ephemeralContainers?: ContainerRefs[];
  imagePullSecrets?: LocalRef[];
  volumes?: (VolumeSource & { projected?: { sources?: VolumeSource[] } })[];
}

export interface PodReferences {
  secrets: Set<string>;
  configMaps: Set<string>;
}

/** Names within the pod's namespace. */
export function podReferences(pod: KubeObject): PodReferences {
  const spec = (pod.spec ?? {}) as PodSpecRefs;
  const secrets: (string | undefined)[] = (spec.imagePullSecrets ?? []).map((ref) => ref.name);
  const configMaps: (string | undefined)[] = [];
  for (const volume of spec.volumes ?? []) {
    for (const source of [volume, ...(volume.projected?.sources ?? [])]) {
      secrets.push(source.secret?.secretName ?? source.secret?.name);
      configMaps.push(source.configMap?.name);
    }
  }
  const containers = [spec.containers, spec.initContainers, spec.ephemeralContainers].flatMap((list) => list ?? []);
  for (const { env = [], envFrom = [] } of containers) {
    for (const { valueFrom } of env) {
      secrets.push(valueFrom?.secretKeyRef?.name);
      configMaps.push(valueFrom?.configMapKeyRef?.name);
    }
    for (const source of envFrom) {
      secrets.push(source.secretRef?.name);
      configMaps.push(source.configMapRef?.name);
    }
  }
  return { secrets: named(secrets), configMaps: named(configMaps) };
}

function named(names: readonly (string | undefined)[]): Set<string> {
  return new Set(names.flatMap((name) => (name === undefined || name === "" ? [] : [name])));
}
