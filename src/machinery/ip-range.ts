/** Ranges of addresses of either family ("10.0.0.0/8", "2001:db8::/64"), as numbers. */
import { canonicalIp, ipNumber, isIpv4, isIpv6 } from "./ip.ts";

export interface IpRange {
  family: 4 | 6;
  /** The first address. */
  base: bigint;
  /** How many bits of an address say that it is inside. */
  length: number;
  /** False when bits beyond the length were set: "10.1.2.3/8". */
  exact: boolean;
}

export const CIDR_FAULT = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

export function parseIpRange(text: string): IpRange | undefined {
  const match = /^([^/]+)\/(0|[1-9][0-9]{0,2})$/.exec(text);
  const address = match?.[1] ?? "";
  const family = isIpv4(address) ? 4 : isIpv6(address) ? 6 : undefined;
  const length = Number(match?.[2]);
  if (!match || family === undefined || length > bitsOf(family)) return undefined;
  const host = BigInt(bitsOf(family) - length);
  const number = ipNumber(address);
  const base = (number >> host) << host;
  return { family, base, length, exact: base === number };
}

function bitsOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

/** Is `inner` a part of `outer`, and smaller? */
export function isStrictlyInside(inner: IpRange, outer: IpRange): boolean {
  if (inner.family !== outer.family || inner.length <= outer.length) return false;
  const host = BigInt(bitsOf(outer.family) - outer.length);
  return inner.base >> host === outer.base >> host;
}

/** An address with the length of its network, "10.1.2.3/8": IsValidInterfaceAddress of k8s.io/apimachinery. */
export function interfaceAddressFaults(text: string): string[] {
  const range = parseIpRange(text);
  if (!range) return ["must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"];
  const canonical = `${canonicalIp(text.slice(0, text.indexOf("/")))}/${range.length}`;
  return text === canonical ? [] : [`must be in canonical form ("${canonical}")`];
}
