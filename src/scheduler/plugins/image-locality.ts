import { SCORE_MAX, type Plugin } from "../framework.ts";

const MIB = 1024 * 1024;
const BYTES_MIN = 23 * MIB;
const BYTES_MAX_OF_CONTAINER = 1_000 * MIB;

/** Rather where the images are; what most nodes have counts more, so that not all pods go to the only node that has theirs. */
export const imageLocality: Plugin = {
  name: "ImageLocality",
  prepare({ spec }, cluster) {
    const names = spec.images.map(normalized);
    const most = BYTES_MAX_OF_CONTAINER * spec.containerCount;
    const { nodes } = cluster;
    return {
      score({ slots, count, scores }) {
        const images = names.flatMap((name) => cluster.image(name) ?? []);
        scores.fill(0, 0, count);
        if (images.length === 0) return;
        const total = nodes.slotOf.size;
        for (let index = 0; index < count; index++) {
          let bytes = 0;
          for (const sizes of images) {
            const size = sizes.get(slots[index] ?? 0);
            if (size !== undefined) bytes += Math.trunc(size * (sizes.size / total));
          }
          const within = Math.min(most, Math.max(BYTES_MIN, bytes));
          scores[index] = Math.trunc((SCORE_MAX * (within - BYTES_MIN)) / (most - BYTES_MIN));
        }
      },
    };
  },
  awaits: [],
  helps: () => false,
};

function normalized(name: string): string {
  return name.lastIndexOf(":") <= name.lastIndexOf("/") ? `${name}:latest` : name;
}
