import { describe, expect, it } from "vitest";
import { createDice } from "../../test/harness/seeded.ts";
import { compileRegexp, findRegexp, RegexpLimitError, testRegexp } from "./match.ts";
import { parseRegexp } from "./parse.ts";

const matches = (pattern: string, text: string): boolean => testRegexp(compileRegexp(parseRegexp(pattern)), text);

describe("matching", () => {
  it.each([
    ["", "", true],
    ["a", "bab", true],
    ["^a$", "ab", false],
    ["^(a|bc)*$", "abcbca", true],
    ["^a{2,3}$", "aaaa", false],
    ["^a{2,}$", "aaaa", true],
    ["^[^a-c]+$", "xyz", true],
    ["^\\d+(\\.\\d+)?%?$", "12.5%", true],
    ["(?i)^ÄB$", "äb", true],
    ["^.$", "\n", false],
    ["(?s)^.$", "\n", true],
    ["(?m)^b$", "a\nb\nc", true],
    ["\\bfoo\\b", "a foo b", true],
    ["\\Bfoo", "foo", false],
    ["^\\p{Lu}\\P{Lu}$", "Éa", true],
    ["^😀{2}$", "😀😀", true],
    ["^[[:alpha:]]+$", "ab1", false],
    ["^(((a*)*)*)*$", "aaaaaaaaaaaaaaaaaaaaaaaab", false],
  ])("%s of %j: %j", (pattern, text, expected) => expect(matches(pattern, text)).toBe(expected));

  it("of random expressions is as JavaScript says where both read them alike", () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const dice = createDice(seed);
    const make = (depth: number): string => {
      if (depth === 0) return dice.pick(["a", "b", "c", ".", "[ab]", "[^a]", "\\d", "\\w", "^", "$", "\\b"]);
      const inner = make(depth - 1);
      const repeat = dice.pick(["*", "+", "?", "{0,2}", "{2}"]);
      return dice.pick([`(${inner})${repeat}`, `${inner}|${make(depth - 1)}`, `(?:${inner})${make(depth - 1)}`]);
    };
    for (let round = 0; round < 2_000; round += 1) {
      const pattern = make(3);
      const text = Array.from({ length: dice.roll(8) }, () => dice.pick(["a", "b", "c", "1", "_", "-", " "])).join("");
      const expected = new RegExp(pattern, "u").test(text);
      expect({ seed, pattern, text, found: matches(pattern, text) }).toEqual({ seed, pattern, text, found: expected });
    }
  });

  it("has bounds", () => {
    expect(() => matches("(a{1000}){1}".repeat(100), "a")).toThrow(RegexpLimitError);
    expect(() => matches("(a?){500}b", "a".repeat(100_000))).toThrow(RegexpLimitError);
  });
});

/** What Go's regexp (FindAllString) answers. */
const FOUND: [pattern: string, text: string, limit: number, found: string[]][] = [
  ["[0-9]*", "abc 123", 1, [""]],
  ["[0-9]+", "123 abc 456", -1, ["123", "456"]],
  ["[0-9]*", "123 abc 456", -1, ["123", "", "", "", "", "456"]],
  ["xyz", "abc", -1, []],
  ["a|ab", "ab", -1, ["a"]],
  ["ab|a", "ab", -1, ["ab"]],
  ["a+?", "aaa", -1, ["a", "a", "a"]],
  ["(?U:a+)", "aaa", 2, ["a", "a"]],
  ["(?U:a+?)", "aaa", -1, ["aaa"]],
  ["a.*b", "axbxb", -1, ["axbxb"]],
  ["a.*?b", "axbxb", -1, ["axb"]],
  ["(a*)*", "aab", -1, ["aa", ""]],
  ["(a*)+", "b", -1, ["", ""]],
  ["(|a)*", "aa", -1, ["", "", ""]],
  ["(|a)+", "aa", -1, ["", "", ""]],
  ["a{2,3}", "aaaaa", -1, ["aaa", "aa"]],
  ["a{2,3}?", "aaaaa", -1, ["aa", "aa"]],
  ["^a", "aa", -1, ["a"]],
  ["(?m)^.", "a\nb", -1, ["a", "b"]],
  ["\\b\\w+", "one two", -1, ["one", "two"]],
  ["é", "éaé", -1, ["é", "é"]],
  [".", "a😀", -1, ["a", "😀"]],
  ["", "ab", -1, ["", "", ""]],
  ["a", "aaa", 0, []],
  ["$", "ab", -1, [""]],
  ["(?i)b+", "aBbA", -1, ["Bb"]],
];

describe("finding", () => {
  it.each(FOUND)("%s in %j, %i times: %j", (pattern, text, limit, found) => {
    expect(findRegexp(compileRegexp(parseRegexp(pattern)), text, limit)).toEqual(found);
  });

  it("has bounds, however often it starts anew", () => {
    const program = compileRegexp(parseRegexp("a[^b]*b|a"));
    expect(() => findRegexp(program, "a".repeat(10_000), -1)).toThrow(RegexpLimitError);
  });
});
