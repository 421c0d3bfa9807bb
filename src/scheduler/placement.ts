/** What pods take on nodes: the one place that puts a pod on a node and takes it off, with all counts that follow from it. */
import { keyOf } from "../controller-runtime/views/view.ts";
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import type { SlotExtras } from "./framework.ts";
import type { NodeColumns } from "./node-columns.ts";
import { createPlacedTerms, type PlacedTerms, type PodTerms } from "./placed-terms.ts";
import { createPodGroups, type PodGroup, type PodGroups } from "./pod-groups.ts";
import type { Topology } from "./topology.ts";

/** A pod that is on a node, or is counted as if it were. */
export interface Placed {
  view: PodView;
  node: string;
  /** NOWHERE while there is no such node. */
  slot: number;
  assumed: boolean;
  group: PodGroup;
  terms: PodTerms | undefined;
}

export const NOWHERE = -1;

export interface Placement {
  readonly groups: PodGroups;
  readonly placedTerms: PlacedTerms;
  get(uid: string): Placed | undefined;
  put(view: PodView, node: string, assumed: boolean): void;
  take(uid: string): void;
  on(slot: number): readonly Placed[];
  extras(slot: number): SlotExtras | undefined;
  claimUsers(key: string): number;
  /** All pods go off the node for as long as `change` runs, and those that name the node are on it afterwards. */
  without(slot: number, node: string, change: () => void): void;
  /** A pod that is not placed, as if it were on this node; to be dropped and lifted. */
  guest(view: PodView, slot: number): Placed;
  /** For trials: off the node, and on it again. To be called in pairs. */
  lift(placed: Placed): void;
  drop(placed: Placed): void;
}

const NO_PODS: readonly Placed[] = [];

export function createPlacement(nodes: NodeColumns, topology: Topology): Placement {
  const byUid = new Map<string, Placed>();
  const bySlot: Placed[][] = [];
  /** Pods of nodes that are not there, by the node's name. */
  const waiting = new Map<string, Set<Placed>>();
  const extras = new Map<number, SlotExtras>();
  const claims = new Map<string, number>();
  const groups = createPodGroups((visit) => {
    for (const { group, slot } of byUid.values()) if (slot !== NOWHERE) visit(group, slot);
  });
  const placedTerms = createPlacedTerms(topology);

  const count = (placed: Placed, times: 1 | -1): void => {
    const { view, slot } = placed;
    const { scheduling } = view;
    nodes.count(slot, scheduling, times);
    groups.move(placed.group, slot, times);
    placed.terms?.move(slot, times);
    for (const claim of view.claims) {
      const key = keyOf({ namespace: view.metadata.namespace, name: claim.name });
      const users = (claims.get(key) ?? 0) + times;
      if (users === 0) claims.delete(key);
      else claims.set(key, users);
    }
    if (scheduling.hostPorts.length > 0 || scheduling.disks.length > 0) gather(slot);
  };
  const gather = (slot: number): void => {
    const specs = (bySlot[slot] ?? NO_PODS).map(({ view }) => view.scheduling);
    const hostPorts = specs.flatMap((spec) => spec.hostPorts);
    const disks = specs.flatMap((spec) => spec.disks);
    if (hostPorts.length > 0 || disks.length > 0) extras.set(slot, { hostPorts, disks });
    else extras.delete(slot);
  };
  const drop = (placed: Placed): void => {
    (bySlot[placed.slot] ??= []).push(placed);
    count(placed, 1);
  };
  const lift = (placed: Placed): void => {
    const pods = bySlot[placed.slot] ?? [];
    const last = pods.pop();
    if (last !== undefined && last !== placed) pods[pods.indexOf(placed)] = last;
    count(placed, -1);
  };
  const wait = (placed: Placed): void => {
    placed.slot = NOWHERE;
    const others = waiting.get(placed.node);
    if (others) others.add(placed);
    else waiting.set(placed.node, new Set([placed]));
  };
  const take = (uid: string): void => {
    const placed = byUid.get(uid);
    if (placed === undefined) return;
    byUid.delete(uid);
    if (placed.slot !== NOWHERE) return lift(placed);
    const others = waiting.get(placed.node);
    others?.delete(placed);
    if (others?.size === 0) waiting.delete(placed.node);
  };

  return {
    groups,
    placedTerms,
    get: (uid) => byUid.get(uid),
    put(view, node, assumed) {
      const { uid, namespace, labels, deletionTimestamp } = view.metadata;
      take(uid);
      const group = groups.of({ namespace, labels, terminating: deletionTimestamp !== undefined });
      const slot = nodes.slotOf.get(node) ?? NOWHERE;
      const placed: Placed = { view, node, slot, assumed, group, terms: placedTerms.of(view) };
      if (slot === NOWHERE) wait(placed);
      else drop(placed);
      byUid.set(uid, placed);
    },
    take,
    on: (slot) => bySlot[slot] ?? NO_PODS,
    extras: (slot) => extras.get(slot),
    claimUsers: (key) => claims.get(key) ?? 0,
    without(slot, node, change) {
      const pods = [...(bySlot[slot] ?? NO_PODS)];
      for (const placed of pods) lift(placed);
      change();
      for (const placed of waiting.get(node) ?? NO_PODS) pods.push(placed);
      waiting.delete(node);
      const now = nodes.slotOf.get(node);
      for (const placed of pods) {
        placed.slot = now ?? NOWHERE;
        if (now === undefined) wait(placed);
        else drop(placed);
      }
    },
    guest(view, slot) {
      const { namespace, labels } = view.metadata;
      const group = groups.of({ namespace, labels, terminating: false });
      const node = nodes.views[slot]?.metadata.name ?? "";
      return { view, node, slot, assumed: false, group, terms: placedTerms.of(view) };
    },
    lift,
    drop,
  };
}
