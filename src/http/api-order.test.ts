import { describe, expect, it } from "vitest";
import { compareGroups, compareVersions } from "./api-order.ts";

describe("the order of discovery", () => {
  it("puts the groups of Kubernetes first, by their priority, others by name", () => {
    const groups = ["example.com", "a.example.com", "storage.k8s.io", "apps", "events.k8s.io", ""];
    expect(groups.toSorted(compareGroups)).toEqual([
      "",
      "apps",
      "events.k8s.io",
      "storage.k8s.io",
      "a.example.com",
      "example.com",
    ]);
    expect(["apiextensions.k8s.io", "admissionregistration.k8s.io"].toSorted(compareGroups)[0]).toBe(
      "admissionregistration.k8s.io",
    );
  });

  // From the comment of CompareKubeAwareVersionStrings.
  it("puts stable versions first, the newest of them before others", () => {
    const sorted = "v10 v2 v1 v11beta2 v10beta3 v3beta1 v12alpha1 v11alpha2 foo1 foo10".split(" ");
    expect(sorted.toReversed().toSorted(compareVersions)).toEqual(sorted);
  });
});
