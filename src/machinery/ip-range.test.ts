import { describe, expect, it } from "vitest";
import { canonicalIp, ipNumber } from "./ip.ts";
import { isStrictlyInside, parseIpRange } from "./ip-range.ts";

describe("ranges of addresses", () => {
  it.each([
    ["10.0.0.0/8", { family: 4, base: 167_772_160n, length: 8, exact: true }],
    ["10.1.2.3/8", { family: 4, base: 167_772_160n, length: 8, exact: false }],
    ["2001:db8::/32", { family: 6, base: 0x20010db8n << 96n, length: 32, exact: true }],
    ["::/0", { family: 6, base: 0n, length: 0, exact: true }],
    ["10.0.0.0/33", undefined],
    ["10.0.0.0/08", undefined],
    ["10.0.0/8", undefined],
    ["x", undefined],
  ])("%s", (text, expected) => expect(parseIpRange(text)).toEqual(expected));

  it.each([
    ["10.1.0.0/16", "10.0.0.0/8", true],
    ["10.0.0.0/8", "10.0.0.0/8", false],
    ["11.1.0.0/16", "10.0.0.0/8", false],
    ["2001:db8:1::/48", "2001:db8::/32", true],
    ["10.0.0.0/16", "::/0", false],
  ])("%s inside %s: %s", (inner, outer, expected) => {
    const [a, b] = [parseIpRange(inner), parseIpRange(outer)];
    expect(a && b && isStrictlyInside(a, b)).toBe(expected);
  });

  it.each([
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["::ffff:10.0.0.1", "::ffff:10.0.0.1"],
    ["1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"],
    ["10.0.0.1", "10.0.0.1"],
  ])("%s is written %s", (address, expected) => {
    expect(canonicalIp(address)).toBe(expected);
    expect(ipNumber(canonicalIp(address))).toBe(ipNumber(address));
  });
});
