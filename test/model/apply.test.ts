/** Properties of server-side apply over random objects. Each run prints its seed; withSeed(run, seed) repeats one. */
import { expect, it } from "vitest";
import { applyConfiguration, type Applied } from "../../src/machinery/apply/apply-configuration.ts";
import { typeFaults } from "../../src/machinery/apply/check-typed.ts";
import { compareObjects } from "../../src/machinery/apply/compare.ts";
import {
  difference,
  fieldAt,
  fieldPaths,
  hasField,
  intersection,
  union,
  type FieldSet,
} from "../../src/machinery/apply/field-tree.ts";
import { createFieldTypes } from "../../src/machinery/apply/field-type.ts";
import { fieldsOf } from "../../src/machinery/apply/fields-of.ts";
import { managedFieldsOf, sentManagers, type Manager } from "../../src/machinery/apply/managers.ts";
import { readFieldsV1 } from "../../src/machinery/apply/path-element.ts";
import { trackUpdate } from "../../src/machinery/apply/track-update.ts";
import type { Versions } from "../../src/machinery/apply/versions.ts";
import { withSeed, type Dice } from "../harness/seeded.ts";
import { createNode, overlaid, randomObject, settled, split, withoutSome, type Value } from "./apply-model.ts";

const type = createFieldTypes()(createNode());
const versions: Versions = {
  apiVersion: "v1",
  typeOf: (version) => (version === "v1" ? type : undefined),
  convert: (o) => o,
};

interface State {
  object: Value;
  managers: readonly Manager[];
}

const NOTHING: State = { object: {}, managers: [] };

function attempt({ object, managers }: State, by: string, config: Value, { force = false, time = "1" } = {}): Applied {
  return applyConfiguration({
    live: object,
    config,
    managers,
    by: { manager: by, operation: "Apply", apiVersion: "v1", subresource: "" },
    force,
    time,
    versions,
    ownable: (set) => set,
    ownedParts: (all) => all,
  });
}

function apply(state: State, by: string, config: Value, options?: { force?: boolean; time?: string }): State {
  const applied = attempt(state, by, config, options);
  if ("conflicts" in applied) throw new Error(`conflicts: ${JSON.stringify(applied.conflicts)}`);
  return { object: applied.object as Value, managers: applied.managers };
}

function update({ object, managers }: State, by: string, next: Value): State {
  const name = { manager: by, operation: "Update" as const, apiVersion: "v1", subresource: "" };
  const change = { live: object, next, versions, ownable: (set: FieldSet) => set };
  return { object: next, managers: trackUpdate({ ...change, managers, by: name, time: "1" }) };
}

/** The managers by name, with the paths they own. */
function owned({ managers }: State): Record<string, string[]> {
  return Object.fromEntries(managers.map(({ manager, fields }) => [manager, flat(fields)]));
}

function flat(set: FieldSet): string[] {
  return fieldPaths(set)
    .map((path) => path.join("\n"))
    .toSorted();
}

async function times(count: number, run: (dice: Dice) => void): Promise<void> {
  await withSeed(async (dice) => {
    for (let i = 0; i < count; i++) run(dice);
  });
}

it("makes objects that are of their type", async () => {
  await times(100, (dice) => expect(typeFaults(randomObject(dice), type)).toEqual([]));
});

it("applying twice changes nothing", async () => {
  await times(150, (dice) => {
    const others = apply(NOTHING, "other", randomObject(dice));
    const config = randomObject(dice);
    const once = apply(others, "me", config, { force: true });
    const twice = attempt(once, "me", structuredClone(config), { time: "2" });
    expect(twice).toMatchObject({ changed: false });
    expect(apply(once, "me", config, { time: "2" })).toEqual(once);
  });
});

it("managers of disjoint fields never conflict, and the object has what both want", async () => {
  await times(150, (dice) => {
    const whole = randomObject(dice);
    const [mine, theirs] = split(dice, whole);
    const both = apply(apply(NOTHING, "me", mine), "they", theirs);
    expect(settled(both.object)).toEqual(settled(whole));
    const again = apply(both, "me", mine);
    expect(again.object).toEqual(both.object);
    expect(managedFieldsOf(again.managers)).toEqual(managedFieldsOf(both.managers));
  });
});

it("what a manager drops and nobody else owns disappears; what somebody else owns stays", async () => {
  await times(150, (dice) => {
    const before = randomObject(dice);
    const theirs = randomObject(dice);
    const after = withoutSome(dice, before);
    let state = apply(NOTHING, "me", before);
    state = apply(state, "they", theirs, { force: true });
    state = apply(state, "me", after, { force: true });
    expect(settled(state.object)).toEqual(settled(overlaid(theirs, after)));
  });
});

it("what nobody applied stays when appliers come and go", async () => {
  await times(100, (dice) => {
    const found = randomObject(dice);
    const config = randomObject(dice);
    let state = apply({ object: found, managers: [] }, "me", config, { force: true });
    const taken = settled(state.object);
    expect(taken).toEqual(settled(overlaid(found, config)));
    state = update(state, "editor", { ...state.object, text: "edited" });
    const left = apply(state, "me", {}, { force: true });
    expect(left.object["text"]).toBe("edited");
  });
});

it("a conflict is exactly a field that another owns and that would change", async () => {
  await times(150, (dice) => {
    const theirs = randomObject(dice);
    const mine = randomObject(dice);
    const state = apply(NOTHING, "they", theirs);
    const applied = attempt(state, "me", mine);
    const change = compareObjects(theirs, apply(state, "me", mine, { force: true }).object, type);
    const expected = flat(intersection(fieldsOf(theirs, type), union(change.modified, change.added)));
    const found = "conflicts" in applied ? applied.conflicts.map(({ path }) => path.join("\n")).toSorted() : [];
    expect(found).toEqual(expected);
  });
});

it("an update moves exactly what it changes, and nobody owns what is gone", async () => {
  await times(150, (dice) => {
    const first = update(NOTHING, "creator", randomObject(dice));
    const state = apply(first, "applier", randomObject(dice), { force: true });
    const next = dice.chance(0.5) ? randomObject(dice) : withoutSome(dice, state.object);
    const { added, modified, removed } = compareObjects(state.object, next, type);
    const result = owned(update(state, "editor", next));
    const gained = flat(union(added, modified));
    expect(result["editor"] ?? []).toEqual(gained);
    const lost = new Set([...gained, ...flat(removed)]);
    for (const [manager, fields] of Object.entries(owned(state))) {
      expect(result[manager] ?? []).toEqual(fields.filter((field) => !lost.has(field)));
    }
  });
});

it("sets of fields behave as sets of paths", async () => {
  await times(150, (dice) => {
    const [left, right] = [fieldsOf(randomObject(dice), type), fieldsOf(randomObject(dice), type)];
    const [a, b] = [new Set(flat(left)), new Set(flat(right))];
    expect(flat(union(left, right))).toEqual([...new Set([...a, ...b])].toSorted());
    expect(flat(intersection(left, right))).toEqual([...a].filter((path) => b.has(path)).toSorted());
    expect(flat(difference(left, right))).toEqual([...a].filter((path) => !b.has(path)).toSorted());
    expect(difference(left, left)).toBeUndefined();
    expect(union(left, left)).toBe(left);
    for (const path of fieldPaths(right)) {
      expect(hasField(left, path)).toBe(a.has(path.join("\n")));
      expect(flat(fieldAt(path))).toEqual([path.join("\n")]);
    }
  });
});

it("sets of fields survive the way through FieldsV1, however a client writes them", async () => {
  await times(100, (dice) => {
    const fields = fieldsOf(randomObject(dice), type);
    if (!fields) return;
    const manager: Manager = { manager: "m", operation: "Apply", apiVersion: "v1", subresource: "", time: "1", fields };
    expect(sentManagers(JSON.parse(JSON.stringify(managedFieldsOf([manager]))))).toEqual([manager]);
    const rewritten = JSON.stringify(fields).replaceAll(
      /k:\{\\"port\\":(\d+),\\"protocol\\":\\"TCP\\"\}/g,
      'k:{ \\"protocol\\": \\"TCP\\", \\"port\\": $1 }',
    );
    expect(readFieldsV1(JSON.parse(rewritten))).toEqual(fields);
  });
});
