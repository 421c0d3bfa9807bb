import { expect, test } from "vitest";
import { metaOf } from "../../controller-runtime/views.fixture.ts";
import { nodeVolumeLimits } from "./node-volume-limits.ts";
import { labelled, placed, refusals } from "./plugins.fixture.ts";
import { claim, mounting, volume } from "./storage.fixture.ts";

test.each<[string, number | undefined, string[], string]>([
  ["full", 1, ["new"], "node(s) exceed max volume count"],
  ["room for one", 2, ["new"], ""],
  ["one that is there already", 1, ["old"], ""],
  ["no limit", undefined, ["new"], ""],
])("%s", (_, limit, names, expected) => {
  const scene = {
    nodes: [labelled("a")],
    pods: [placed("x", "a", {}, mounting("old"))],
    pod: mounting(...names),
    tables: (tables: Parameters<NonNullable<Parameters<typeof refusals>[1]["tables"]>>[0]) => {
      for (const name of ["old", "new"]) {
        tables.claims.set(claim(name, { volumeName: name }));
        tables.volumes.set(volume(name, { csi: { driver: "d", volumeHandle: name } }));
      }
      const limits: Record<string, number> = limit === undefined ? {} : { d: limit };
      tables.csiNodes.set({ metadata: metaOf("a", { namespace: "" }), limits });
    },
  };
  expect(refusals(nodeVolumeLimits, scene)).toEqual({ a: expected });
});
