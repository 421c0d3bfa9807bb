/**
 * The scheduler's logic: a snapshot that follows the cluster, and decisions over it that write nothing. `podView(object)` and
 * `nodeView(object)` make what it is fed with; `createPodViews()` makes pod views that share what many pods have in common.
 */
export { feasibleMax, mayRunOn, schedulePod, type CycleOptions, type Decision } from "./cycle.ts";
export { evaluate, type Evaluation, type NodeEvaluation } from "./evaluate.ts";
export type { ClusterEvent, Plugin, Profile, Refusal } from "./framework.ts";
export { createProfile, DEFAULT_SCHEDULER } from "./plugins/index.ts";
export { planPreemption, type PreemptionOptions, type PreemptionPlan } from "./preemption.ts";
export { createSnapshot, type Snapshot } from "./snapshot.ts";
