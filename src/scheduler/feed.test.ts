import { beforeEach, describe, expect, test } from "vitest";
import type { Change } from "../controller-runtime/informer.ts";
import type { View } from "../controller-runtime/views/view.ts";
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import { node, pod } from "../controller-runtime/views.fixture.ts";
import { feedSnapshot, type FedStores } from "./feed.ts";
import { createSnapshot } from "./snapshot.ts";

const STORES = [
  "pods",
  "nodes",
  "namespaces",
  "services",
  "replicaSets",
  "statefulSets",
  "replicationControllers",
  "podDisruptionBudgets",
  "persistentVolumes",
  "persistentVolumeClaims",
  "storageClasses",
  "csiNodes",
  "volumeAttachments",
  "csiDrivers",
  "csiStorageCapacities",
] as const;

/** A snapshot that is told of pods, and what is said to have happened. */
function createFed() {
  const happened: string[] = [];
  const snapshot = createSnapshot();
  for (const name of ["a", "b"]) snapshot.setNode(node(name));
  const handlers = new Map<string, (change: Change<View>) => void>();
  const stores = Object.fromEntries(
    STORES.map((name) => [
      name,
      { onChange: (handler: (change: Change<View>) => void) => handlers.set(name, handler) },
    ]),
  );
  feedSnapshot({
    stores: stores as unknown as FedStores,
    snapshot,
    happened: (event) => happened.push(event.kind),
    podChanged: () => {},
    changed: () => {},
  });
  const change = (before: PodView | undefined, after: PodView | undefined) =>
    handlers.get("pods")?.({ key: "default/x", before, after });
  return { snapshot, happened, change };
}

const waiting = pod("x", { phase: "Pending", ready: false });
const bound = pod("x", { node: "a" });
let fed: ReturnType<typeof createFed>;
beforeEach(() => {
  fed = createFed();
  fed.change(undefined, waiting);
});

describe("room is said to be free", () => {
  test("when a pod goes from its node", () => {
    fed.change(waiting, bound);
    fed.change(bound, undefined);
    expect(fed.happened).toEqual(["pod-came", "pod-gone"]);
  });

  test("when a pod goes that was decided on and not yet seen on its node", () => {
    fed.snapshot.assume(waiting, "a");
    fed.change(waiting, undefined);
    expect(fed.happened).toEqual(["pod-gone"]);
    expect(fed.snapshot.roomOf(waiting.metadata.uid)).toBe("");
  });

  test("when a pod goes that room was kept for, or has it elsewhere", () => {
    fed.snapshot.nominate(waiting, "b");
    fed.change(waiting, bound);
    expect(fed.happened).toEqual(["pod-came", "pod-gone"]);
    const other = createFed();
    other.snapshot.nominate(waiting, "b");
    other.change(waiting, undefined);
    expect(other.happened).toEqual(["pod-gone"]);
  });

  test("and not when it is seen where it was expected, nor when it waited without any", () => {
    fed.snapshot.assume(waiting, "a");
    fed.change(waiting, bound);
    expect(fed.happened).toEqual(["pod-came"]);
    const other = createFed();
    other.change(waiting, undefined);
    expect(other.happened).toEqual([]);
  });
});
