import { describe, expect, it } from "vitest";
import { formatLabelSelector, matchesLabels, requirementsOf, type LabelRequirement } from "./selectors.ts";
import { parseFieldSelector, parseLabelSelector } from "./selector-text.ts";

describe("label selectors", () => {
  const cases: [string, LabelRequirement[]][] = [
    ["", []],
    ["  ", []],
    ["a=b", [{ key: "a", operator: "In", values: ["b"] }]],
    ["a==b", [{ key: "a", operator: "In", values: ["b"] }]],
    ["a = b", [{ key: "a", operator: "In", values: ["b"] }]],
    ["a!=b", [{ key: "a", operator: "NotIn", values: ["b"] }]],
    ["a=", [{ key: "a", operator: "In", values: [""] }]],
    ["a=in", [{ key: "a", operator: "In", values: ["in"] }]],
    ["in in (in,notin)", [{ key: "in", operator: "In", values: ["in", "notin"] }]],
    [
      "x in (foo,,baz),y,z notin ()",
      [
        { key: "x", operator: "In", values: ["", "baz", "foo"] },
        { key: "y", operator: "Exists" },
        { key: "z", operator: "NotIn", values: [""] },
      ],
    ],
    ["!a", [{ key: "a", operator: "DoesNotExist" }]],
    [
      "b,a",
      [
        { key: "a", operator: "Exists" },
        { key: "b", operator: "Exists" },
      ],
    ],
    [
      "a>1,b<2",
      [
        { key: "a", operator: "Gt", value: 1 },
        { key: "b", operator: "Lt", value: 2 },
      ],
    ],
    ["example.com/a in (b)", [{ key: "example.com/a", operator: "In", values: ["b"] }]],
  ];
  it.each(cases)("%s", (text, expected) => expect(parseLabelSelector(text)).toEqual(expected));

  const faults: [string, string][] = [
    ["a=b=c", "found '=', expected: ',' or 'end of string'"],
    ["a,", "found '', expected: identifier after ','"],
    [",", "found ',', expected: !, identifier, or 'end of string'"],
    ["a in b", "unable to parse requirement: found 'b' expected: '('"],
    ["a in (b", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["!a=b", "found '=', expected: ',' or 'end of string'"],
    [
      "a>x",
      "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
    ],
    [
      "-=b",
      "unable to parse requirement: <nil>: Invalid value: \"-\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  ];
  it.each(faults)("refuses %s", (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(expect.objectContaining({ message, code: 400 }));
  });

  it.each([
    [Array.from({ length: 501 }, (_, at) => `k${at}`).join(","), "too many requirements: must have at most 500"],
    [`a in (${"b,".repeat(10_000)}b)`, "too many values: must have at most 10000"],
    ["(".repeat(1_000_000), "found '(', expected: !, identifier, or 'end of string'"],
  ])("bounds %.20s …", (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(message);
  });

  it("bounds field selectors", () => {
    const terms = Array.from({ length: 501 }, (_, at) => `metadata.name!=k${at}`);
    expect(() => parseFieldSelector(terms.join(","))).toThrow("too many requirements: must have at most 500");
    expect(parseFieldSelector(terms.slice(1).join(","))).toHaveLength(500);
  });

  it("an absent selector of an object selects nothing, an empty one everything", () => {
    expect(matchesLabels(requirementsOf(undefined), {})).toBe(false);
    expect(matchesLabels(requirementsOf({}), {})).toBe(true);
  });

  it("matches both halves of an object's selector", () => {
    const requirements = requirementsOf({
      matchLabels: { app: "web" },
      matchExpressions: [{ key: "tier", operator: "NotIn", values: ["back"] }],
    });
    expect(matchesLabels(requirements, { app: "web" })).toBe(true);
    expect(matchesLabels(requirements, { app: "web", tier: "back" })).toBe(false);
    expect(matchesLabels(requirements, { tier: "front" })).toBe(false);
  });

  it("what it writes it reads", () => {
    const selector = {
      matchLabels: { b: "2", a: "1" },
      matchExpressions: [
        { key: "c", operator: "In" as const, values: ["y", "x"] },
        { key: "d", operator: "DoesNotExist" as const },
      ],
    };
    expect(formatLabelSelector(selector)).toBe("a=1,b=2,c in (x,y),!d");
    expect(parseLabelSelector(formatLabelSelector(selector))).toEqual(
      requirementsOf(selector).toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    );
  });
});

describe("field selectors", () => {
  it.each([
    ["", []],
    ["metadata.name=a", [{ field: "metadata.name", operator: "=", value: "a" }]],
    [
      "spec.nodeName!=,b==c",
      [
        { field: "b", operator: "=", value: "c" },
        { field: "spec.nodeName", operator: "!=", value: "" },
      ],
    ],
    ["a=\\,\\=\\\\,", [{ field: "a", operator: "=", value: ",=\\" }]],
  ])("%s", (text, expected) => expect(parseFieldSelector(text)).toEqual(expected));

  it.each([
    ["a", "invalid selector: 'a'; can't understand 'a'"],
    ["a=b=c", "invalid field selector: unescaped character in value: 61"],
    ["a=\\n", "invalid field selector: invalid escape sequence: \\n"],
  ])("refuses %s", (text, message) => expect(() => parseFieldSelector(text)).toThrow(message));
});
