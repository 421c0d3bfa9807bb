/** Which addresses a proxy may lead to. */
import { isIpv4, isIpv6, ipNumber } from "../../../machinery/ip.ts";

/** A unicast address that is neither loopback nor link-local, private ones included: IsGlobalUnicast of Go's net. */
export function isGlobalUnicast(address: string): boolean {
  if (isIpv4(address)) return isGlobalUnicastV4(Number(ipNumber(address)));
  if (!isIpv6(address)) return false;
  const number = ipNumber(address);
  // ::ffff:0:0/96 is IPv4 by another name.
  if (number >> 32n === 0xffffn) return isGlobalUnicastV4(Number(number & 0xffffffffn));
  const isMulticast = number >> 120n === 0xffn;
  const isLinkLocal = number >> 118n === 0x3fan;
  return number > 1n && !isMulticast && !isLinkLocal;
}

function isGlobalUnicastV4(number: number): boolean {
  const first = number >>> 24;
  const isLoopback = first === 127;
  const isMulticast = first >= 224 && first < 240;
  const isLinkLocal = number >>> 16 === 0xa9fe;
  return number !== 0 && number !== 0xffffffff && !isLoopback && !isMulticast && !isLinkLocal;
}
