import { expect, test } from "vitest";
import { labelled, refusals } from "./plugins.fixture.ts";
import { claim, mounting, volume } from "./storage.fixture.ts";
import { volumeZone } from "./volume-zone.ts";

const ZONE = "topology.kubernetes.io/zone";
const OLD_ZONE = "failure-domain.beta.kubernetes.io/zone";
const NO = "node(s) had no available volume zone";
const nodes = [labelled("a", { [ZONE]: "a" }), labelled("b", { [ZONE]: "b" }), labelled("none")];

test.each<[string, Record<string, string>, Record<string, string> | string]>([
  ["a volume of a zone", { [ZONE]: "a" }, { a: "", b: NO, none: "" }],
  ["a volume of two zones", { [ZONE]: "a__b" }, { a: "", b: "", none: "" }],
  ["the old name of the label", { [OLD_ZONE]: "b" }, { a: NO, b: "", none: "" }],
  ["a volume of no zone", {}, { a: "", b: "", none: "" }],
])("%s", (_, labels, expected) => {
  const found = refusals(volumeZone, {
    nodes,
    pod: mounting("c"),
    tables(tables) {
      tables.claims.set(claim("c", { volumeName: "v" }));
      tables.volumes.set(volume("v", {}, labels));
    },
  });
  expect(found).toEqual(expected);
});

const said = (spec: Parameters<typeof claim>[1]) =>
  refusals(volumeZone, { nodes, pod: mounting("c"), tables: (tables) => tables.claims.set(claim("c", spec)) });

test("a claim of which nobody can say where its volume is", () => {
  expect(said({ volumeName: "gone" })).toBe('persistentvolume "gone" not found');
  expect(said({})).toBe("PersistentVolumeClaim had no pv name and storageClass name");
  expect(said({ storageClassName: "x" })).toBe('storageclass.storage.k8s.io "x" not found');
});
