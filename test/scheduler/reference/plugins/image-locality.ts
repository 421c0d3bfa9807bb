/** ImageLocality (plugins/imagelocality): nodes that have the images already, unless few nodes do. */
import type { Node } from "../../../../src/kinds/core/nodes/types.ts";
import type { Scorer } from "../cluster.ts";

const MIB = 1024 * 1024;
const LEAST = 23 * MIB;
const MOST_A_CONTAINER = 1000 * MIB;

export const scoreImages: Scorer = (cluster, pod, feasible) => {
  const containers = [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])];
  const volumes = (pod.spec.volumes ?? []).flatMap(({ image }) => {
    const reference = (image as { reference?: string } | undefined)?.reference;
    return reference === undefined ? [] : [reference];
  });
  const wanted = [...containers.map(({ image = "" }) => image), ...volumes].map(tagged);
  const most = MOST_A_CONTAINER * containers.length;
  return feasible.map((node) => {
    const sum = wanted.reduce((total, image) => {
      const bytes = sizeOn(node, image);
      if (bytes === undefined) return total;
      const having = cluster.nodes.filter((other) => sizeOn(other, image) !== undefined).length;
      return total + Math.trunc(bytes * (having / cluster.nodes.length));
    }, 0);
    const bounded = Math.min(most, Math.max(LEAST, sum));
    return Math.trunc((100 * (bounded - LEAST)) / (most - LEAST));
  });
};

function sizeOn({ status }: Node, image: string): number | undefined {
  const found = status?.images?.find(({ names = [] }) => names.includes(image));
  return found && (found.sizeBytes ?? 0);
}

function tagged(image: string): string {
  return image.lastIndexOf(":") <= image.lastIndexOf("/") ? `${image}:latest` : image;
}
