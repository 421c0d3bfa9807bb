import { describe, expect, it } from "vitest";
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  milliValue,
  parseQuantity,
  subtractQuantities,
  value,
} from "./quantity.ts";

describe("quantities", () => {
  it.each([
    ["0", "0"],
    ["0Mi", "0"],
    ["1", "1"],
    ["1000m", "1"],
    ["1500m", "1500m"],
    ["0.5", "500m"],
    ["1.5", "1500m"],
    ["0.0001", "100u"],
    ["100", "100"],
    ["1000", "1k"],
    ["1000000000", "1G"],
    ["1024", "1024"],
    ["1024Ki", "1Mi"],
    ["1023Ki", "1023Ki"],
    ["1.5Gi", "1536Mi"],
    ["0.5Ki", "512"],
    ["0.3Ki", "307200m"],
    ["64Mi", "64Mi"],
    ["1e3", "1e3"],
    ["1E3", "1e3"],
    ["1e4", "10e3"],
    ["12e6", "12e6"],
    ["1e-3", "1e-3"],
    ["1E", "1E"],
    ["100E", "100E"],
    ["16Ei", "9223372036854775807"],
    ["0.1n", "1n"],
    ["1e-30", "1e-9"],
    ["-1.5", "-1500m"],
    ["+5", "5"],
    ["005", "5"],
    [".5", "500m"],
    ["5.", "5"],
    [" 1 ", "1"],
  ])("%s is written %s", (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
    expect(canonicalQuantity(canonical)).toBe(canonical);
  });

  it.each(["", "abc", "1x", "--1", "1.2.3", "m", "1 Gi"])("refuses %j as no quantity", (text) => {
    expect(() => parseQuantity(text)).toThrow("quantities must match the regular expression");
  });
  it.each([`${"1".repeat(1_000_000)}x`, "1".repeat(1_000_000), `1e${"1".repeat(1_000_000)}`])(
    "refuses a million digits without trying what else they could be",
    (text) => {
      expect(() => parseQuantity(text)).toThrow("unable to parse numeric part of quantity");
    },
  );
  it.each(["1mi", "1iK", "1e", "1Mim", "1e99999999"])("refuses the suffix of %j", (text) => {
    expect(() => parseQuantity(text)).toThrow("unable to parse quantity's suffix");
  });

  it("compares, adds and rounds", () => {
    const q = parseQuantity;
    expect(compareQuantities(q("1000m"), q("1"))).toBe(0);
    expect(compareQuantities(q("1Ki"), q("1k"))).toBeGreaterThan(0);
    expect(formatQuantity(addQuantities(q("500m"), q("1")))).toBe("1500m");
    expect(formatQuantity(addQuantities(q("0"), q("1Gi")))).toBe("1Gi");
    expect(formatQuantity(subtractQuantities(q("1Gi"), q("512Mi")))).toBe("512Mi");
    expect(milliValue(q("1.0001"))).toBe(1001);
    expect(value(q("1500m"))).toBe(2);
    expect(value(q("-1500m"))).toBe(-2);
    expect(value(q("8Gi"))).toBe(8 * 1024 ** 3);
  });

  it("the canonical form never changes the amount (random quantities)", () => {
    const seed = 20_260_101;
    let state = seed;
    const next = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state % below;
    };
    const suffixes = ["n", "u", "m", "", "k", "M", "G", "Ki", "Mi", "Gi", "Ti", "e3", "e-3", "E6"];
    for (let round = 0; round < 2_000; round += 1) {
      const fraction = next(2) === 0 ? "" : `.${next(100_000)}`;
      const text = `${next(2) === 0 ? "-" : ""}${next(1_000_000)}${fraction}${suffixes[next(suffixes.length)]}`;
      const canonical = canonicalQuantity(text);
      expect(parseQuantity(canonical).nano, `seed ${seed}, ${text} → ${canonical}`).toBe(parseQuantity(text).nano);
      expect(canonicalQuantity(canonical), `seed ${seed}, ${text}`).toBe(canonical);
    }
  });
});
