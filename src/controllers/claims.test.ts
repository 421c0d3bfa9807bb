import { expect, test } from "vitest";
import { adoption, controllerReference, planClaims, release } from "./claims.ts";
import { pod, replicaSet, type PodParts } from "../controller-runtime/views.fixture.ts";

const owner = replicaSet("rs");
const ours = controllerReference({ apiVersion: "apps/v1", kind: "ReplicaSet" }, owner);
const theirs = { ...ours, name: "other", uid: "uid-other" };
const labels = { app: "web" };
const gone = "2026-01-01T12:00:00Z";

test.each<[string, PodParts["meta"], "owned" | "adopt" | "release" | "nothing"]>([
  ["ours and matching", { labels, ownerReferences: [ours] }, "owned"],
  ["ours, matching no more", { labels: { app: "x" }, ownerReferences: [ours] }, "release"],
  ["nobody's and matching", { labels }, "adopt"],
  ["nobody's, matching, on its way out", { labels, deletionTimestamp: gone }, "nothing"],
  ["nobody's, not matching", { labels: { app: "x" } }, "nothing"],
  ["another's and matching", { labels, ownerReferences: [theirs] }, "nothing"],
  ["owned but not managed", { labels, ownerReferences: [{ ...theirs, controller: false }] }, "adopt"],
])("%s", (_name, meta = {}, expected) => {
  const candidates = [pod("p", { meta })];
  const claims = planClaims({ owner, selector: owner.selector, candidates });
  const found = (["owned", "adopt", "release"] as const).filter((what) => claims[what].length > 0);
  expect(found).toEqual(expected === "nothing" ? [] : [expected]);
});

test("an owner that is being deleted adopts and releases nothing", () => {
  const going = replicaSet("rs", { meta: { deletionTimestamp: gone } });
  const candidates = [pod("a", { meta: { labels } }), pod("b", { meta: { labels: {}, ownerReferences: [ours] } })];
  expect(planClaims({ owner: going, selector: owner.selector, candidates })).toEqual({
    owned: [],
    adopt: [],
    release: [],
  });
});

test("other owners stay, and the revision guards them", () => {
  const view = pod("p", { meta: { labels, ownerReferences: [{ ...theirs, controller: false }] } });
  expect(adoption(view, ours)).toEqual({
    metadata: { resourceVersion: "1", ownerReferences: [{ ...theirs, controller: false }, ours] },
  });
  expect(release(pod("p", { meta: { ownerReferences: [ours] } }), ours.uid)).toEqual({
    metadata: { resourceVersion: "1", ownerReferences: null },
  });
});
