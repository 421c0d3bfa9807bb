import { describe, expect, it } from "vitest";
import { goJson, goQuote, goShown, goValue } from "./go-text.ts";

describe("Go's texts", () => {
  // The right column was printed by Go 1.26 with fmt.Sprintf("%q").
  it.each([
    ["plain", `"plain"`],
    ['say "hi" \\ bye', `"say \\"hi\\" \\\\ bye"`],
    ["a\u0000\u0007\b\f\n\r\t\u000b\u001b\u007f", `"a\\x00\\a\\b\\f\\n\\r\\t\\v\\x1b\\x7f"`],
    ["größe 日本 😀", `"größe 日本 😀"`],
    ["\u00a0\u200b\u2028\ufeff", `"\\u00a0\\u200b\\u2028\\ufeff"`],
    ["\ud800", `"\ufffd"`],
    ["\u{e0001}", `"\\U000e0001"`],
    ["<&>", `"<&>"`],
  ])("quotes %j", (text, expected) => {
    expect(goQuote(text)).toBe(expected);
  });

  it("shows the beginning of what is very long", () => {
    const list = Array.from({ length: 5_000 }, (_, at) => at);
    expect(goShown(list)).toMatch(/^\[0,1,2,.*,1998\] \.\.\.$/);
    expect(goShown({ a: list })).toMatch(/^\{"a":\[0,1,.*\]\} \.\.\.$/);
    expect(goShown("x".repeat(20_000))).toBe(`"${"x".repeat(16_384)}" ...`);
    expect(goShown({ a: "x".repeat(20_000) })).toHaveLength(16_384 + 4);
    expect(goValue(list)).toMatch(/^\[0 1 2 .* 1998\] \.\.\.$/);
    expect(goShown({ a: ["b", null, 1, { c: {} }] })).toBe('{"a":["b",null,1,{"c":{}}]}');
  });

  it("writes JSON that is safe in HTML", () => {
    expect(goJson({ a: "<b>&\u2028" })).toBe(`{"a":"\\u003cb\\u003e\\u0026\\u2028"}`);
    expect(goJson(undefined)).toBe("null");
  });

  it.each<[unknown, string]>([
    [{ b: [1, "x", null], a: { c: true } }, "map[a:map[c:true] b:[1 x <nil>]]"],
    [{}, "map[]"],
    [[], "[]"],
    [1.5, "1.5"],
    [1e21, "1e+21"],
    [1e-7, "1e-07"],
  ])("prints %j", (value, expected) => {
    expect(goValue(value)).toBe(expected);
  });
});
