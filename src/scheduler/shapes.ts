/** Pods of one shape share what plugins prepare and what they say of nodes. A bounded number of shapes is remembered. */
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import type { NodeView } from "../controller-runtime/views/node-view.ts";
import { controllerOfView } from "../controller-runtime/views/view.ts";
import type { Cluster, PodShape, Prepared, Profile, Refusal } from "./framework.ts";
import type { SlotMemory } from "./slot-memory.ts";

/** A plugin's preparation for one shape. */
export interface PreparedPlugin extends Prepared {
  name: string;
  weight: number;
}

export interface Shape extends PodShape {
  plugins: readonly PreparedPlugin[];
  /** Those that refuse by what is on nodes. */
  filters: readonly PreparedPlugin[];
  scorers: readonly PreparedPlugin[];
  /** What nodes said when the last pod of this shape found none: most of them say it to the next one, too. */
  refusals: SlotMemory<Refusal> | undefined;
  /** Why the node alone is refused; undefined when it is not. Asked once until the node changes. */
  refuseNode(slot: number): Refusal | undefined;
}

export interface Shapes {
  of(pod: PodView, profile: Profile): Shape;
  nodeGoes(slot: number): void;
  nodeComes(slot: number): void;
  /** What was prepared does not hold any more. */
  clear(): void;
}

/** At 5,000 nodes a shape takes 10 to 60 KB. */
const SHAPES_MAX = 128;
/** In `verdicts`: not asked yet, and not refused; what is above is a position in `refusals`. */
const UNKNOWN = 0;
const FINE = 1;
/** Taints have values without end: what is beyond this many refusals is not remembered. */
const REFUSALS_MAX = 1_024;

interface Kept extends Shape {
  verdicts: Uint16Array;
}

export function createShapes(cluster: Cluster): Shapes {
  /** The one that was used last comes last. */
  const shapes = new Map<string, Kept>();
  let latest: Kept | undefined;

  const forget = (key: string, { plugins }: Shape): void => {
    shapes.delete(key);
    for (const { release } of plugins) release?.();
  };

  return {
    of(pod, profile) {
      const key = keyOfShape(pod, profile);
      const known = shapes.get(key);
      if (known && known === latest) return known;
      if (known) shapes.delete(key);
      latest = known ?? prepare(pod, profile, cluster);
      const [oldest] = shapes;
      if (shapes.size >= SHAPES_MAX && oldest) forget(...oldest);
      shapes.set(key, latest);
      return latest;
    },
    nodeGoes(slot) {
      for (const { plugins, verdicts } of shapes.values()) {
        verdicts[slot] = UNKNOWN;
        for (const { nodeGoes } of plugins) nodeGoes?.(slot);
      }
    },
    nodeComes(slot) {
      for (const { plugins } of shapes.values()) for (const { nodeComes } of plugins) nodeComes?.(slot);
    },
    clear() {
      for (const [key, shape] of shapes) forget(key, shape);
    },
  };
}

function keyOfShape({ metadata, scheduling, claims, nodeName }: PodView, profile: Profile): string {
  const owner = metadata.ownerReferences.length === 0 ? "" : (controllerOfView({ metadata })?.uid ?? "");
  const { namespace, labels } = metadata;
  const own = claims.length === 0 ? "" : metadata.uid;
  return `${profile.schedulerName} ${namespace} ${nodeName} ${owner} ${own} ${JSON.stringify(labels)} ${scheduling.key}`;
}

function prepare({ metadata, scheduling, claims, nodeName }: PodView, profile: Profile, cluster: Cluster): Kept {
  const { namespace, labels, uid } = metadata;
  const controller = controllerOfView({ metadata });
  const about: PodShape = { namespace, labels, spec: scheduling, claims, nodeName, controller, uid };
  const plugins = profile.plugins.flatMap(({ plugin, weight }): PreparedPlugin[] => {
    const prepared = plugin.prepare(about, cluster);
    return prepared ? [{ ...prepared, name: plugin.name, weight }] : [];
  });
  const judges = plugins.filter(({ refuseNode }) => refuseNode !== undefined);
  const verdicts = new Uint16Array(cluster.nodes.capacity);
  const refusals: Refusal[] = [];
  const known = new Map<string, number>();
  /** The number of this refusal, or 0 where it cannot be remembered. */
  const numberOf = (refusal: Refusal): number => {
    const text = refusal.plugin + refusal.reasons.join();
    const number = known.get(text);
    if (number !== undefined) return number;
    if (refusals.length >= REFUSALS_MAX) return UNKNOWN;
    refusals.push(refusal);
    known.set(text, refusals.length + FINE);
    return refusals.length + FINE;
  };
  return {
    ...about,
    plugins,
    filters: plugins.filter(({ refuse }) => refuse !== undefined),
    refusals: undefined,
    scorers: plugins.filter(({ score, weight }) => score !== undefined && weight > 0),
    verdicts,
    refuseNode(slot) {
      const verdict = verdicts[slot] ?? UNKNOWN;
      if (verdict === FINE) return undefined;
      if (verdict !== UNKNOWN) return refusals[verdict - FINE - 1];
      const node = cluster.nodes.views[slot];
      const refusal = node && judge(judges, node);
      verdicts[slot] = refusal ? numberOf(refusal) : FINE;
      return refusal;
    },
  };
}

function judge(judges: readonly PreparedPlugin[], node: NodeView): Refusal | undefined {
  for (const { refuseNode } of judges) {
    const refusal = refuseNode?.(node);
    if (refusal) return refusal;
  }
  return undefined;
}
