import { expect, test } from "vitest";
import { invalidNamespaceMessage, planDependent, type OwnerState, type Verdict } from "./plan.ts";

const reference = (uid: string) => ({ apiVersion: "v1", kind: "ConfigMap", name: uid, uid });
const owners = (...states: OwnerState[]) =>
  states.map((state, index) => ({ reference: reference(`${state}-${index}`), state }));
const nothing: Verdict = { do: "nothing" };
const remove = (propagationPolicy: "Background" | "Foreground" | "Orphan"): Verdict => ({
  do: "delete",
  propagationPolicy,
});

test.each<[string, OwnerState[], { finalizers?: string[]; isDeleted?: boolean; hasDependents?: boolean }, Verdict]>([
  ["nobody's object stays", [], {}, nothing],
  ["its owner is there", ["present"], {}, nothing],
  ["its owner is gone", ["absent"], {}, remove("Background")],
  ["one of two is gone: the other keeps it", ["present", "absent"], {}, { do: "release", uids: ["absent-1"] }],
  ["one of two waits for it: the other keeps it", ["ending", "present"], {}, { do: "release", uids: ["ending-0"] }],
  ["its owner waits for it", ["ending"], {}, remove("Background")],
  ["its owner waits for it and it has dependents itself", ["ending"], { hasDependents: true }, remove("Foreground")],
  ["one can't be judged: nothing is done about the others", ["unknown", "absent"], {}, nothing],
  ["one can't be judged, another is there and a third is gone", ["unknown", "present", "absent"], {}, nothing],
  ["one waits for it, one is gone", ["ending", "absent"], { hasDependents: true }, remove("Foreground")],
  ["all are gone: what depends on it does not count", ["absent"], { hasDependents: true }, remove("Background")],
  ["its owner waits for it, its own finalizer orphans", ["ending"], { finalizers: ["orphan"] }, remove("Orphan")],
  ["all are gone, its own finalizers say how", ["absent"], { finalizers: ["orphan"] }, remove("Orphan")],
  ["all are gone, foreground", ["absent", "absent"], { finalizers: ["foregroundDeletion"] }, remove("Foreground")],
  ["it is going already", ["absent"], { isDeleted: true }, nothing],
])("%s", (_name, states, more, expected) => {
  const { finalizers = [], isDeleted = false, hasDependents = false } = more;
  expect(planDependent({ owners: owners(...states), finalizers, isDeleted, hasDependents })).toEqual(expected);
});

test("a reference into another namespace, in Kubernetes' words", () => {
  expect(invalidNamespaceMessage({ ...reference("u-1"), name: "owner" }, "team")).toBe(
    'ownerRef [v1/ConfigMap, namespace: team, name: owner, uid: u-1] does not exist in namespace "team"',
  );
});
