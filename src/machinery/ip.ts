/** Addresses of either family as text and as numbers. */

/** Dotted decimal without leading zeros. */
export function isIpv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?=.)|$)){4}$/.test(text);
}

/** "0000:0000:0000:0000:0000:0000:255.255.255.255" */
const IPV6_CHARACTERS_MAX = 45;

/** RFC 4291 text, without zones; the last 32 bits may be dotted decimal. */
export function isIpv6(text: string): boolean {
  if (text.length > IPV6_CHARACTERS_MAX) return false;
  const dotted = /^(.*:)([0-9.]+)$/.exec(text);
  if (dotted?.[2]?.includes(".")) {
    return isIpv4(dotted[2]) && isIpv6(`${dotted[1]}0:0`);
  }
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  return halves.length === 2 ? groups.length <= 7 : groups.length === 8;
}

export const IP_FAULT = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

export function ipFaults(text: string): string[] {
  return isIpv4(text) || isIpv6(text) ? [] : [IP_FAULT];
}

/** Of an address that is one. */
export function ipNumber(address: string): bigint {
  if (isIpv4(address)) return joined(address.split(".").map(Number), 8n);
  const dotted = /^(.*:)([0-9.]+\.[0-9.]+)$/.exec(address);
  if (dotted) {
    const low = ipNumber(dotted[2] ?? "");
    return ipNumber(`${dotted[1] ?? ""}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`);
  }
  const [left = "", right] = address.split("::");
  const head = groupsOf(left);
  if (right === undefined) return joined(head, 16n);
  const tail = groupsOf(right);
  return joined([...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail], 16n);
}

function groupsOf(half: string): number[] {
  return half === "" ? [] : half.split(":").map((group) => Number.parseInt(group, 16));
}

function joined(parts: readonly number[], bits: bigint): bigint {
  return parts.reduce((sum, part) => (sum << bits) + BigInt(part), 0n);
}

/** RFC 5952: the one right way to write an address. */
export function canonicalIp(address: string): string {
  if (isIpv4(address)) return address;
  const number = ipNumber(address);
  const groups = Array.from({ length: 8 }, (_, index) => ((number >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  if (number >> 32n === 0xffffn) {
    return `::ffff:${[24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 0xffn).join(".")}`;
  }
  const runs = [...groups.join(":").matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)];
  const longest = runs.reduce<RegExpMatchArray | undefined>(
    (best, run) => (run[0].length > (best?.[0].length ?? 0) ? run : best),
    undefined,
  );
  if (!longest) return groups.join(":");
  const text = groups.join(":");
  const before = text.slice(0, longest.index).replace(/:$/, "");
  const after = text.slice((longest.index ?? 0) + longest[0].length).replace(/^:/, "");
  return `${before}::${after}`;
}
