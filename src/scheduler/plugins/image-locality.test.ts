import { expect, test } from "vitest";
import { node } from "../../controller-runtime/views.fixture.ts";
import { imageLocality } from "./image-locality.ts";
import { scores } from "./plugins.fixture.ts";

const MIB = 1024 * 1024;
const having = (name: string, images: Record<string, number>) =>
  node(name, {
    status: {
      allocatable: { pods: "110" },
      images: Object.entries(images).map(([image, mib]) => ({ names: [image], sizeBytes: mib * MIB })),
    },
  });
const container = (image: string) => ({ name: "c", image });

test.each<[string, Record<string, number>, Record<string, number>, string[], Record<string, number>]>([
  ["the node that has it, less as others have not", { "x:1": 1000 }, {}, ["x:1"], { a: 48, b: 0 }],
  ["all have it", { "x:1": 1000 }, { "x:1": 1000 }, ["x:1"], { a: 100, b: 100 }],
  ["too small to matter", { "x:1": 20 }, { "x:1": 20 }, ["x:1"], { a: 0, b: 0 }],
  ["no tag is the latest", { "host:80/x:latest": 1000 }, {}, ["host:80/x"], { a: 48, b: 0 }],
  ["two containers", { "x:1": 1000, "y:1": 1000 }, {}, ["x:1", "y:1"], { a: 49, b: 0 }],
])("%s", (_, a, b, images, expected) => {
  const pod = { containers: images.map(container) };
  expect(scores(imageLocality, { nodes: [having("a", a), having("b", b)], pod })).toEqual(expected);
});
