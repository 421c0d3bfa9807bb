import { expect, test } from "vitest";
import { refusals, labelled } from "./plugins.fixture.ts";
import { nodeName } from "./node-name.ts";

test("a pod that names its node runs there alone; one that names none runs anywhere", () => {
  const nodes = [labelled("a"), labelled("b")];
  const elsewhere = "node(s) didn't match the requested node name";
  expect(refusals(nodeName, { nodes, pod: { nodeName: "a" } })).toEqual({ a: "", b: elsewhere });
  expect(refusals(nodeName, { nodes })).toEqual({ a: "", b: "" });
});
