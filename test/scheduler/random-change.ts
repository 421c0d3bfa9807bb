/** What happens in a random cluster: every change is made to the plain objects and told to whoever follows them. */
import type { Pod } from "../../src/kinds/core/pods/types.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { Dice } from "../harness/seeded.ts";
import {
  attachment,
  csiNode,
  randomBudget,
  randomClaim,
  randomNode,
  randomVolume,
  type MutableCluster,
} from "./random-cluster.ts";
import { randomPlacedPod, randomPod } from "./random-pod.ts";
import { nameOf, type ReferenceCluster } from "./reference/cluster.ts";
import { CLAIMS } from "./vocabulary.ts";

export interface Follower {
  set<K extends keyof ReferenceCluster>(kind: K, object: ReferenceCluster[K][number]): void;
  remove(kind: keyof ReferenceCluster, object: KubeObject): void;
}

/** Makes one change. `serial` numbers what is new. @returns what it was */
export function randomChange(dice: Dice, cluster: MutableCluster, follower: Follower, serial: number): string {
  const put = <K extends keyof MutableCluster>(kind: K, object: MutableCluster[K][number]): string => {
    const list: MutableCluster[K][number][] = cluster[kind];
    const at = list.findIndex(({ metadata }) => sameAs(metadata, object.metadata));
    if (at >= 0) list[at] = object;
    else list.push(object);
    follower.set(kind, object);
    return `${kind} ${nameOf(object)}`;
  };
  const drop = (kind: keyof MutableCluster): string => {
    const list: KubeObject[] = cluster[kind];
    if (list.length === 0) return "nothing";
    const [object] = list.splice(dice.roll(list.length), 1);
    if (object === undefined) return "nothing";
    follower.remove(kind, object);
    return `${kind} ${nameOf(object)} went`;
  };
  const changePod = (change: (pod: Pod) => Pod): string =>
    cluster.pods.length === 0 ? "nothing" : put("pods", change(dice.pick(cluster.pods)));
  const anyNode = () => (cluster.nodes.length === 0 ? "node-gone" : nameOf(dice.pick(cluster.nodes)));

  const changes: readonly (() => string)[] = [
    () => put("nodes", randomNode(dice, `node-${dice.roll(10)}`)),
    () => put("nodes", randomNode(dice, anyNode())),
    () => {
      // What a kubelet says: nothing but amounts changes.
      const node = cluster.nodes.find((one) => nameOf(one) === anyNode());
      if (!node) return "nothing";
      const { status } = randomNode(dice, nameOf(node));
      return put("nodes", { ...node, ...(status ? { status } : {}) });
    },
    () => drop("nodes"),
    () => put("pods", randomPlacedPod(dice, `placed-new-${serial}`, cluster.nodes)),
    () => put("pods", randomPlacedPod(dice, `placed-new-${serial}`, cluster.nodes)),
    () => drop("pods"),
    () => changePod((pod) => ({ ...pod, status: { ...pod.status, phase: dice.pick(["Succeeded", "Failed"]) } })),
    () => changePod((pod) => ({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: "2026-01-02T00:00:00Z" } })),
    () => changePod((pod) => ({ ...pod, metadata: { ...pod.metadata, labels: { app: dice.pick(["web", "db"]) } } })),
    () => {
      // Waits for room on a node.
      const pod = randomPod(dice, `waiting-new-${serial}`);
      delete pod.spec.nodeName;
      return put("pods", { ...pod, status: { phase: "Pending", nominatedNodeName: anyNode() } });
    },
    () => changePod(({ status: { nominatedNodeName: _ended, ...status } = {}, ...pod }) => ({ ...pod, status })),
    () => put("claims", randomClaim(dice, dice.pick(CLAIMS))),
    () => drop("claims"),
    () => put("volumes", randomVolume(dice, dice.roll(6))),
    () => drop("volumes"),
    () => put("csiNodes", csiNode(dice, anyNode())),
    () => drop("csiNodes"),
    () => put("attachments", attachment(dice, anyNode())),
    () => drop("attachments"),
    () => drop("csiCapacities"),
    () => drop("services"),
    () => put("budgets", randomBudget(dice, `budget-${dice.roll(3)}`)),
    () =>
      put("namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: dice.pick(["team", "ghost"]), labels: { env: dice.pick(["prod", "test", "none"]) } },
      }),
  ];
  return dice.pick(changes)();
}

const sameAs = (one: { name?: string; namespace?: string }, other: { name?: string; namespace?: string }): boolean =>
  one.name === other.name && (one.namespace ?? "") === (other.namespace ?? "");
