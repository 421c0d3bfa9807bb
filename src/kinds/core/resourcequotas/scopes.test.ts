import { expect, it } from "vitest";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { PodSpec } from "../pods/types.ts";
import { matchesScope, scopesOf, type ScopeRequirement } from "./scopes.ts";

function pod(spec: Partial<PodSpec> = {}): KubeObject {
  return { metadata: { name: "p" }, spec: { containers: [{ name: "c" }], ...spec } };
}
const claim = (spec: object, status = {}): KubeObject => ({ metadata: { name: "c" }, spec, status });
const exists = (scopeName: string): ScopeRequirement => ({ scopeName, operator: "Exists" });
const priority = (operator: string, ...values: string[]) => ({ scopeName: "PriorityClass", operator, values });
const attributes = (operator: string, ...values: string[]) => ({
  scopeName: "VolumeAttributesClass",
  operator,
  values,
});
const high = pod({ priorityClassName: "high" });
const term = { topologyKey: "zone", namespaces: ["other"] };

it.each<[string, KubeObject, ScopeRequirement, boolean]>([
  ["pods", pod({ activeDeadlineSeconds: 0 }), exists("Terminating"), true],
  ["pods", pod(), exists("Terminating"), false],
  ["pods", pod(), exists("NotTerminating"), true],
  ["pods", pod(), exists("BestEffort"), true],
  ["pods", pod({ containers: [{ name: "c", resources: { requests: { cpu: "1" } } }] }), exists("BestEffort"), false],
  ["pods", pod({ containers: [{ name: "c", resources: { requests: { cpu: "1" } } }] }), exists("NotBestEffort"), true],
  ["pods", high, priority("Exists"), true],
  ["pods", pod(), priority("Exists"), false],
  ["pods", pod(), priority("DoesNotExist"), true],
  ["pods", high, priority("In", "low", "high"), true],
  ["pods", high, priority("NotIn", "low"), true],
  ["pods", high, priority("NotIn", "high"), false],
  ["pods", pod(), priority("NotIn", "high"), true],
  ["pods", pod(), exists("CrossNamespacePodAffinity"), false],
  [
    "pods",
    pod({
      affinity: {
        podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }] },
      },
    }),
    exists("CrossNamespacePodAffinity"),
    true,
  ],
  ["pods", pod(), exists("VolumeAttributesClass"), false],
  ["persistentvolumeclaims", claim({ volumeAttributesClassName: "fast" }), attributes("In", "fast"), true],
  [
    "persistentvolumeclaims",
    claim({ volumeAttributesClassName: "slow" }, { currentVolumeAttributesClassName: "fast" }),
    attributes("In", "fast"),
    true,
  ],
  ["persistentvolumeclaims", claim({}), attributes("Exists"), false],
  ["persistentvolumeclaims", claim({}), exists("NotTerminating"), false],
  ["services", claim({}), exists("NotTerminating"), false],
])("%s %o in %o: %s", (groupResource, object, requirement, expected) => {
  expect(matchesScope(groupResource, object, requirement)).toBe(expected);
});

it("names and selectors are all to match", () => {
  const spec = { scopes: ["BestEffort"], scopeSelector: { matchExpressions: [priority("In", "high")] } };
  expect(scopesOf({ metadata: { name: "q" }, spec })).toEqual([exists("BestEffort"), priority("In", "high")]);
});
