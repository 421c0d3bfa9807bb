/** Which addresses are everybody's, by the registries of special-purpose addresses (RFC 6890): the rest are somebody's own. */
import { ipNumber, isIpv4, isIpv6 } from "./ip.ts";

type Range = readonly [base: bigint, bits: bigint];

const PRIVATE_V4 = ranges([
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
]);

/** Of global unicast (2000::/3), the ones that are not. What is outside of it is not, either. */
const GLOBAL_V6 = ranges(["2000::/3"]);
const PRIVATE_V6 = ranges(["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]);

function ranges(texts: readonly string[]): Range[] {
  return texts.map((text) => {
    const [base = "", bits = ""] = text.split("/");
    return [ipNumber(base), BigInt(isIpv4(base) ? 32 : 128) - BigInt(bits)];
  });
}

function isIn(number: bigint, of: readonly Range[]): boolean {
  return of.some(([base, hostBits]) => number >> hostBits === base >> hostBits);
}

/** False for what is no address. Addresses of IPv4 in IPv6, whatever the notation, are as private as all that is not global unicast. */
export function isPublicAddress(address: string): boolean {
  if (isIpv4(address)) return !isIn(ipNumber(address), PRIVATE_V4);
  if (!isIpv6(address)) return false;
  const number = ipNumber(address);
  return isIn(number, GLOBAL_V6) && !isIn(number, PRIVATE_V6);
}
