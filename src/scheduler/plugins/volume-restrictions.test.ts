import { expect, test } from "vitest";
import type { PodSpec, Volume } from "../../kinds/core/pods/types.ts";
import { labelled, placed, refusals } from "./plugins.fixture.ts";
import { claim, mounting } from "./storage.fixture.ts";
import { volumeRestrictions } from "./volume-restrictions.ts";

const nodes = [labelled("a"), labelled("b")];
const NO_DISK = "node(s) had no available disk";
const disks = (...volumes: Omit<Volume, "name">[]): Partial<PodSpec> => ({
  volumes: volumes.map((one, at) => ({ name: `v${at}`, ...one })),
});

test.each<[string, Omit<Volume, "name">, Omit<Volume, "name">, string]>([
  ["the same disk", { gcePersistentDisk: { pdName: "d" } }, { gcePersistentDisk: { pdName: "d" } }, NO_DISK],
  [
    "both read",
    { gcePersistentDisk: { pdName: "d", readOnly: true } },
    { gcePersistentDisk: { pdName: "d", readOnly: true } },
    "",
  ],
  ["another disk", { awsElasticBlockStore: { volumeID: "d" } }, { awsElasticBlockStore: { volumeID: "e" } }, ""],
  [
    "a disk of one machine",
    { awsElasticBlockStore: { volumeID: "d" } },
    { awsElasticBlockStore: { volumeID: "d" } },
    NO_DISK,
  ],
  ["the same target", { iscsi: { iqn: "t" } }, { iscsi: { iqn: "t", readOnly: true } }, NO_DISK],
  [
    "a shared monitor",
    { rbd: { monitors: ["x", "y"], image: "i" } },
    { rbd: { monitors: ["y"], image: "i" } },
    NO_DISK,
  ],
  ["another image", { rbd: { monitors: ["x"], image: "i" } }, { rbd: { monitors: ["x"], image: "j" } }, ""],
])("%s", (_, there, wanted, expected) => {
  const scene = { nodes, pods: [placed("x", "a", {}, disks(there))], pod: disks(wanted) };
  expect(refusals(volumeRestrictions, scene)).toEqual({ a: expected, b: "" });
});

test("a claim for one pod is one pod's, on whatever node", () => {
  const pods = [placed("x", "a", {}, mounting("c"))];
  const said = (mode: "ReadWriteOnce" | "ReadWriteOncePod") =>
    refusals(volumeRestrictions, {
      nodes,
      pods,
      pod: mounting("c"),
      tables: (tables) => tables.claims.set(claim("c", { accessModes: [mode] })),
    });
  const reason =
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";
  expect(said("ReadWriteOncePod")).toEqual({ a: reason, b: reason });
  expect(said("ReadWriteOnce")).toEqual({ a: "", b: "" });
  expect(refusals(volumeRestrictions, { nodes, pod: mounting("c") })).toBe('persistentvolumeclaim "c" not found');
});
