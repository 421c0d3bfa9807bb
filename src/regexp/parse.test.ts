import { describe, expect, it } from "vitest";
import { parseRegexp, RegexpError } from "./parse.ts";

/** Go's error of regexp.Compile, without its beginning. */
function faultOf(pattern: string): string | undefined {
  try {
    parseRegexp(pattern);
    return undefined;
  } catch (error) {
    if (!(error instanceof RegexpError)) throw error;
    return error.message.replace("error parsing regexp: ", "");
  }
}

describe("regular expressions as Go's regexp/syntax reads them", () => {
  it.each([
    "",
    "a|b|",
    "(?i)foo\\z",
    "(?P<n>a)(?<m>b)",
    "(?i-s:a)b(?m)^c$",
    "[[:alpha:][:^digit:]_-]",
    "[]a]",
    "[^]a]",
    "[a-]",
    "\\pL\\p{Greek}\\P{^Lu}\\p{Any}",
    "\\Q(*\\E+",
    "a{,2}",
    "a{1",
    "x{0}{",
    "\\x41\\x{1F600}\\101\\0",
    "\\_\\.\\-\\/",
    "^*",
    "a+?b*?c{2,3}?",
    "(a{10}){100}",
    "😀+",
  ])("takes %s", (pattern) => expect(faultOf(pattern)).toBeUndefined());

  it.each([
    ["(", "missing closing ): `(`"],
    ["a(b|c", "missing closing ): `a(b|c`"],
    ["a)b", "unexpected ): `a)b`"],
    ["*a", "missing argument to repetition operator: `*`"],
    ["a|*", "missing argument to repetition operator: `*`"],
    ["(?i)+", "missing argument to repetition operator: `+`"],
    ["a**", "invalid nested repetition operator: `**`"],
    ["a{2}{3}", "invalid nested repetition operator: `{2}{3}`"],
    ["a{1001}", "invalid repeat count: `{1001}`"],
    ["a{3,1}", "invalid repeat count: `{3,1}`"],
    ["((a{100}){100}){100}", "invalid repeat count: `{100}`"],
    ["[a", "missing closing ]: `[a`"],
    ["x[z-a]", "invalid character class range: `z-a`"],
    ["[[:foo:]]", "invalid character class range: `[:foo:]`"],
    ["\\p{Foo}", "invalid character class range: `\\p{Foo}`"],
    ["\\pX", "invalid character class range: `\\pX`"],
    ["\\", "trailing backslash at end of expression: ``"],
    ["\\q", "invalid escape sequence: `\\q`"],
    ["\\8", "invalid escape sequence: `\\8`"],
    ["\\1", "invalid escape sequence: `\\1`"],
    ["\\C", "invalid escape sequence: `\\C`"],
    ["\\x{110000}", "invalid escape sequence: `\\x{110000`"],
    ["\\xZ1", "invalid escape sequence: `\\xZ1`"],
    ["(?=x)", "invalid or unsupported Perl syntax: `(?=`"],
    ["(?<!x)", "invalid named capture: `(?<!x)`"],
    ["(?P<n", "invalid named capture: `(?P<n`"],
    ["(?P<x y>a)", "invalid named capture: `(?P<x y>`"],
    ["(?i", "invalid or unsupported Perl syntax: `(?i`"],
    ["(".repeat(1001) + ")".repeat(1001), /^expression nests too deeply/],
  ])("refuses %s", (pattern, why) => {
    if (typeof why === "string") expect(faultOf(pattern)).toBe(why);
    else expect(faultOf(pattern)).toMatch(why);
  });
});
