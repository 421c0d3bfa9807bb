/** The status of a Deployment and its conditions, with Kubernetes' reasons and messages (pkg/controller/deployment/progress.go). */
import type { DeploymentView, ReplicaSetView } from "../../controller-runtime/views/workload-views.ts";
import type { DeploymentCondition, DeploymentStatus } from "../../kinds/apps/deployments/types.ts";
import { formatTime } from "../../machinery/meta.ts";
import { rollingBounds } from "./plan.ts";

export interface StatusPlan {
  status: DeploymentStatus;
  changed: boolean;
  /** When the deadline for progress passes. */
  againAfterMs: number | undefined;
}

export function planStatus(input: {
  deployment: DeploymentView;
  current: ReplicaSetView | undefined;
  all: readonly ReplicaSetView[];
  nowMs: number;
  /** Why the new ReplicaSet could not be made. */
  failure?: string | undefined;
  /** The new ReplicaSet was made in this turn. */
  created?: boolean;
}): StatusPlan {
  const { deployment, current, all, nowMs } = input;
  const total = (of: (replicaSet: ReplicaSetView) => number | undefined): number =>
    all.reduce((sum, replicaSet) => sum + (of(replicaSet) ?? 0), 0);
  const availableReplicas = total(({ status }) => status.availableReplicas);
  const status: DeploymentStatus = {
    observedGeneration: deployment.metadata.generation,
    replicas: total(({ status: { replicas } }) => replicas),
    updatedReplicas: current?.status.replicas ?? 0,
    readyReplicas: total(({ status: { readyReplicas } }) => readyReplicas),
    availableReplicas,
    unavailableReplicas: Math.max(0, total(({ replicas }) => replicas) - availableReplicas),
    terminatingReplicas: total(({ status: { terminatingReplicas } }) => terminatingReplicas),
    ...(deployment.status.collisionCount === undefined ? {} : { collisionCount: deployment.status.collisionCount }),
  };
  const conditions = new Conditions(deployment.status.conditions ?? [], nowMs);
  setAvailable(conditions, deployment, availableReplicas);
  const againAfterMs = setProgressing(conditions, { ...input, status });
  setFailure(conditions, all);
  status.conditions = conditions.list;
  return { status, changed: !sameStatus(status, deployment.status), againAfterMs };
}

function setAvailable(conditions: Conditions, deployment: DeploymentView, availableReplicas: number): void {
  const minimum = deployment.replicas - rollingBounds(deployment).maxUnavailable;
  if (availableReplicas >= minimum) {
    conditions.set("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.");
  } else {
    conditions.set(
      "Available",
      "False",
      "MinimumReplicasUnavailable",
      "Deployment does not have minimum availability.",
    );
  }
}

type ProgressInput = Parameters<typeof planStatus>[0] & { status: DeploymentStatus };

function setProgressing(conditions: Conditions, input: ProgressInput): number | undefined {
  const { deployment, current, status, nowMs, failure } = input;
  if (failure !== undefined) {
    conditions.set("Progressing", "False", "ReplicaSetCreateError", failure);
    return undefined;
  }
  if (deployment.progressDeadlineSeconds === undefined) {
    conditions.remove("Progressing");
    return undefined;
  }
  const known = conditions.get("Progressing");
  if (deployment.paused) {
    if (known?.reason !== "ProgressDeadlineExceeded") {
      conditions.set("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused");
    }
    return undefined;
  }
  if (known?.reason === "DeploymentPaused") {
    conditions.set("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed");
  }
  const what = current ? `ReplicaSet "${current.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  // Once rolled out it stays so, whatever becomes of its pods: another template begins the next rollout.
  if (known?.reason === "NewReplicaSetAvailable" && status.replicas === status.updatedReplicas) return undefined;
  if (input.created && current) {
    const message = `Created new replica set "${current.metadata.name}"`;
    conditions.touch("Progressing", "True", "NewReplicaSetCreated", message);
    return deadline(conditions, { deployment, what, nowMs });
  }
  if (isComplete(deployment, status)) {
    conditions.set("Progressing", "True", "NewReplicaSetAvailable", `${what} has successfully progressed.`);
    return undefined;
  }
  if (hasProgressed(deployment, status) || known === undefined) {
    // The clock of the deadline starts anew with each step.
    conditions.touch("Progressing", "True", "ReplicaSetUpdated", `${what} is progressing.`);
  }
  return deadline(conditions, { deployment, what, nowMs });
}

function deadline(
  conditions: Conditions,
  { deployment, what, nowMs }: { deployment: DeploymentView; what: string; nowMs: number },
): number | undefined {
  const known = conditions.get("Progressing");
  if (known === undefined || known.reason === "ProgressDeadlineExceeded") return undefined;
  // A rollout that had ended begins again without a step of its own.
  if (known.reason === "NewReplicaSetAvailable") {
    conditions.touch("Progressing", "True", "ReplicaSetUpdated", `${what} is progressing.`);
  }
  const sinceMs = Date.parse(conditions.get("Progressing")?.lastUpdateTime ?? "") || nowMs;
  const dueMs = sinceMs + (deployment.progressDeadlineSeconds ?? 600) * 1000;
  if (nowMs < dueMs) return dueMs - nowMs + 1_000;
  conditions.set("Progressing", "False", "ProgressDeadlineExceeded", `${what} has timed out progressing.`);
  return undefined;
}

export function isComplete(deployment: DeploymentView, status: DeploymentStatus): boolean {
  const { replicas } = deployment;
  return (
    status.updatedReplicas === replicas && status.replicas === replicas && (status.availableReplicas ?? 0) >= replicas
  );
}

function hasProgressed({ status: before }: DeploymentView, after: DeploymentStatus): boolean {
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    oldReplicas(after) < oldReplicas(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function oldReplicas(status: DeploymentStatus): number {
  return (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
}

/** A ReplicaSet that cannot make its pods is the Deployment's trouble too. */
function setFailure(conditions: Conditions, all: readonly ReplicaSetView[]): void {
  for (const { status } of all) {
    const failed = status.conditions?.find(({ type, status: is }) => type === "ReplicaFailure" && is === "True");
    if (failed) return conditions.set("ReplicaFailure", "True", failed.reason ?? "", failed.message ?? "");
  }
  conditions.remove("ReplicaFailure");
}

class Conditions {
  list: DeploymentCondition[];
  readonly #now: string;

  constructor(current: readonly DeploymentCondition[], nowMs: number) {
    this.list = [...current];
    this.#now = formatTime(nowMs);
  }

  get(type: string): DeploymentCondition | undefined {
    return this.list.find((condition) => condition.type === type);
  }

  remove(type: string): void {
    this.list = this.list.filter((condition) => condition.type !== type);
  }

  /** Times stay where status and reason stay. */
  set(type: string, status: DeploymentCondition["status"], reason: string, message: string): void {
    const known = this.get(type);
    if (known?.status === status && known.reason === reason) return;
    this.touch(type, status, reason, message);
  }

  touch(type: string, status: DeploymentCondition["status"], reason: string, message: string): void {
    const known = this.get(type);
    const transition = known?.status === status ? (known.lastTransitionTime ?? this.#now) : this.#now;
    const condition = { type, status, lastUpdateTime: this.#now, lastTransitionTime: transition, reason, message };
    if (known) this.list = this.list.map((one) => (one === known ? condition : one));
    else this.list.push(condition);
  }
}

const COUNTS = [
  "observedGeneration",
  "replicas",
  "updatedReplicas",
  "readyReplicas",
  "availableReplicas",
  "unavailableReplicas",
  "terminatingReplicas",
  "collisionCount",
] as const;

function sameStatus(a: DeploymentStatus, b: DeploymentStatus): boolean {
  const members = ["type", "status", "reason", "message", "lastUpdateTime"] as const;
  const summary = ({ conditions = [] }: DeploymentStatus): string =>
    JSON.stringify(conditions.map((condition) => members.map((member) => condition[member])));
  return COUNTS.every((count) => (a[count] ?? 0) === (b[count] ?? 0)) && summary(a) === summary(b);
}
