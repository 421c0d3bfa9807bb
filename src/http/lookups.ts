/** Reads that authentication, authorization and admission make beside the request's own. */
import type { Found, ReadMany } from "../admission/namespace-rules.ts";
import type { ListPods } from "../admission/pod-security/existing-pods.ts";
import type { ObjectLookup } from "../authn/service-account.ts";
import type { NodeReferences, NodeReferencesOf } from "../authz/node.ts";
import type { Pod } from "../kinds/core/pods/types.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { podReferences } from "../kinds/core/pods/pod-references.ts";
import type { StorageReader, StoredObject } from "../storage/storage.ts";

export function createObjectLookup(storage: StorageReader): ObjectLookup {
  return async (at) => {
    const { object } = await storage.get(at);
    if (!object) return undefined;
    const parsed = JSON.parse(object.value) as KubeObject;
    parsed.metadata.resourceVersion = String(object.revision);
    return parsed;
  };
}

/** Parses each version of an object once as long as its row is kept: where reads come from memory that is as long as it lives. */
export function createReadMany(storage: StorageReader): ReadMany {
  const parsed = new WeakMap<StoredObject, Found>();
  return async (names, wholes) => (await storage.getMany(names, wholes)).map(found);

  function found(row: StoredObject): Found {
    const known = parsed.get(row);
    if (known) return known;
    const { resource, namespace, name } = row;
    const object = JSON.parse(row.value) as KubeObject;
    object.metadata.resourceVersion = String(row.revision);
    const one = { resource, namespace, name, object };
    parsed.set(row, one);
    return one;
  }
}

export function createPodList(storage: StorageReader): ListPods {
  return async ({ namespace, limit }) => {
    const { objects, remaining = 0 } = await storage.list({ resource: "pods", namespace, limit });
    return { pods: objects.map(({ value }) => JSON.parse(value) as Pod), total: objects.length + remaining };
  };
}

/** All objects of a resource of which there are few ("priorityclasses.scheduling.k8s.io"). */
export function createClassList<T extends KubeObject>(storage: StorageReader, resource: string): () => Promise<T[]> {
  return async () => {
    const { objects } = await storage.list({ resource });
    return objects.map(({ value }) => JSON.parse(value) as T);
  };
}

interface PodParts extends KubeObject {
  spec?: {
    serviceAccountName?: string;
    volumes?: { persistentVolumeClaim?: { claimName?: string } }[];
  };
}

/** Nodes whose answers are remembered. */
const REMEMBERED_MAX = 1_024;

export interface NodeReferencesMemory {
  of: NodeReferencesOf;
  /** What was read of a node's pods for another reason: it answers for `knownPod` until somebody asks for all. */
  learn: (nodeName: string, pods: readonly KubeObject[]) => void;
}

/**
 * Always of the newest revision, so that a pod bound a moment ago counts; remembered while nothing is written, because a sync asks
 * once for each Secret and ConfigMap.
 */
export function createNodeReferences(storage: StorageReader): NodeReferencesMemory {
  const remembered = new Map<string, { revision: number; references: NodeReferences }>();

  function remember(nodeName: string, of: { revision: number; references: NodeReferences }): void {
    const [oldest] = remembered.keys();
    if (remembered.size >= REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
    remembered.set(nodeName, of);
  }

  const referencesNow: NodeReferencesOf = async (nodeName, { knownPod } = {}) => {
    const known = remembered.get(nodeName);
    if (known && knownPod !== undefined && known.references.pods.has(knownPod)) return known.references;
    if (known && known.revision === (await storage.revision())) return known.references;
    const selector = { labels: [], fields: [{ field: "spec.nodeName", operator: "=" as const, value: nodeName }] };
    const { objects, revision } = await storage.list({ resource: "pods", selector });
    const references = referencesOf(objects.map(podOfRow));
    remember(nodeName, { revision, references });
    return references;
  };
  return {
    of: referencesNow,
    // Of no revision that there is: whoever needs to know exactly reads.
    learn: (nodeName, pods) => remember(nodeName, { revision: -1, references: referencesOf(pods) }),
  };
}

function podOfRow({ namespace, name, value }: StoredObject): KubeObject {
  const pod = JSON.parse(value) as KubeObject;
  return { ...pod, metadata: { ...pod.metadata, namespace, name } };
}

function referencesOf(pods: readonly PodParts[]): NodeReferences {
  const found = {
    pods: new Set<string>(),
    secrets: new Set<string>(),
    configMaps: new Set<string>(),
    serviceAccounts: new Set<string>(),
    persistentVolumeClaims: new Set<string>(),
  };
  for (const pod of pods) {
    const { namespace = "", name = "" } = pod.metadata;
    const { secrets, configMaps } = podReferences(pod);
    found.pods.add(`${namespace}/${name}`);
    for (const secret of secrets) found.secrets.add(`${namespace}/${secret}`);
    for (const configMap of configMaps) found.configMaps.add(`${namespace}/${configMap}`);
    const account = pod.spec?.serviceAccountName;
    if (account) found.serviceAccounts.add(`${namespace}/${account}`);
    for (const { persistentVolumeClaim } of pod.spec?.volumes ?? []) {
      const claim = persistentVolumeClaim?.claimName;
      if (claim) found.persistentVolumeClaims.add(`${namespace}/${claim}`);
    }
  }
  return found;
}
