/** The cluster as the scheduler sees it: nodes and what is on them, kept up to date by changes, with what it has just decided. */
import type { NodeView } from "../controller-runtime/views/node-view.ts";
import { isFinished, type PodView } from "../controller-runtime/views/pod-view.ts";
import type { NodeInfo } from "./framework.ts";

/** What a pod that asks for nothing counts as in scores (Kubernetes' DefaultMilliCPURequest and DefaultMemoryRequest). */
const CPU_DEFAULT = 100;
const MEMORY_DEFAULT = 200 * 1024 * 1024;

export function nonZeroRequests({ requests }: PodView): { cpu: number; memory: number } {
  return { cpu: requests["cpu"] || CPU_DEFAULT, memory: requests["memory"] || MEMORY_DEFAULT };
}

export interface Snapshot {
  /** Those that exist, in a stable order. */
  nodes(): readonly NodeInfo[];
  setNode(node: NodeView): void;
  removeNode(name: string): void;
  /** Takes the place of what was known of this pod, also of an assumption. A pod without a node, or finished, takes nothing. */
  setPod(pod: PodView): void;
  removePod(uid: string): void;
  /** Counts the pod as on this node until the API shows where it is. */
  assume(pod: PodView, nodeName: string): void;
  isAssumed(uid: string): boolean;
  /** The binding failed. */
  forget(uid: string): void;
}

interface Bucket {
  node: NodeView | undefined;
  pods: Map<string, PodView>;
  /** Built when asked for; undefined after a change. */
  info: NodeInfo | undefined;
}

export function createSnapshot(): Snapshot {
  const buckets = new Map<string, Bucket>();
  /** Node of each pod that takes something. */
  const places = new Map<string, string>();
  const assumed = new Set<string>();
  let list: readonly NodeInfo[] | undefined;

  const bucketOf = (name: string): Bucket => {
    const known = buckets.get(name);
    if (known) return known;
    const made: Bucket = { node: undefined, pods: new Map(), info: undefined };
    buckets.set(name, made);
    return made;
  };
  const touch = (name: string): void => {
    const bucket = buckets.get(name);
    if (bucket === undefined) return;
    bucket.info = undefined;
    if (bucket.node === undefined && bucket.pods.size === 0) buckets.delete(name);
    list = undefined;
  };
  const take = (uid: string): void => {
    const name = places.get(uid);
    if (name === undefined) return;
    places.delete(uid);
    buckets.get(name)?.pods.delete(uid);
    touch(name);
  };
  const place = (pod: PodView, name: string): void => {
    take(pod.metadata.uid);
    places.set(pod.metadata.uid, name);
    bucketOf(name).pods.set(pod.metadata.uid, pod);
    touch(name);
  };

  return {
    nodes() {
      list ??= [...buckets.values()].flatMap((bucket) => {
        if (bucket.node === undefined) return [];
        bucket.info ??= summarise(bucket.node, bucket.pods.values());
        return [bucket.info];
      });
      return list;
    },
    setNode(node) {
      bucketOf(node.metadata.name).node = node;
      touch(node.metadata.name);
    },
    removeNode(name) {
      bucketOf(name).node = undefined;
      touch(name);
    },
    setPod(pod) {
      const { uid } = pod.metadata;
      // News from before the binding don't undo an assumption.
      if (pod.nodeName === "" && assumed.has(uid)) return;
      assumed.delete(uid);
      if (pod.nodeName === "" || isFinished(pod)) take(uid);
      else place(pod, pod.nodeName);
    },
    removePod(uid) {
      assumed.delete(uid);
      take(uid);
    },
    assume(pod, name) {
      place(pod, name);
      assumed.add(pod.metadata.uid);
    },
    isAssumed: (uid) => assumed.has(uid),
    forget(uid) {
      if (assumed.delete(uid)) take(uid);
    },
  };
}

function summarise(node: NodeView, pods: Iterable<PodView>): NodeInfo {
  const requested: Record<string, number> = {};
  const nonZeroRequested = { cpu: 0, memory: 0 };
  const hostPorts = [];
  let podCount = 0;
  for (const pod of pods) {
    podCount += 1;
    for (const [name, amount] of Object.entries(pod.requests)) requested[name] = (requested[name] ?? 0) + amount;
    const least = nonZeroRequests(pod);
    nonZeroRequested.cpu += least.cpu;
    nonZeroRequested.memory += least.memory;
    hostPorts.push(...pod.hostPorts);
  }
  return { node, podCount, requested, nonZeroRequested, hostPorts };
}
