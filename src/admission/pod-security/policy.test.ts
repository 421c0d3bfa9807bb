import { describe, expect, it } from "vitest";
import { levelVersionText, MODES, policyOf, PRIVILEGED_POLICY, type Policy } from "./policy.ts";

const DEFAULTS: Policy = { ...PRIVILEGED_POLICY, audit: { level: "baseline", minor: 30 } };

function read(labels: Record<string, string>, defaults = PRIVILEGED_POLICY): { policy: string; errors: string[] } {
  const prefixed = Object.entries(labels).map(([label, value]) => [`pod-security.kubernetes.io/${label}`, value]);
  const { policy, errors } = policyOf(Object.fromEntries(prefixed) as Record<string, string>, defaults);
  return {
    policy: MODES.map((mode) => levelVersionText(policy[mode])).join(" "),
    errors: errors.map(({ field, message }) => `${field}: ${message}`),
  };
}

describe("the policy of a namespace", () => {
  it.each<[string, Record<string, string>, string]>([
    ["without labels", {}, "privileged:latest privileged:latest privileged:latest"],
    ["that enforces also warns", { enforce: "restricted" }, "restricted:latest privileged:latest restricted:latest"],
    [
      "that enforces a version warns by it",
      { enforce: "baseline", "enforce-version": "v1.25" },
      "baseline:v1.25 privileged:latest baseline:v1.25",
    ],
    [
      "that enforces a version and warns by another",
      { enforce: "baseline", "enforce-version": "v1.25", "warn-version": "v1.30" },
      "baseline:v1.25 privileged:latest baseline:v1.30",
    ],
    [
      "that wants no warnings",
      { enforce: "baseline", warn: "privileged" },
      "baseline:latest privileged:latest privileged:latest",
    ],
    [
      "with all labels",
      { enforce: "privileged", audit: "baseline", warn: "restricted", "audit-version": "latest" },
      "privileged:latest baseline:latest restricted:latest",
    ],
  ])("%s", (_, labels, expected) => {
    expect(read(labels)).toEqual({ policy: expected, errors: [] });
  });

  it("falls back to the defaults, label by label", () => {
    expect(read({ "audit-version": "v1.31" }, DEFAULTS).policy).toBe(
      "privileged:latest baseline:v1.31 privileged:latest",
    );
  });

  it("fails closed where it is enforced, open where it is not, and tells of each fault", () => {
    expect(
      read({ enforce: "Baseline", audit: "x", warn: "", "enforce-version": "1.25", "warn-version": "v1.01" }),
    ).toEqual({
      policy: "restricted:latest privileged:latest privileged:latest",
      errors: [
        'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "Baseline": must be one of privileged, baseline, restricted',
        'metadata.labels[pod-security.kubernetes.io/enforce-version]: Invalid value: "1.25": must be "latest" or "v1.x"',
        'metadata.labels[pod-security.kubernetes.io/audit]: Invalid value: "x": must be one of privileged, baseline, restricted',
        'metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: "": must be one of privileged, baseline, restricted',
        'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "v1.01": must be "latest" or "v1.x"',
      ],
    });
  });
});
