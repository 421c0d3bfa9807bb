import { describe, expect, it } from "vitest";
import type { Toleration } from "../kinds/core/pods/types.ts";
import { createDefaultTolerationSeconds } from "./default-toleration-seconds.ts";
import type { AdmissionAttributes } from "./admission.ts";
import { attributesOf, podWith } from "./testing/attributes.ts";

const NOT_READY = "node.kubernetes.io/not-ready";
const UNREACHABLE = "node.kubernetes.io/unreachable";

const added = (key: string): Toleration => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 42 });

function tolerationsAfter(tolerations: Toleration[] | undefined, parts: Partial<AdmissionAttributes> = {}) {
  const pod = podWith(tolerations ? { tolerations } : {});
  void createDefaultTolerationSeconds({ seconds: 42 }).mutate?.(attributesOf({ object: pod, ...parts }));
  return pod.spec.tolerations;
}

describe("DefaultTolerationSeconds", () => {
  const other: Toleration = { key: "other", operator: "Exists" };

  it.each<[string, Toleration[] | undefined, Toleration[]]>([
    ["a pod without tolerations", undefined, [added(NOT_READY), added(UNREACHABLE)]],
    ["a pod with others", [other], [other, added(NOT_READY), added(UNREACHABLE)]],
    [
      "a pod that tolerates one, for its own time",
      [{ key: NOT_READY, operator: "Exists", effect: "NoExecute", tolerationSeconds: 5 }],
      [{ key: NOT_READY, operator: "Exists", effect: "NoExecute", tolerationSeconds: 5 }, added(UNREACHABLE)],
    ],
    [
      "a pod that tolerates one for every effect",
      [{ key: UNREACHABLE, operator: "Exists" }],
      [{ key: UNREACHABLE, operator: "Exists" }, added(NOT_READY)],
    ],
    ["a pod that tolerates everything", [{ operator: "Exists" }], [{ operator: "Exists" }]],
    [
      "a pod that tolerates another effect",
      [{ key: NOT_READY, operator: "Exists", effect: "NoSchedule" }],
      [{ key: NOT_READY, operator: "Exists", effect: "NoSchedule" }, added(NOT_READY), added(UNREACHABLE)],
    ],
  ])("completes %s", (_, before, after) => {
    expect(tolerationsAfter(before)).toEqual(after);
    expect(tolerationsAfter(before, { operation: "UPDATE" })).toEqual(after);
    // What an update sends back is complete already.
    expect(tolerationsAfter(after, { operation: "UPDATE" })).toEqual(after);
  });

  it.each<[string, Partial<AdmissionAttributes>]>([
    ["a subresource", { operation: "UPDATE", subresource: "status" }],
    ["another resource", { resource: "podtemplates" }],
    ["another group", { group: "metrics.k8s.io" }],
    ["a deletion", { operation: "DELETE" }],
  ])("leaves alone %s", (_, parts) => {
    expect(tolerationsAfter(undefined, parts)).toBeUndefined();
  });
});
