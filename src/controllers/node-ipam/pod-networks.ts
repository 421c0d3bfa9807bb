/**
 * Which parts of the cluster's range of pods are held by nodes: pkg/controller/nodeipam/ipam/cidrset of Kubernetes. Nothing but what is
 * seen of nodes is in it, so it is rebuilt from them at each start.
 */
import { ipv4Text, parseIpv4Range, type Ipv4Range } from "../../machinery/cidr.ts";

export interface PodNetworks {
  /** Every network that overlaps this range is held once more. What is no range of IPv4 addresses, or lies outside, is ignored. */
  hold(cidr: string): void;
  /** Undoes one `hold`. */
  release(cidr: string): void;
  /** The next one that nobody holds, going round, so that what was just released rests; undefined where there is none. Holds nothing. */
  next(): string | undefined;
  /** Networks that nobody holds. */
  readonly free: number;
  /** Networks looked at by `next` so far: what it costs. */
  readonly looks: number;
}

/** @throws Error for a range that cannot be cut so */
export function createPodNetworks(cluster: { podCidr: string; nodePodCidrBits: number }): PodNetworks {
  const range = parseIpv4Range(cluster.podCidr);
  const size = 2 ** (32 - cluster.nodePodCidrBits);
  const count = range.size / size;
  if (!(count >= 1)) throw new Error(`${cluster.podCidr} has no network of ${cluster.nodePodCidrBits} bits`);
  const holders = new Uint32Array(count);
  let free = count;
  let candidate = 0;
  let looks = 0;

  const change = (cidr: string, by: 1 | -1): void => {
    const held = overlap(cidr, range);
    if (!held) return;
    const last = Math.ceil((held.base + held.size - range.base) / size);
    for (let index = Math.floor((held.base - range.base) / size); index < last; index++) {
      const before = holders[index] ?? 0;
      const after = Math.max(0, before + by);
      holders[index] = after;
      free += Number(after === 0) - Number(before === 0);
    }
  };

  return {
    hold: (cidr) => change(cidr, 1),
    release: (cidr) => change(cidr, -1),
    next() {
      if (free === 0) return undefined;
      while (holders[candidate] !== 0) {
        looks += 1;
        candidate = (candidate + 1) % count;
      }
      looks += 1;
      const address = range.base + candidate * size;
      candidate = (candidate + 1) % count;
      return `${ipv4Text(address)}/${cluster.nodePodCidrBits}`;
    },
    get free() {
      return free;
    },
    get looks() {
      return looks;
    },
  };
}

/** The part of `range` that is in `cidr`, too. */
function overlap(cidr: string, range: Ipv4Range): Ipv4Range | undefined {
  const held = rangeOf(cidr);
  if (!held) return undefined;
  const base = Math.max(held.base, range.base);
  const end = Math.min(held.base + held.size, range.base + range.size);
  return end > base ? { base, size: end - base } : undefined;
}

function rangeOf(cidr: string): Ipv4Range | undefined {
  try {
    return parseIpv4Range(cidr);
  } catch {
    return undefined;
  }
}
