/** Policies of several clusters, the least recently used go first: an isolate has 128 MB for everything. */
import type { RbacIndex } from "./rbac-index.ts";

const BYTES_MAX = 16 * 1024 * 1024;

export interface PolicyMemory {
  get(clusterId: string): RbacIndex | undefined;
  /** One that is larger than all of the memory is not kept. */
  put(clusterId: string, index: RbacIndex): void;
}

export function createPolicyMemory({ bytesMax = BYTES_MAX }: { bytesMax?: number } = {}): PolicyMemory {
  /** In order of use. */
  const kept = new Map<string, RbacIndex>();
  return {
    get(clusterId) {
      const index = kept.get(clusterId);
      if (index) {
        kept.delete(clusterId);
        kept.set(clusterId, index);
      }
      return index;
    },
    put(clusterId, index) {
      kept.delete(clusterId);
      kept.set(clusterId, index);
      let bytes = [...kept.values()].reduce((sum, one) => sum + one.bytes, 0);
      for (const [oldest, one] of kept) {
        if (bytes <= bytesMax) break;
        kept.delete(oldest);
        bytes -= one.bytes;
      }
    },
  };
}
