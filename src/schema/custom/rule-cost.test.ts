/**
 * What rules cost at most. The figures are those that k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/compilation_test.go expects of
 * the same schemas (TestCostEstimation), without a bound of their size and with one.
 */
import { describe, expect, it } from "vitest";
import { estimateCost } from "../../cel/cost.ts";
import { celEnvironment } from "../../cel/environment.ts";
import type { JsonSchema } from "./json-schema.ts";
import { RuleTypes, sizesIn } from "./rule-types.ts";

function costOf(schema: JsonSchema, rule: string): number {
  const type = new RuleTypes().of(schema);
  if (!type) throw new Error("rules cannot see the schema");
  const self = type.celType("selfType");
  const result = celEnvironment().with({ self, oldSelf: self }).compile(rule);
  if ("fault" in result) throw new Error(result.fault);
  return estimateCost(result.compiled, sizesIn(type)).max;
}

type Made = (max?: number) => JsonSchema;

function scalar(name: string): JsonSchema {
  if (name === "int-or-string") return { "x-kubernetes-int-or-string": true };
  return ["duration", "date", "date-time", "byte"].includes(name) ? { type: "string", format: name } : { type: name };
}

const array =
  (items: string | JsonSchema): Made =>
  (max) => ({
    type: "array",
    items: typeof items === "string" ? scalar(items) : items,
    ...(max === undefined ? {} : { maxItems: max }),
  });
const map =
  (values: string | JsonSchema): Made =>
  (max) => ({
    type: "object",
    additionalProperties: typeof values === "string" ? scalar(values) : values,
    ...(max === undefined ? {} : { maxProperties: max }),
  });
const text =
  (extra: JsonSchema = {}): Made =>
  (max) => ({
    type: "string",
    ...extra,
    ...(max === undefined ? {} : { maxLength: max }),
  });
const pair: JsonSchema = {
  type: "object",
  properties: { required: { type: "string" }, optional: { type: "string" } },
  required: ["required"],
};
const both: JsonSchema = {
  type: "object",
  properties: { required: { type: "string" }, alsoRequired: { type: "string" } },
  required: ["required"],
};
const numbers: JsonSchema = { type: "array", items: { type: "number" } };
const numberMap: JsonSchema = { type: "object", additionalProperties: { type: "number" } };
const texts: Made = (max) => ({ ...array(text()(max))(max), type: "array" });

describe("what rules cost at most", () => {
  const ALL = "self.all(x, true)";
  it.each<[string, Made, string, number, number, number]>([
    ["numbers", array("number"), ALL, 4718591, 10, 32],
    ["strings", array("string"), ALL, 3145727, 20, 62],
    ["booleans", array("boolean"), ALL, 1887437, 5, 17],
    ["lists of numbers", array(numbers), ALL, 3145727, 100, 302],
    ["objects", array(pair), ALL, 555128, 50, 152],
    ["a map of numbers", map("number"), ALL, 1348169, 10, 32],
    ["presence in a map", map("number"), "has(self.x)", 1, 100, 1],
    ["a map of strings", map("string"), ALL, 1179647, 3, 11],
    ["a map of booleans", map("boolean"), ALL, 943718, 100, 302],
    ["contains", text(), "self.contains('test')", 314574, 10, 5],
    ["startsWith", text(), "self.startsWith('test')", 2, 15, 2],
    ["endsWith", text(), "self.endsWith('test')", 2, 30, 2],
    ["joining texts", text(), `size(self + "hello") > size("hello")`, 314578, 4, 7],
    ["an item that is a number", array("number"), "self[1] == 0.0", 2, 5000, 2],
    ["an item that is a string", array("string"), "self[1] == self[1]", 314577, 8, 314577],
    ["a simple pattern", text(), `self.matches("x")`, 314574, 50, 22],
    ["a pattern and no text", text(), `"".matches("(((((((((())))))))))[0-9]")`, 7, 10, 7],
    ["an empty pattern", text(), `self.matches("")`, 1, 100, 1],
    ["values by keys", (max) => map(text()(max))(max), "self.all(x, x.contains(self[x]))", 2752507, 10, 72],
    ["a list without items", array("number"), "self[3] == 0.0", 2, 0, 2],
    ["a map without entries", map("number"), `self["x"] == 0.0`, 2, 0, 2],
    ["a string of no length", text(), `self == "x"`, 2, 0, 1],
    ["bytes of no length", text({ format: "byte" }), `self == b"x"`, 2, 0, 1],
    ["more items than fit", array("number"), "self.all(x, x == 0.0)", 6291454, 3 * 1024 * 2048, 25165826],
    [
      "lists of maps of objects",
      (max) => array(map(pair)(max))(max),
      `self.all(x, x["y"].required == "z")`,
      7340027,
      10,
      72,
    ],
    ["integers or strings", array("int-or-string"), ALL, 4718591, 10, 32],
    ["an item of these", array("int-or-string"), "self[0] == 5", 3, 10, 3],
    ["an item that is a boolean", array("boolean"), "self[0] == false", 2, 25, 2],
    ["an item that is an object", array(pair), "self[0] == null", 2, 422, 2],
    ["an item of an item", array(numbers), "self[0][0] == -1.0", 3, 51, 3],
    ["a list of maps", array(numberMap), "self.all(x, x.y == 25.2)", 6291452, 12, 74],
    ["an entry of an item", array(numberMap), "self[0].x > 2.0", 4, 3000, 4],
    ["durations", array("duration"), ALL, 2359295, 5, 17],
    ["a duration", array("duration"), "self[0].getHours() == 2", 4, 525, 4],
    ["dates", array("date"), ALL, 725936, 15, 47],
    ["a date", array("date"), "self[2].getDayOfMonth() == 13", 4, 42, 4],
    ["times", array("date-time"), ALL, 428963, 25, 77],
    ["a time", array("date-time"), "self[2].getMinutes() == 45", 4, 99, 4],
    ["a map of integers or strings", map("int-or-string"), ALL, 1348169, 15, 47],
    ["a map of maps", map(numberMap), ALL, 1179647, 10, 32],
    ["a map of lists", map(numbers), ALL, 1179647, 25, 77],
    ["a map of durations", map("duration"), ALL, 1048577, 5, 17],
    ["a map of dates", map("date"), ALL, 524288, 10, 32],
    ["a map of times", map("date-time"), ALL, 349526, 25, 77],
    ["find", text(), "self.find('[0-9]+') == ''", 629147, 10, 11],
    ["join", texts, "self.join(' ') == 'aa bb'", 329853068905, 10, 43],
    ["isSorted", texts, "self.isSorted() == true", 329854432052, 10, 52],
    [
      "replace",
      (max) => ({ type: "object", properties: { str: text()(max), before: text()(2), after: text()(4) } }),
      "self.str.replace(self.before, self.after) == 'does not matter'",
      629154,
      4,
      12,
    ],
    [
      "split",
      (max) => ({ type: "object", properties: { str: text()(max), separator: text()(max) } }),
      "self.str.split(self.separator) == []",
      629160,
      10,
      22,
    ],
    ["lowerAscii", text(), "self.lowerAscii() == 'lower!'", 314575, 10, 6],
    ["size", map("integer"), "oldSelf.size() == self.size()", 5, 10, 5],
    ["two times", map("date-time"), `self["a"] == self["b"]`, 8, 7, 8],
    ["two durations", map("duration"), `self["c"] == self["d"]`, 8, 42, 8],
    ["one of some strings", text({ enum: ["A", "B", "C", "LongValue"] }), "self.contains('A')", 2, 1000, 401],
    [
      "a quantity",
      (max) => ({ "x-kubernetes-int-or-string": true, ...(max === undefined ? {} : { maxLength: max }) }),
      "isQuantity(self)",
      314574,
      20,
      9,
    ],
  ])("%s", (_, schema, rule, unbounded, max, bounded) => {
    expect(costOf(schema(), rule)).toBe(unbounded);
    expect(costOf(schema(max), rule)).toBe(bounded);
  });

  it("grows with each loop in a loop", () => {
    expect(costOf(array("number")(10), "self.all(x, self.all(y, true))")).toBe(352);
    expect(costOf(array("number")(10), "self.all(x, self.all(y, self.all(z, true)))")).toBe(3552);
    expect(costOf(array("number")(), "self.all(x, self.all(y, true))")).toBeGreaterThan(10_000_000);
  });

  it("of objects in maps goes by their smallest form", () => {
    expect(costOf(map({ ...both, required: ["required", "alsoRequired"] })(), ALL)).toBeLessThan(
      costOf(map(both)(), ALL),
    );
  });
});
