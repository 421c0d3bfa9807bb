/** Which nodes have which image. */
import type { NodeView } from "../controller-runtime/views/node-view.ts";

export interface Images {
  /** Size in bytes by slot; undefined where no node has it. */
  sizes(name: string): ReadonlyMap<number, number> | undefined;
  set(slot: number, before: NodeView | undefined, after: NodeView | undefined): void;
}

export function createImages(): Images {
  const images = new Map<string, Map<number, number>>();
  return {
    sizes: (name) => images.get(name),
    set(slot, before, after) {
      if (before?.imageNames.length === 0 && after?.imageNames.length === 0) return;
      for (const name of before?.imageNames ?? []) {
        const sizes = images.get(name);
        sizes?.delete(slot);
        if (sizes?.size === 0) images.delete(name);
      }
      after?.imageNames.forEach((name, index) => {
        let sizes = images.get(name);
        if (sizes === undefined) images.set(name, (sizes = new Map()));
        sizes.set(slot, after.imageSizes[index] ?? 0);
      });
    },
  };
}
