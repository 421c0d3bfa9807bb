/** Feeds the scheduler's snapshot with the views of API objects, as its informers do. */
import { nodeView } from "../../src/controller-runtime/views/node-view.ts";
import { budgetView } from "../../src/controller-runtime/views/budget-view.ts";
import { createPodViews } from "../../src/controller-runtime/views/pod-view.ts";
import {
  claimView,
  csiCapacityView,
  csiDriverView,
  attachmentView,
  csiNodeView,
  storageClassView,
  volumeView,
} from "../../src/controller-runtime/views/storage-views.ts";
import { keyOf, metadataOnly, metaView } from "../../src/controller-runtime/views/view.ts";
import type { PodView } from "../../src/controller-runtime/views/pod-view.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { LabelSelector } from "../../src/machinery/selectors.ts";
import { createSnapshot, type Snapshot } from "../../src/scheduler/index.ts";
import type { ReferenceCluster } from "./reference/cluster.ts";

export interface Feeder {
  snapshot: Snapshot;
  podView: (object: KubeObject) => PodView;
  set: <K extends keyof ReferenceCluster>(kind: K, object: ReferenceCluster[K][number]) => void;
  remove(kind: keyof ReferenceCluster, object: KubeObject): void;
}

export function createFeeder(snapshot: Snapshot = createSnapshot()): Feeder {
  const podView = createPodViews();
  const { tables } = snapshot;
  const setters: { [K in keyof ReferenceCluster]: (object: ReferenceCluster[K][number]) => void } = {
    nodes: (object) => snapshot.setNode(nodeView(object)),
    pods: (object) => snapshot.setPod(podView(object)),
    namespaces: (object) => tables.namespaces.set(metadataOnly(object)),
    services: (object) => {
      const { selector } = object.spec;
      if (selector) tables.services.set(selecting(object, { matchLabels: selector }));
    },
    replicationControllers: (object) =>
      tables.replicationControllers.set(selecting(object, { matchLabels: object.spec.selector ?? {} })),
    replicaSets: (object) => tables.replicaSets.set(selecting(object, object.spec.selector)),
    statefulSets: (object) => tables.statefulSets.set(selecting(object, object.spec.selector)),
    budgets: (object) => tables.budgets.set(budgetView(object)),
    volumes: (object) => tables.volumes.set(volumeView(object)),
    claims: (object) => tables.claims.set(claimView(object)),
    storageClasses: (object) => tables.storageClasses.set(storageClassView(object)),
    attachments: (object) => tables.attachments.set(attachmentView(object)),
    csiNodes: (object) => tables.csiNodes.set(csiNodeView(object)),
    csiDrivers: (object) => tables.csiDrivers.set(csiDriverView(object)),
    csiCapacities: (object) => tables.csiCapacities.set(csiCapacityView(object)),
  };
  return {
    snapshot,
    podView,
    set: (kind, object) => setters[kind](object),
    remove(kind, { metadata }) {
      if (kind === "nodes") snapshot.removeNode(metadata.name ?? "");
      else if (kind === "pods") snapshot.removePod(metadata.uid ?? "");
      else tables[kind].remove(keyOf(metadata));
    },
  };
}

const selecting = ({ metadata }: KubeObject, selector: LabelSelector) => ({ metadata: metaView(metadata), selector });

export function feedAll(feeder: Feeder, cluster: ReferenceCluster): void {
  const set: (kind: keyof ReferenceCluster, object: KubeObject) => void = feeder.set;
  for (const kind of Object.keys(cluster) as (keyof ReferenceCluster)[]) {
    for (const object of cluster[kind]) set(kind, object);
  }
}
