/** Ranges of IPv4 addresses ("10.96.0.0/12"). */

export interface Ipv4Range {
  /** The network address as a number. */
  base: number;
  /** How many addresses, network and broadcast included. */
  size: number;
}

/** @throws Error for what is no range of IPv4 addresses */
export function parseIpv4Range(cidr: string): Ipv4Range {
  const match = /^([0-9.]+)\/([0-9]{1,2})$/.exec(cidr);
  const bits = Number(match?.[2]);
  if (!match?.[1] || !(bits <= 32)) throw new Error(`${cidr} is no range of IPv4 addresses`);
  const size = 2 ** (32 - bits);
  const address = ipv4Number(match[1]);
  return { base: address - (address % size), size };
}

/** @throws Error for what is no IPv4 address */
export function ipv4Number(address: string): number {
  const parts = address.split(".").map(Number);
  if (parts.length !== 4 || !parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255)) {
    throw new Error(`${address} is no IPv4 address`);
  }
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export function ipv4Text(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/** Network and broadcast address don't count as inside. */
export function isHostInRange(address: number, { base, size }: Ipv4Range): boolean {
  return address > base && address < base + size - 1;
}
