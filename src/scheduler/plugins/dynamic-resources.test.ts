import { expect, test } from "vitest";
import { dynamicResources } from "./dynamic-resources.ts";
import { labelled, refusals } from "./plugins.fixture.ts";

test("a pod that claims devices is told that it cannot have them", () => {
  const pod = { resourceClaims: [{ name: "gpu", resourceClaimName: "c" }] };
  expect(refusals(dynamicResources, { nodes: [labelled("a")], pod })).toEqual({ a: "cannot allocate all claims" });
  expect(refusals(dynamicResources, { nodes: [labelled("a")] })).toEqual({ a: "" });
});
