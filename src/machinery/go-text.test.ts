import { describe, expect, it } from "vitest";
import { goJson, goQuote, goValue } from "./go-text.ts";

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
