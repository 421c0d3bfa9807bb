/** A patch that says what is there already changes nothing, whichever kind it is. */
import { expect, it } from "vitest";
import { withSeed, type Dice } from "../../../test/harness/seeded.ts";
import { createSchema } from "../../schema/schema.ts";
import { applyPatch } from "./apply-patch.ts";
import type { SchemaNode } from "../schema.ts";

const schema = createSchema();
const POD = "io.k8s.api.core.v1.Pod";

it("strategic, merge and JSON patches of the current state are no-ops", async () => {
  const node = schema.node(POD);
  if (!node) throw new Error(`no ${POD}`);
  await withSeed(async (dice) => {
    for (let round = 0; round < 400; round++) {
      const pod = randomPod(dice);
      const before = JSON.stringify(pod);
      const strategic = applyPatch({ type: "strategic", original: pod, patch: pod, schema: node });
      expect(JSON.stringify(strategic)).toBe(before);
      const part = somePart(dice, pod, node);
      const partial = applyPatch({ type: "strategic", original: pod, patch: part, schema: node });
      expect(JSON.stringify(partial), `by ${JSON.stringify(part)}`).toBe(before);
      expect(JSON.stringify(applyPatch({ type: "merge", original: pod, patch: pod }))).toBe(before);
      const operations = Object.entries(pod).flatMap(([key, value]) => [
        { op: "test", path: `/${key}`, value },
        { op: "replace", path: `/${key}`, value },
      ]);
      expect(JSON.stringify(applyPatch({ type: "json", original: pod, patch: operations }))).toBe(before);
    }
  });
});

/** Some members of a map; of a list that is merged some items, in their order, and of others the whole list. */
function somePart(dice: Dice, value: unknown, node: SchemaNode | undefined): unknown {
  if (Array.isArray(value)) {
    const { patchMergeKey: key, items } = node ?? {};
    if (key === undefined || !node?.patchStrategy?.includes("merge")) return value;
    const kept = value.filter(() => dice.chance(0.6)) as Record<string, unknown>[];
    return kept.map((item) => ({ ...(somePart(dice, item, items) as object), [key]: item[key] }));
  }
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(() => dice.chance(0.7));
  return Object.fromEntries(members.map(([key, member]) => [key, somePart(dice, member, node?.properties?.get(key))]));
}

const NAMES = ["a", "b", "c", "d"];

function some(dice: Dice): string[] {
  return NAMES.filter(() => dice.chance(0.5));
}

function randomPod(dice: Dice): Record<string, unknown> {
  return {
    metadata: {
      name: "p",
      labels: Object.fromEntries(some(dice).map((name) => [name, dice.pick(NAMES)])),
      finalizers: some(dice).map((name) => `example.com/${name}`),
    },
    spec: {
      containers: some(dice).map((name) => ({
        name,
        image: dice.pick(NAMES),
        args: some(dice),
        env: some(dice).map((key) => ({ name: key, value: dice.pick(NAMES) })),
        ports: some(dice).map((port, index) => ({ name: port, containerPort: 80 + index })),
      })),
      tolerations: some(dice).map((key) => ({ key, operator: "Exists" })),
      volumes: some(dice).map((name) => ({ name, emptyDir: {} })),
      securityContext: { supplementalGroups: [1, 2, 3].slice(dice.roll(3)) },
    },
  };
}
