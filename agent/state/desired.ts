/** What this node should run and may know: the newest state the control plane sent, whole or in changes. */
import { createHash } from "node:crypto";
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { ObjectName, SyncResponse } from "../../src/relay/protocol.ts";
import type { Pod } from "../pods/pod.ts";
import { referencesOf } from "../volumes/payload.ts";

export const SECTIONS = ["pods", "secrets", "configMaps", "services", "endpointSlices"] as const;
export type Section = (typeof SECTIONS)[number];

export interface NodeState {
  revision: number;
  node: KubeObject | undefined;
  peers: NonNullable<SyncResponse["peers"]>;
}

export interface Change {
  sections: Set<Section>;
  /** Pods that are new or differ, and those that are gone. */
  pods: Pod[];
  removedUids: string[];
  /** Namespaces in which a ConfigMap, Secret or Service changed. */
  namespaces: Set<string>;
}

export interface Desired {
  apply(state: SyncResponse): Change;
  pods(): Pod[];
  pod(uid: string): Pod | undefined;
  get(section: "secrets" | "configMaps", namespace: string, name: string): KubeObject | undefined;
  list(section: Section): KubeObject[];
  node(): NodeState;
  digest(): string;
  holds(): { secrets: ObjectName[]; configMaps: ObjectName[] };
  /** What its pods refer to and is known not to exist: nothing of it has been heard since it was looked for. */
  lacks(): { secrets: ObjectName[]; configMaps: ObjectName[] };
  interest(): { secrets: string[]; configMaps: string[] };
}

function keyOf({ metadata }: { metadata: { namespace?: string; name?: string } }): string {
  return `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
}

function nameOf(object: KubeObject): ObjectName {
  return { namespace: object.metadata.namespace ?? "", name: object.metadata.name ?? "" };
}

function differs(a: KubeObject | undefined, b: KubeObject): boolean {
  if (a === undefined) return true;
  const { resourceVersion } = b.metadata;
  if (resourceVersion !== undefined && a.metadata.resourceVersion === resourceVersion) return false;
  return JSON.stringify(a) !== JSON.stringify(b);
}

export function createDesired(): Desired {
  /** By "namespace/name"; pods by uid. */
  const held: Record<Section, Map<string, KubeObject>> = {
    pods: new Map(),
    secrets: new Map(),
    configMaps: new Map(),
    services: new Map(),
    endpointSlices: new Map(),
  };
  /** By "namespace/name". Not kept on disk: an agent that starts has them looked for once more. */
  const absent = { secrets: new Map<string, ObjectName>(), configMaps: new Map<string, ObjectName>() };
  let node: NodeState = { revision: 0, node: undefined, peers: [] };

  function put(section: Section, objects: readonly KubeObject[], change: Change, full: boolean): void {
    const map = held[section];
    const before = full ? new Set(map.keys()) : new Set<string>();
    for (const object of objects) {
      const key = section === "pods" ? (object.metadata.uid ?? "") : keyOf(object);
      before.delete(key);
      if (!differs(map.get(key), object)) continue;
      map.set(key, object);
      noteChange(section, object, change);
    }
    for (const key of before) drop(section, key, change);
  }

  function drop(section: Section, key: string, change: Change): void {
    const object = held[section].get(key);
    if (object === undefined) return;
    held[section].delete(key);
    change.sections.add(section);
    if (section === "pods") change.removedUids.push(key);
    else change.namespaces.add(object.metadata.namespace ?? "");
  }

  function noteChange(section: Section, object: KubeObject, change: Change): void {
    change.sections.add(section);
    if (section === "pods") change.pods.push(object as Pod);
    else change.namespaces.add(object.metadata.namespace ?? "");
  }

  function referenced(): { secrets: Set<string>; configMaps: Set<string> } {
    const secrets = new Set<string>();
    const configMaps = new Set<string>();
    for (const pod of held.pods.values() as Iterable<Pod>) {
      const references = referencesOf(pod);
      for (const name of references.secrets) secrets.add(`${pod.metadata.namespace}/${name}`);
      for (const name of references.configMaps) configMaps.add(`${pod.metadata.namespace}/${name}`);
    }
    return { secrets, configMaps };
  }

  function noteAbsence(state: SyncResponse): void {
    const wanted = referenced();
    for (const section of ["secrets", "configMaps"] as const) {
      if (state.full) absent[section].clear();
      for (const name of state.absent?.[section] ?? []) absent[section].set(`${name.namespace}/${name.name}`, name);
      for (const object of state[section]) absent[section].delete(keyOf(object));
      for (const key of absent[section].keys()) if (!wanted[section].has(key)) absent[section].delete(key);
    }
  }

  /** What no pod refers to any more is not kept: a node holds no Secret longer than it has to. */
  function dropUnreferenced(change: Change): void {
    const wanted = referenced();
    for (const section of ["secrets", "configMaps"] as const) {
      for (const key of held[section].keys()) if (!wanted[section].has(key)) drop(section, key, change);
    }
  }

  return {
    apply(state) {
      const change: Change = { sections: new Set(), pods: [], removedUids: [], namespaces: new Set() };
      for (const section of SECTIONS) put(section, state[section], change, state.full);
      if (!state.full) {
        // A pod whose name lives on with another uid is a removal all the same.
        for (const { uid } of state.removedPods) drop("pods", uid, change);
        for (const name of state.removedServices) drop("services", `${name.namespace}/${name.name}`, change);
        for (const name of state.removedEndpointSlices)
          drop("endpointSlices", `${name.namespace}/${name.name}`, change);
      }
      dropUnreferenced(change);
      noteAbsence(state);
      node = { revision: state.revision, node: state.node ?? node.node, peers: state.peers ?? node.peers };
      return change;
    },
    pods: () => [...held.pods.values()] as Pod[],
    pod: (uid) => held.pods.get(uid) as Pod | undefined,
    get: (section, namespace, name) => held[section].get(`${namespace}/${name}`),
    list: (section) => [...held[section].values()],
    node: () => node,
    digest: () =>
      createHash("sha256")
        .update([...held.pods.keys()].toSorted().join("\n"))
        .digest("hex"),
    holds: () => ({
      secrets: [...held.secrets.values()].map(nameOf),
      configMaps: [...held.configMaps.values()].map(nameOf),
    }),
    lacks: () => ({ secrets: [...absent.secrets.values()], configMaps: [...absent.configMaps.values()] }),
    interest() {
      const { secrets, configMaps } = referenced();
      return { secrets: [...secrets].toSorted(), configMaps: [...configMaps].toSorted() };
    },
  };
}
