import { expect, test } from "vitest";
import { metaOf } from "../../controller-runtime/views.fixture.ts";
import { nodeVolumeLimits } from "./node-volume-limits.ts";
import { labelled, placed, refusals } from "./plugins.fixture.ts";
import { claim, mounting, storageClass, volume } from "./storage.fixture.ts";

test.each<[string, number | undefined, string[], string[], string]>([
  ["full", 1, ["new"], [], "node(s) exceed max volume count"],
  ["room for one", 2, ["new"], [], ""],
  ["one that is there already", 1, ["old"], [], ""],
  ["no limit", undefined, ["new"], [], ""],
  ["full of what is attached for no pod", 2, ["new"], ["third"], "node(s) exceed max volume count"],
  ["room beside what is attached for no pod", 3, ["new"], ["third"], ""],
  ["one that is attached and used counts once", 2, ["new"], ["old"], ""],
  ["full, of a claim whose volume is not there", 1, ["lost"], [], "node(s) exceed max volume count"],
  ["room for a claim whose volume is not there", 2, ["lost"], [], ""],
])("%s", (_, limit, names, attached, expected) => {
  const scene = {
    nodes: [labelled("a")],
    pods: [placed("x", "a", {}, mounting("old"))],
    pod: mounting(...names),
    tables: (tables: Parameters<NonNullable<Parameters<typeof refusals>[1]["tables"]>>[0]) => {
      for (const name of ["old", "new", "third"]) {
        tables.claims.set(claim(name, { volumeName: name }));
        tables.volumes.set(volume(name, { csi: { driver: "d", volumeHandle: name } }));
      }
      tables.claims.set(claim("lost", { volumeName: "gone", storageClassName: "of-d" }));
      tables.storageClasses.set(storageClass("of-d", { provisioner: "d" }));
      for (const volumeName of attached) {
        const metadata = metaOf(`of-${volumeName}`, { namespace: "" });
        tables.attachments.set({ metadata, node: "a", attacher: "d", volumeName });
      }
      const limits: Record<string, number> = limit === undefined ? {} : { d: limit };
      tables.csiNodes.set({ metadata: metaOf("a", { namespace: "" }), limits });
    },
  };
  expect(refusals(nodeVolumeLimits, scene)).toEqual({ a: expected });
});
