/**
 * Reads the cluster's log and judges every binding in it by the reference, against the state that it was committed on. The order of
 * commits is that of the log, so nothing that happens between two looks is missed.
 */
import type { Node } from "../../src/kinds/core/nodes/types.ts";
import type { Pod } from "../../src/kinds/core/pods/types.ts";
import type { StorageWriter } from "../../src/storage/storage.ts";
import { EMPTY_CLUSTER, hasEnded, nameOf, type Refusal, type ReferenceCluster } from "./reference/cluster.ts";
import { filterNode } from "./reference/evaluate.ts";

export interface BindingAudit {
  /**
   * Catches up. What a binding breaks is a fault; what depends on the order of decisions (spreading, affinity to other pods) only where
   * it is broken at the end, too, where `ordered`, and where nothing went meanwhile.
   */
  look(options?: { ordered?: boolean }): Promise<string[]>;
  /** As of the last look. */
  readonly cluster: ReferenceCluster;
  readonly bindings: number;
  readonly preemptions: number;
}

/** Whether others are there or not: decisions that were made one after the other may be committed in another order. */
const ORDER_MATTERS = new Set(["PodTopologySpread", "InterPodAffinity"]);
const AFFINITY = "node(s) didn't match pod affinity rules";
const PAGE = 1_000;

/** As if the pod were not bound. */
const without = (cluster: ReferenceCluster, pod: Pod): ReferenceCluster => ({
  ...cluster,
  pods: cluster.pods.filter(({ metadata }) => metadata.uid !== pod.metadata.uid),
});

const isCondemned = ({ status }: Pod) =>
  status?.conditions?.some(({ reason }) => reason === "PreemptionByScheduler") === true;

export function createBindingAudit(storage: StorageWriter): BindingAudit {
  const nodes = new Map<string, Node>();
  /** What nodes were since the last look: who decides may have seen any of it. */
  const earlier = new Map<string, Node[]>();
  const pods = new Map<string, Pod>();
  let revision = 0;
  let bindings = 0;
  let preemptions = 0;
  const now = (): ReferenceCluster => ({ ...EMPTY_CLUSTER, nodes: [...nodes.values()], pods: [...pods.values()] });

  function broken(cluster: ReferenceCluster, pod: Pod): Refusal | undefined {
    const node = nodes.get(pod.spec.nodeName ?? "");
    // It went before the binding came: the pod is cleaned up with it, as in Kubernetes.
    if (node === undefined) return undefined;
    const others = without(cluster, pod);
    const refusals = [node, ...(earlier.get(nameOf(node)) ?? [])].map((seen) => {
      const then = { ...others, nodes: others.nodes.map((one) => (one === node ? seen : one)) };
      return filterNode(then, { ...pod, spec: { ...pod.spec, nodeName: "" } }, seen);
    });
    if (refusals.includes(undefined)) return undefined;
    // A node that was cordoned since may have been refused before for what depends on the order only: that is what it was decided on.
    return refusals.find((refusal) => refusal && ORDER_MATTERS.has(refusal.plugin)) ?? refusals[0];
  }

  const isThere = (pod: Pod): boolean => pods.has(pod.metadata.uid ?? "") && !hasEnded(pod);

  function follow(pod: Pod, uid: string): Pod | undefined {
    const before = pods.get(uid);
    pods.set(uid, pod);
    if (before && !isCondemned(before) && isCondemned(pod)) preemptions += 1;
    return before && !before.spec.nodeName && pod.spec.nodeName ? pod : undefined;
  }

  return {
    get cluster() {
      return now();
    },
    get bindings() {
      return bindings;
    },
    get preemptions() {
      return preemptions;
    },
    async look({ ordered = true } = {}) {
      const faults: string[] = [];
      const doubtful: { pod: Pod; refusal: Refusal }[] = [];
      /** Something went or changed meanwhile that decisions were made on. */
      let disturbed = false;
      for (let more = true; more;) {
        const page = await storage.changes({ since: revision, limit: PAGE });
        for (const entry of page.entries) {
          if (entry.resource !== "pods" && entry.resource !== "nodes") continue;
          const object = JSON.parse(entry.value) as Node & Pod;
          if (entry.resource === "nodes") {
            disturbed = true;
            const before = nodes.get(entry.name);
            if (before) earlier.set(entry.name, [...(earlier.get(entry.name) ?? []), before]);
            if (entry.type === "DELETED") nodes.delete(entry.name);
            else nodes.set(entry.name, object);
            continue;
          }
          disturbed ||= entry.type === "DELETED" || hasEnded(object) || object.metadata.deletionTimestamp !== undefined;
          if (entry.type === "DELETED") {
            pods.delete(entry.uid);
            continue;
          }
          const bound = follow(object, entry.uid);
          if (bound === undefined) continue;
          bindings += 1;
          const refusal = broken(now(), bound);
          if (refusal === undefined) continue;
          const isDoubtful =
            ORDER_MATTERS.has(refusal.plugin) &&
            (refusal.plugin === "PodTopologySpread" || refusal.reasons.includes(AFFINITY));
          // Who is near whom was decided before a node moved to another zone.
          const hasMoved = refusal.plugin === "InterPodAffinity" && earlier.size > 0;
          if (isDoubtful) doubtful.push({ pod: bound, refusal });
          else if (!hasMoved) faults.push(faultOf(bound, refusal));
        }
        ({ revision, more } = page);
      }
      const last = now();
      const kept = doubtful.filter(
        ({ pod }) => ordered && !disturbed && isThere(pod) && broken(last, pod) !== undefined,
      );
      earlier.clear();
      return [...faults, ...kept.map(({ pod, refusal }) => faultOf(pod, refusal))];
    },
  };
}

function faultOf(pod: Pod, { plugin, reasons }: Refusal): string {
  return `${nameOf(pod)} was bound to ${pod.spec.nodeName}, which breaks ${plugin}: ${reasons.join(", ")}`;
}
