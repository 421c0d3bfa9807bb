/** What a Deployment needs next. After pkg/controller/deployment of Kubernetes; pure, so that each rule is a table in a test. */
import type { DeploymentView, ReplicaSetView } from "../../controller-runtime/views/workload-views.ts";
import type { IntOrString } from "../../kinds/core/pods/types.ts";

export const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
export const MAX_REPLICAS = "deployment.kubernetes.io/max-replicas";

/** "25%" of a total, or the number itself. */
export function resolveAmount(
  amount: IntOrString | undefined,
  total: number,
  round: (value: number) => number,
): number {
  if (amount === undefined) return 0;
  if (typeof amount === "number") return amount;
  const percent = Number.parseInt(amount, 10);
  return Number.isNaN(percent) ? 0 : round((percent * total) / 100);
}

export interface Bounds {
  maxSurge: number;
  maxUnavailable: number;
}

/** Both zero would never move: then one pod may be missing. */
export function rollingBounds({ strategy, replicas }: DeploymentView): Bounds {
  if (strategy.type !== "RollingUpdate" || replicas === 0) return { maxSurge: 0, maxUnavailable: 0 };
  const { rollingUpdate } = strategy;
  const maxSurge = resolveAmount(rollingUpdate?.maxSurge, replicas, Math.ceil);
  const maxUnavailable = resolveAmount(rollingUpdate?.maxUnavailable, replicas, Math.floor);
  const bounded = Math.min(maxUnavailable, replicas);
  return { maxSurge, maxUnavailable: maxSurge === 0 && bounded === 0 ? 1 : bounded };
}

/** The ReplicaSet of the current template; of several the oldest. */
export function findNew(deployment: DeploymentView, owned: readonly ReplicaSetView[]): ReplicaSetView | undefined {
  return byAge(owned).find((replicaSet) => replicaSet.templateIdentity === deployment.templateIdentity);
}

export function byAge(replicaSets: readonly ReplicaSetView[]): ReplicaSetView[] {
  return replicaSets.toSorted(
    (a, b) =>
      Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) ||
      (a.metadata.name < b.metadata.name ? -1 : 1),
  );
}

const sum = (replicaSets: readonly ReplicaSetView[], of: (replicaSet: ReplicaSetView) => number): number =>
  replicaSets.reduce((total, replicaSet) => total + of(replicaSet), 0);
const wanted = (replicaSets: readonly ReplicaSetView[]): number => sum(replicaSets, ({ replicas }) => replicas);
const available = (replicaSets: readonly ReplicaSetView[]): number =>
  sum(replicaSets, ({ status }) => status.availableReplicas ?? 0);

export interface Scale {
  replicaSet: ReplicaSetView;
  replicas: number;
}

/** How many replicas the new ReplicaSet may have now. */
export function newReplicas(
  deployment: DeploymentView,
  all: readonly ReplicaSetView[],
  current: ReplicaSetView | undefined,
): number {
  if (deployment.strategy.type !== "RollingUpdate") return deployment.replicas;
  const have = current?.replicas ?? 0;
  const total = wanted(all);
  const room = deployment.replicas + rollingBounds(deployment).maxSurge - total;
  if (room <= 0) return have;
  return have + Math.min(room, deployment.replicas - have);
}

/** One step of a rolling update: first the new one grows, and when it can't, old ones shrink. */
export function planRolling(
  deployment: DeploymentView,
  { current, old }: { current: ReplicaSetView; old: readonly ReplicaSetView[] },
): Scale[] {
  const all = [current, ...old];
  const { replicas } = deployment;
  if (current.replicas > replicas) return [{ replicaSet: current, replicas }];
  const grown = newReplicas(deployment, all, current);
  if (grown !== current.replicas) return [{ replicaSet: current, replicas: grown }];
  return planShrink(deployment, { current, old });
}

/** Unhealthy pods of old ReplicaSets go first, whatever is available; then as many as availability allows, oldest first. */
function planShrink(
  deployment: DeploymentView,
  { current, old }: { current: ReplicaSetView; old: readonly ReplicaSetView[] },
): Scale[] {
  const shrinking = byAge(old.filter(({ replicas }) => replicas > 0));
  if (shrinking.length === 0) return [];
  const { maxUnavailable } = rollingBounds(deployment);
  const minAvailable = deployment.replicas - maxUnavailable;
  const newUnavailable = current.replicas - (current.status.availableReplicas ?? 0);
  let removable = wanted([current, ...old]) - minAvailable - newUnavailable;
  if (removable <= 0) return [];
  const targets = new Map(shrinking.map((replicaSet) => [replicaSet, replicaSet.replicas]));
  for (const replicaSet of shrinking) {
    const unhealthy = Math.max(0, replicaSet.replicas - (replicaSet.status.availableReplicas ?? 0));
    const take = Math.min(removable, unhealthy);
    targets.set(replicaSet, replicaSet.replicas - take);
    removable -= take;
  }
  let spare = available([current, ...old]) - minAvailable;
  for (const replicaSet of shrinking) {
    if (spare <= 0) break;
    const left = targets.get(replicaSet) ?? 0;
    const take = Math.min(spare, left);
    targets.set(replicaSet, left - take);
    spare -= take;
  }
  return [...targets]
    .filter(([replicaSet, replicas]) => replicas !== replicaSet.replicas)
    .map(([replicaSet, replicas]) => ({ replicaSet, replicas }));
}

/** Everything old goes before anything new comes. `oldPodsGone`: no pod of an old ReplicaSet runs any more. */
export function planRecreate(
  deployment: DeploymentView,
  {
    current,
    old,
    oldPodsGone,
  }: { current: ReplicaSetView | undefined; old: readonly ReplicaSetView[]; oldPodsGone: boolean },
): Scale[] {
  const down = old.filter(({ replicas }) => replicas > 0).map((replicaSet) => ({ replicaSet, replicas: 0 }));
  if (down.length > 0 || !oldPodsGone) return down;
  return current && current.replicas !== deployment.replicas
    ? [{ replicaSet: current, replicas: deployment.replicas }]
    : [];
}

/**
 * A Deployment that is scaled while a rollout is under way (or paused): the difference is shared by size, so that a canary stays a
 * canary. Undefined when this is not a scaling.
 */
export function planProportional(deployment: DeploymentView, all: readonly ReplicaSetView[]): Scale[] | undefined {
  const active = all.filter(({ replicas }) => replicas > 0);
  const isScaling = active.some(({ metadata }) => {
    const desired = metadata.annotations?.[DESIRED_REPLICAS];
    return desired !== undefined && Number(desired) !== deployment.replicas;
  });
  if (!isScaling && !deployment.paused) return undefined;
  const [only] = active;
  if (active.length <= 1) {
    const replicaSet = only ?? findNew(deployment, all);
    return replicaSet && replicaSet.replicas !== deployment.replicas
      ? [{ replicaSet, replicas: deployment.replicas }]
      : [];
  }
  if (!isScaling || deployment.strategy.type !== "RollingUpdate") return [];
  const allowed = deployment.replicas > 0 ? deployment.replicas + rollingBounds(deployment).maxSurge : 0;
  const total = wanted(active);
  let left = allowed - total;
  // The largest first; of equals the youngest when growing, the oldest when shrinking.
  const ordered = byAge(active);
  if (left > 0) ordered.reverse();
  ordered.sort((a, b) => b.replicas - a.replicas);
  const scales = ordered.map((replicaSet) => {
    const max = Number(replicaSet.metadata.annotations?.[MAX_REPLICAS] ?? total) || total;
    const share = Math.round((replicaSet.replicas * allowed) / max) - replicaSet.replicas;
    const fraction = left > 0 ? Math.min(Math.max(share, 0), left) : Math.max(Math.min(share, 0), left);
    left -= fraction;
    return { replicaSet, replicas: replicaSet.replicas + fraction };
  });
  const [largest] = scales;
  if (largest) largest.replicas = Math.max(0, largest.replicas + left);
  return scales.filter(({ replicaSet, replicas }) => replicas !== replicaSet.replicas);
}

/** The sizes that proportional scaling goes by. */
export function sizeAnnotations(deployment: DeploymentView): Record<string, string> {
  return {
    [DESIRED_REPLICAS]: String(deployment.replicas),
    [MAX_REPLICAS]: String(deployment.replicas + rollingBounds(deployment).maxSurge),
  };
}
