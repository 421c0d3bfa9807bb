/**
 * Keeps the status of disruption budgets, which evictions go by, and takes back what was said of pods that were to go and stayed. Writes go
 * against the revision that was counted, because evictions write the same status.
 */
import { referenceTo } from "../../controller-runtime/events.ts";
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { Key, ReconcileResult } from "../../controller-runtime/reconciler.ts";
import type { BudgetView } from "../../controller-runtime/views/budget-view.ts";
import { isFinished, type PodView } from "../../controller-runtime/views/pod-view.ts";
import { keyOf } from "../../controller-runtime/views/view.ts";
import { pods } from "../../kinds/core/pods/types.ts";
import { podDisruptionBudgets } from "../../kinds/policy/poddisruptionbudgets/types.ts";
import { formatTime } from "../../machinery/meta.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import {
  asksForScale,
  DELETION_MS_MAX,
  isGuarded,
  planBudget,
  planFailure,
  statusPatch,
  type BudgetStatus,
} from "./plan.ts";
import { expectedScale, type ScaledResource } from "./scale.ts";

export interface DisruptionDeps extends ControllerDeps<
  "pods" | "podDisruptionBudgets" | "deployments" | "replicaSets" | "statefulSets" | "replicationControllers"
> {
  resources: readonly ScaledResource[];
}

/** No budget has a key of this form. */
const POD = "pod:";
const KIND = { apiVersion: "policy/v1", kind: "PodDisruptionBudget" };

export function createDisruptionController(deps: DisruptionDeps): Controller {
  const { client, stores, recorder, platform } = deps;
  const { clock } = platform;

  async function reconcile(key: Key): Promise<ReconcileResult> {
    if (key.startsWith(POD)) return await pardon(key.slice(POD.length));
    const budget = stores.podDisruptionBudgets.get(key);
    if (!budget) return { done: true };
    const guarded = stores.pods.by("namespace", budget.metadata.namespace).filter((pod) => isGuarded(budget, pod));
    const nowMs = clock.now();
    let scale: number | undefined;
    let unmanaged = false;
    try {
      if (asksForScale(budget)) ({ scale, unmanaged } = await expectedScale(deps, guarded));
    } catch (error) {
      await fail(budget, error instanceof Error ? error.message : String(error));
      return { done: true };
    }
    const plan = planBudget(budget, { pods: guarded, scale, nowMs });
    if (plan.status) {
      if (unmanaged) tell(budget, "Warning", "UnmanagedPods", unmanagedPods(budget));
      else if (guarded.length === 0) tell(budget, "Normal", "NoPods", "No matching pods found");
      await write(budget, plan.status);
    }
    for (const pod of plan.notDeleted) tellNotDeleted(budget, pod);
    return plan.againMs === undefined ? { done: true } : { againAfterMs: Math.max(1, plan.againMs - nowMs) };
  }

  async function fail(budget: BudgetView, message: string): Promise<void> {
    const status = planFailure(budget, message, clock.now());
    if (!status) return;
    const why = `Failed to calculate the number of expected pods: ${message}`;
    tell(budget, "Warning", "CalculateExpectedPodCountFailed", why);
    await write(budget, status);
  }

  /** @throws StatusError "Conflict": an eviction was faster, so it is counted again */
  async function write(budget: BudgetView, status: BudgetStatus): Promise<void> {
    const { namespace, name } = budget.metadata;
    const body = statusPatch(budget, status);
    try {
      stores.podDisruptionBudgets.observe(
        await client.patch(podDisruptionBudgets, { namespace, name }, "merge", body, "status"),
      );
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
    }
  }

  /** A pod that was to be evicted and is still there after a while: nobody is after it any more. */
  async function pardon(key: Key): Promise<ReconcileResult> {
    const pod = stores.pods.get(key);
    if (!pod || pod.condemnedMs === undefined || !isStaying(pod)) return { done: true };
    const nowMs = clock.now();
    const untilMs = pod.condemnedMs + DELETION_MS_MAX;
    if (untilMs > nowMs) return { againAfterMs: untilMs - nowMs };
    const condition = { type: "DisruptionTarget", status: "False", lastTransitionTime: formatTime(nowMs) };
    const { namespace, name, uid } = pod.metadata;
    const body = { metadata: { uid }, status: { conditions: [{ ...condition, reason: null, message: null }] } };
    try {
      stores.pods.observe(await client.patch(pods, { namespace, name }, "strategic", body, "status"));
    } catch (error) {
      if (!isStatusError(error, "NotFound") && !isStatusError(error, "Conflict")) throw error;
    }
    return { done: true };
  }

  function tell(budget: BudgetView, type: "Normal" | "Warning", reason: string, message: string): void {
    recorder.record({ about: referenceTo(KIND, budget), type, reason, message });
  }

  function tellNotDeleted({ metadata: { namespace, name } }: BudgetView, pod: PodView): void {
    const message = `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`;
    recorder.record({
      about: referenceTo({ apiVersion: "v1", kind: "Pod" }, pod),
      type: "Warning",
      reason: "NotDeleted",
      message,
    });
  }

  /** Of a state before or after a change: asked for both. */
  function concerned(pod: PodView): Key[] {
    const budgets = stores.podDisruptionBudgets.by("namespace", pod.metadata.namespace);
    const keys = budgets.filter((budget) => isGuarded(budget, pod)).map(({ metadata }) => keyOf(metadata));
    return pod.condemnedMs !== undefined && isStaying(pod) ? [...keys, `${POD}${keyOf(pod.metadata)}`] : keys;
  }

  return {
    name: "disruption-controller",
    concurrency: 4,
    watches: [
      watching(stores.podDisruptionBudgets, ({ metadata }) => [keyOf(metadata)]),
      watching(stores.pods, concerned),
    ],
    reconcile,
  };
}

function isStaying(pod: PodView): boolean {
  return pod.metadata.deletionTimestamp === undefined && !isFinished(pod);
}

function unmanagedPods({ selector }: BudgetView): string {
  return (
    `Pods selected by this PodDisruptionBudget (selector: ${JSON.stringify(selector)}) were found to be unmanaged. ` +
    "As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. " +
    'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
  );
}
