import { describe, expect, it } from "vitest";
import { withSeed, type Dice } from "../../../test/harness/seeded.ts";
import { createSchema } from "../../schema/schema.ts";
import type { SchemaNode } from "../schema.ts";
import { isStatusError } from "../status-error.ts";
import { applyPatch } from "./apply-patch.ts";

const schema = createSchema();
function node(definition: string): SchemaNode {
  const found = schema.node(definition);
  if (!found) throw new Error(`no ${definition}`);
  return found;
}
const POD = node("io.k8s.api.core.v1.Pod");
const DEPLOYMENT = node("io.k8s.api.apps.v1.Deployment");

function apply(original: unknown, patch: unknown, of: SchemaNode | undefined = POD): unknown {
  return applyPatch({ type: "strategic", original, patch, ...(of ? { schema: of } : {}) });
}

const containers = (...list: unknown[]) => ({ spec: { containers: list } });
const finalizers = (...list: string[]) => ({ metadata: { finalizers: list } });

describe("strategic merge patch", () => {
  const A = { name: "a", image: "x:1" };
  const B = { name: "b", image: "y:1" };
  const C = { name: "c", image: "z:1" };

  it.each<[string, unknown, unknown, unknown]>([
    [
      "merges maps",
      { metadata: { labels: { a: "1", b: "2" } } },
      { metadata: { labels: { b: "3", c: "4" } } },
      { metadata: { labels: { a: "1", b: "3", c: "4" } } },
    ],
    [
      "deletes by null",
      { metadata: { labels: { a: "1", b: "2" }, name: "n" } },
      { metadata: { labels: { a: null, z: null }, generateName: null } },
      { metadata: { labels: { b: "2" }, name: "n" } },
    ],
    [
      "merges a list by its key",
      containers(A, B),
      containers({ name: "b", image: "y:2" }),
      containers(A, { name: "b", image: "y:2" }),
    ],
    ["puts what is new in front", containers(A), containers(B), containers(B, A)],
    ["puts what is new after what it follows in the patch", containers(A, B), containers(A, C), containers(A, C, B)],
    [
      "orders as the directive says",
      containers(A, B),
      { spec: { containers: [C], "$setElementOrder/containers": [{ name: "a" }, { name: "b" }, { name: "c" }] } },
      containers(A, B, C),
    ],
    [
      "only orders where there are no items",
      containers(A, B, C),
      { spec: { "$setElementOrder/containers": [{ name: "c" }, { name: "a" }] } },
      containers(B, C, A),
    ],
    [
      "keeps what the order does not name in its place",
      containers(A, B, C),
      {
        spec: {
          containers: [{ name: "a", image: "x:2" }],
          "$setElementOrder/containers": [{ name: "a" }, { name: "c" }],
        },
      },
      containers({ name: "a", image: "x:2" }, B, C),
    ],
    ["deletes an item", containers(A, B), containers({ $patch: "delete", name: "a" }), containers(B)],
    [
      "deletes one item and adds another",
      containers(A, B),
      {
        spec: {
          containers: [C, { $patch: "delete", name: "b" }],
          "$setElementOrder/containers": [{ name: "a" }, { name: "c" }],
        },
      },
      containers(A, C),
    ],
    ["deletes no item", containers(A), containers({ $patch: "delete", name: "z" }), containers(A)],
    ["replaces a list", containers(A, B), containers({ $patch: "replace" }, C), containers(C)],
    [
      "merges lists in lists",
      containers({ ...A, env: [{ name: "X", value: "1" }], ports: [{ containerPort: 80, name: "web" }] }),
      containers({ name: "a", env: [{ name: "X", value: "2" }], ports: [{ containerPort: 80, hostPort: 8080 }] }),
      containers({
        ...A,
        env: [{ name: "X", value: "2" }],
        ports: [{ containerPort: 80, name: "web", hostPort: 8080 }],
      }),
    ],
    [
      "replaces a list that has no key",
      containers({ ...A, args: ["1", "2"] }),
      containers({ name: "a", args: ["3"] }),
      containers({ ...A, args: ["3"] }),
    ],
    [
      "replaces tolerations, as their type says",
      { spec: { tolerations: [{ key: "a" }] } },
      { spec: { tolerations: [{ key: "b" }] } },
      { spec: { tolerations: [{ key: "b" }] } },
    ],
    ["merges a list of strings", finalizers("a/1", "b/1"), finalizers("b/1", "c/1"), finalizers("a/1", "b/1", "c/1")],
    [
      "deletes from a list of strings",
      finalizers("a/1", "b/1"),
      { metadata: { "$deleteFromPrimitiveList/finalizers": ["a/1", "z/1"] } },
      finalizers("b/1"),
    ],
    [
      "deletes, adds and orders strings at once",
      finalizers("a/1", "b/1"),
      {
        metadata: {
          finalizers: ["c/1"],
          "$deleteFromPrimitiveList/finalizers": ["a/1"],
          "$setElementOrder/finalizers": ["c/1", "b/1"],
        },
      },
      finalizers("c/1", "b/1"),
    ],
    [
      "deletes from a list that is not there",
      { metadata: { name: "n" } },
      { metadata: { "$deleteFromPrimitiveList/finalizers": ["a/1"] } },
      { metadata: { name: "n" } },
    ],
    [
      "retains keys",
      { spec: { volumes: [{ name: "v", emptyDir: { medium: "Memory" } }] } },
      { spec: { volumes: [{ name: "v", $retainKeys: ["name", "hostPath"], hostPath: { path: "/x" } }] } },
      { spec: { volumes: [{ name: "v", hostPath: { path: "/x" } }] } },
    ],
    [
      "replaces a map",
      { spec: { nodeSelector: { a: "1" } } },
      { spec: { nodeSelector: { $patch: "replace", b: "2" } } },
      { spec: { nodeSelector: { b: "2" } } },
    ],
    [
      "empties a map",
      { spec: { nodeSelector: { a: "1" } } },
      { spec: { nodeSelector: { $patch: "delete" } } },
      { spec: { nodeSelector: {} } },
    ],
    [
      "merges a map that says so",
      { metadata: { name: "n" } },
      { metadata: { $patch: "merge", uid: "u" } },
      { metadata: { name: "n", uid: "u" } },
    ],
    [
      "drops directives for what is not there",
      { spec: {} },
      { spec: { nodeSelector: { $patch: "delete" } } },
      { spec: {} },
    ],
    [
      "drops nulls and directives inside of what is new",
      { spec: {} },
      containers(
        { ...A, tty: null, env: [{ name: "X" }], "$setElementOrder/env": [{ name: "X" }] },
        { $patch: "delete", name: "z" },
      ),
      containers({ ...A, env: [{ name: "X" }] }),
    ],
    [
      "takes the order of a new list",
      { spec: {} },
      { spec: { containers: [A, B], "$setElementOrder/containers": [{ name: "a" }, { name: "b" }] } },
      containers(A, B),
    ],
    [
      "deletes a list that has an order",
      containers(A),
      { spec: { containers: null, "$setElementOrder/containers": [] } },
      { spec: {} },
    ],
    ["replaces a value of another type", { spec: { x: "1" } }, { spec: { x: { y: 2 } } }, { spec: { x: { y: 2 } } }],
    ["leaves alone", containers(A), {}, containers(A)],
  ])("%s", (_, original, patch, expected) => {
    const before = JSON.stringify([original, patch]);
    const result = apply(original, patch);
    // Text: the order of lists counts, and nothing undefined may be left.
    expect(JSON.parse(JSON.stringify(result))).toEqual(expected);
    expect(JSON.stringify([original, patch])).toBe(before);
  });

  it("changes the strategy of a Deployment as kubectl apply does", () => {
    const original = { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } };
    expect(apply(original, patch, DEPLOYMENT)).toEqual({ spec: { strategy: { type: "Recreate" } } });
  });

  it("replaces lists where it knows no type", () => {
    const result = applyPatch({ type: "strategic", original: containers(A), patch: containers(B) });
    expect(result).toEqual(containers(B));
  });

  it.each<[string, unknown]>([
    ["a list", []],
    ["an unknown directive", { spec: { $patch: "frobnicate" } }],
    ["an unknown directive of an item", containers({ $patch: "frobnicate", name: "a" })],
    ["merge as a directive of an item", containers({ $patch: "merge", name: "a" })],
    ["an item without its key", containers({ image: "x:2" })],
    ["a deletion without its key", containers({ $patch: "delete" })],
    ["a string among maps", containers("a")],
    ["a retained list that misses a member", { spec: { $retainKeys: ["volumes"], hostname: "x" } }],
    ["a retained list that is none", { spec: { $retainKeys: "volumes" } }],
    ["an order that is no list", { spec: { "$setElementOrder/containers": "a" } }],
    ["an order of nothing", { spec: { $setElementOrder: [] } }],
    ["a deletion from nothing", { spec: { $deleteFromPrimitiveList: ["a"] } }],
    [
      "an item that the order does not name",
      { spec: { containers: [B], "$setElementOrder/containers": [{ name: "a" }] } },
    ],
    [
      "items in another order",
      { spec: { containers: [B, A], "$setElementOrder/containers": [{ name: "a" }, { name: "b" }] } },
    ],
    ["__proto__", JSON.parse('{"spec":{"__proto__":{"polluted":true}}}')],
    ["__proto__ in what is new", JSON.parse('{"spec":{"nodeSelector":{"__proto__":{"polluted":true}}}}')],
  ])("refuses %s", (_, patch) => {
    let refusal: unknown;
    try {
      apply(containers(A), patch);
    } catch (error) {
      refusal = error;
    }
    expect(isStatusError(refusal, "BadRequest") && refusal.code).toBe(400);
    expect({}).not.toHaveProperty("polluted");
  });

  it("applied twice gives the same as applied once, and never changes its arguments", async () => {
    await withSeed(async (dice) => {
      for (let round = 0; round < 500; round++) {
        const original = randomPod(dice);
        const patch = randomPatch(dice);
        const before = JSON.stringify([original, patch]);
        const once = JSON.stringify(apply(original, patch));
        expect(JSON.stringify(apply(JSON.parse(once), patch))).toBe(once);
        expect(JSON.stringify([original, patch])).toBe(before);
        expect(once).not.toContain("$");
      }
    });
  });

  it("brings a list into the order asked for and leaves the others where they were", async () => {
    await withSeed(async (dice) => {
      for (let round = 0; round < 500; round++) {
        const original = randomPod(dice);
        const wanted = shuffled(dice, NAMES).slice(0, dice.roll(NAMES.length + 1));
        const items = wanted.filter(() => dice.chance(0.5)).map((name) => ({ name, image: `new:${dice.roll(9)}` }));
        const patch = {
          spec: { containers: items, "$setElementOrder/containers": wanted.map((name) => ({ name })) },
        };
        const names = namesOf(apply(original, patch));
        const live = namesOf(original);
        const known = new Set([...live, ...items.map(({ name }) => name)]);
        expect(names.filter((name) => wanted.includes(name))).toEqual(wanted.filter((name) => known.has(name)));
        expect(names.filter((name) => !wanted.includes(name))).toEqual(live.filter((name) => !wanted.includes(name)));
      }
    });
  });
});

const NAMES = ["a", "b", "c", "d", "e"];

interface SomePod {
  metadata: { finalizers: string[] };
  spec: { containers: { name: string }[] };
}

function namesOf(pod: unknown): string[] {
  return (pod as SomePod).spec.containers.map(({ name }) => name);
}

function shuffled(dice: Dice, from: readonly string[]): string[] {
  const rest = [...from];
  return from.map(() => rest.splice(dice.roll(rest.length), 1)[0] ?? "");
}

const some = (dice: Dice) => shuffled(dice, NAMES).slice(0, dice.roll(NAMES.length + 1));

function randomContainer(dice: Dice, name: string) {
  const env = some(dice).map((key) => ({ name: key, value: String(dice.roll(3)) }));
  return { name, image: `x:${dice.roll(3)}`, env, args: some(dice) };
}

function randomPod(dice: Dice): SomePod {
  return {
    metadata: { finalizers: some(dice) },
    spec: { containers: some(dice).map((name) => randomContainer(dice, name)) },
  };
}

/** Without the combination "deleted and added again", which no order can make idempotent. */
function randomPatch(dice: Dice): unknown {
  const deleted = dice.chance(0.5) ? dice.pick(NAMES) : undefined;
  const items = some(dice)
    .filter((name) => name !== deleted)
    .map((name) => ({ ...randomContainer(dice, name), ...(dice.chance(0.3) ? { args: null } : {}) }));
  const removal = deleted === undefined ? [] : [{ $patch: "delete", name: deleted }];
  const order = dice.chance(0.5) ? { "$setElementOrder/containers": items.map(({ name }) => ({ name })) } : {};
  const gone = dice.pick(NAMES);
  return {
    metadata: {
      finalizers: some(dice).filter((name) => name !== gone),
      "$deleteFromPrimitiveList/finalizers": [gone],
    },
    spec: { containers: [...items, ...removal], ...order },
  };
}
