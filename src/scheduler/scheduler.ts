/** Gives pods their nodes. Its own queue decides the order, so for the manager it is a controller with a single key. */
import type { Change } from "../controller-runtime/informer.ts";
import type { Controller } from "../controller-runtime/manager.ts";
import type { ReconcileResult } from "../controller-runtime/reconciler.ts";
import type { NodeView } from "../controller-runtime/views/node-view.ts";
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import { keyOf } from "../controller-runtime/views/view.ts";
import { isStatusError } from "../machinery/status-error.ts";
import { createClaim } from "./claim.ts";
import { createCommit, type CommitDeps, type Placement, type Why } from "./commit.ts";
import { schedulePod, type Decision } from "./cycle.ts";
import { NO_NODES } from "./diagnosis.ts";
import { feedSnapshot, type FedStores } from "./feed.ts";
import type { Profile } from "./framework.ts";
import { createProfile } from "./plugins/index.ts";
import { planVolumes, type VolumePlan } from "./plugins/volume-binding.ts";
import { shapeLike } from "./plugins/volume-restrictions.ts";
import { planPreemption, type PreemptionPlan } from "./preemption.ts";
import { createSchedulingQueue } from "./queue.ts";
import { createSnapshot } from "./snapshot.ts";
import { createWaitingVolumes } from "./waiting-volumes.ts";

export interface SchedulerDeps extends CommitDeps {
  stores: FedStores;
  /** One for each `schedulerName`; pods of others are left alone. */
  profiles?: readonly Profile[];
}

const TURN = "turn";
/** Decisions go on for so long at once; then others get their turn. */
const SLICE_MS = 10;
/** Writes under way at once: the hub commits them in groups. */
const WRITES_MAX = 256;
/** Bindings that go in one request: two groups of the hub. */
const BINDINGS_MAX = 128;

/** Where it failed, as kube-scheduler says it. */
const DEFAULT_BINDER = 'binding rejected: running Bind plugin "DefaultBinder"';
const VOLUME_BINDING = 'running PreBind plugin "VolumeBinding": binding volumes';

/** Answers by which a binding is known not to be stored. */
const REFUSALS = ["NotFound", "Invalid", "BadRequest", "Forbidden"] as const;

type Refused = Extract<Decision, { node: undefined }>;

export function createScheduler(deps: SchedulerDeps): Controller {
  const { stores, platform } = deps;
  const { clock, random, timers } = platform;
  const profiles = new Map((deps.profiles ?? [createProfile()]).map((profile) => [profile.schedulerName, profile]));
  const plugins = [...profiles.values()].flatMap((profile) => profile.plugins.map(({ plugin }) => plugin));
  const queue = createSchedulingQueue({ clock, plugins });
  const snapshot = createSnapshot();
  const volumes = createWaitingVolumes({ clock, tables: snapshot.tables, nodeOf });
  const commit = createCommit(deps);
  const writes = createWrites();
  const lease = createClaim(deps);
  /** The last message of each pod that has no node. */
  const told = new Map<string, string>();
  const fraction = (): number => random.fraction();
  /** Decided in this turn, and not yet on its way. */
  const placed: Placement[] = [];
  let startAt = 0;
  let wantsLease = false;
  /** When the next turn comes by itself. */
  let scheduledMs = Number.POSITIVE_INFINITY;

  const isWaiting = (pod: PodView): boolean =>
    pod.nodeName === "" &&
    profiles.has(pod.schedulerName) &&
    pod.phase === "Pending" &&
    pod.scheduling.gates.length === 0 &&
    pod.metadata.deletionTimestamp === undefined;

  function podChanged({ before, after }: Change<PodView>): void {
    if (before && before.metadata.uid !== after?.metadata.uid) leave(before.metadata.uid);
    if (after === undefined) return;
    if (!isWaiting(after)) return leave(after.metadata.uid);
    if (snapshot.isAssumed(after.metadata.uid)) return;
    // Its own status says nothing new.
    const same =
      before?.metadata.uid === after.metadata.uid && isWaiting(before) && placementOf(before) === placementOf(after);
    if (!same) queue.add(after);
  }

  function leave(uid: string): void {
    queue.remove(uid);
    volumes.remove(uid);
    told.delete(uid);
  }

  async function turn(): Promise<ReconcileResult> {
    scheduledMs = Number.POSITIVE_INFINITY;
    for (;;) {
      if (wantsLease) await lease.take();
      wantsLease = false;
      settleVolumes();
      const untilMs = clock.now() + SLICE_MS;
      while (writes.count + placed.length < WRITES_MAX && clock.now() < untilMs) {
        const pod = wantsLease ? undefined : nextPod();
        if (pod === undefined) break;
        decide(pod);
      }
      while (placed.length > 0) {
        const batch = placed.splice(0, BINDINGS_MAX);
        writes.add(bind(batch), batch.length);
      }
      if (writes.count > 0) await writes.one();
      else if (!queue.isReady) break;
      else await new Promise<void>((resolve) => void timers.after(0, resolve));
    }
    const due = dueMs();
    scheduledMs = due ?? Number.POSITIVE_INFINITY;
    return due === undefined ? { done: true } : { againAfterMs: Math.max(0, due - clock.now()) };
  }

  /** Unix ms at which there is something to do. */
  function dueMs(): number | undefined {
    const due = [queue.nextDueMs(), volumes.nextDueMs()].filter((time) => time !== undefined);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** As the store has it now: it may be gone or bound since it was queued. */
  function nextPod(): PodView | undefined {
    for (let queued = queue.pop(); queued !== undefined; queued = queue.pop()) {
      const { uid } = queued.metadata;
      const pod = stores.pods.get(keyOf(queued.metadata));
      if (pod && pod.metadata.uid === uid && isWaiting(pod) && !snapshot.isAssumed(uid)) return pod;
      queue.remove(uid);
    }
    return undefined;
  }

  function decide(pod: PodView): void {
    const profile = profiles.get(pod.schedulerName);
    if (profile === undefined) return;
    const decision = schedulePod(snapshot, pod, profile, { fraction, startAt });
    startAt = snapshot.nodeCount === 0 ? 0 : (startAt + decision.looked) % snapshot.nodeCount;
    if (decision.node === undefined) return refuse(pod, decision, profile);
    if (lease.revision === undefined) return decideAgain(pod);
    place(pod, decision.node);
  }

  /** Only who has something to bind, or to preempt, takes the Lease; what is learnt with it may change the decision. */
  function decideAgain(pod: PodView): void {
    wantsLease = true;
    queue.add(pod);
  }

  function place(pod: PodView, node: string): void {
    const view = pod.claims.length > 0 ? nodeOf(node) : undefined;
    const plan = view && planVolumes(shapeLike(pod), view, snapshot.tables);
    const nominated = snapshot.nominationOf(pod.metadata.uid);
    snapshot.assume(pod, node);
    // The room that was made for it elsewhere is anybody's now.
    if (nominated !== "" && nominated !== node) queue.happened({ kind: "pod-gone", pod });
    if (plan === undefined || "plugin" in plan || plan.bind.length + plan.provision.length === 0) {
      placed.push({ pod, node });
      return;
    }
    reserve(plan, node);
    volumes.add({ pod, node, plan, fence: lease.revision });
    writes.add(bindVolumes(pod, node, plan));
  }

  async function bindVolumes(pod: PodView, node: string, plan: VolumePlan): Promise<void> {
    try {
      volumes.written(pod.metadata.uid, await commit.volumes(plan, node));
    } catch (error) {
      failed(pod, node, { error, at: VOLUME_BINDING });
    }
  }

  function nodeOf(name: string): NodeView | undefined {
    return snapshot.cluster.nodes.views[snapshot.cluster.nodes.slotOf.get(name) ?? -1];
  }

  /** So that the next pod does not choose the same volumes. */
  function reserve({ bind: chosen, provision }: VolumePlan, node: string): void {
    const { tables } = snapshot;
    for (const { volume, claim } of chosen) {
      tables.volumes.set({ ...volume, claim: { key: keyOf(claim.metadata), uid: claim.metadata.uid } });
    }
    for (const claim of provision) tables.claims.set({ ...claim, selectedNode: node });
  }

  function settleVolumes(): void {
    const { ready, failed: late } = volumes.take();
    for (const { pod, node, fence } of ready) {
      // What others have bound since is not in that decision.
      if (fence !== lease.revision)
        failed(pod, node, { error: new Error("decided under an earlier lease"), at: DEFAULT_BINDER });
      else placed.push({ pod, node });
    }
    for (const { pod, node, error } of late) failed(pod, node, { error, at: VOLUME_BINDING });
  }

  async function bind(batch: readonly Placement[]): Promise<void> {
    try {
      // Decided under a claim that is lost meanwhile: decided again.
      if (lease.revision === undefined) throw new Error("another copy of the scheduler has taken over");
      const failures = await commit.bind(batch, lease.revision);
      await Promise.all(batch.map((one, at) => bound(one, failures[at])));
    } catch (error) {
      await Promise.all(batch.map((one) => bound(one, error)));
    }
  }

  async function bound({ pod, node }: Placement, failure: unknown): Promise<void> {
    if (failure === undefined) return leave(pod.metadata.uid);
    if (isStatusError(failure, "Conflict")) await lease.check();
    else if (!REFUSALS.some((reason) => isStatusError(failure, reason))) lease.drop();
    failed(pod, node, { error: failure, at: DEFAULT_BINDER });
  }

  function failed(pod: PodView, node: string, { error, at }: { error: unknown; at: string }): void {
    const { uid } = pod.metadata;
    snapshot.forget(uid);
    volumes.remove(uid);
    restoreTables(pod);
    if (at === DEFAULT_BINDER && isStatusError(error, "NotFound")) return leave(uid);
    queue.retry(pod);
    queue.happened({ kind: "pod-gone", pod });
    platform.log.warn("a binding failed; it is tried again", { pod: keyOf(pod.metadata), node, error });
    // Somebody was faster: that says nothing of the pod.
    if (isStatusError(error, "Conflict")) return;
    const why = error instanceof Error ? error.message : String(error);
    tell(pod, { reason: "SchedulerError", message: `${at}: ${why}` });
  }

  /** What was reserved for a pod is as the stores have it. */
  function restoreTables({ claims, metadata }: PodView): void {
    if (claims.length === 0) return;
    for (const { name } of claims) {
      const claim = stores.persistentVolumeClaims.get(`${metadata.namespace}/${name}`);
      if (claim) snapshot.tables.claims.set(claim);
    }
    for (const volume of stores.persistentVolumes.all()) snapshot.tables.volumes.set(volume);
  }

  function refuse(pod: PodView, { message, refusedBy, potential }: Refused, profile: Profile): void {
    const { uid } = pod.metadata;
    const plan = message === NO_NODES ? undefined : planPreemption(snapshot, pod, profile, { fraction, potential });
    if (plan?.node !== undefined && lease.revision === undefined) return decideAgain(pod);
    queue.unschedulable(pod, refusedBy);
    if (plan?.node !== undefined) {
      snapshot.nominate(pod, plan.node);
      tell(pod, { reason: "Unschedulable", message, nominate: plan.node });
      writes.add(makeRoom(pod, plan));
      return;
    }
    const ends = plan?.endsNomination === true && snapshot.nominationOf(uid) !== "";
    if (ends) endNomination(pod);
    const full = plan === undefined ? message : `${message} ${plan.message}`;
    tell(pod, { reason: "Unschedulable", message: full, ...(ends ? { nominate: "" } : {}) });
  }

  function tell(pod: PodView, why: Why): void {
    const { uid } = pod.metadata;
    const text = `${why.message}|${why.nominate ?? ""}`;
    if (told.get(uid) === text) return;
    told.set(uid, text);
    writes.add(commit.unscheduled(pod, why).then((exists) => (exists ? undefined : leave(uid))));
  }

  /** Who waited behind it may have its room. */
  function endNomination(pod: PodView): void {
    snapshot.nominate(pod, "");
    queue.happened({ kind: "pod-gone", pod });
  }

  async function makeRoom(pod: PodView, plan: Extract<PreemptionPlan, { node: string }>): Promise<void> {
    const { node, victims, displaced } = plan;
    for (const one of displaced) snapshot.nominate(one, "");
    const [failures] = await Promise.all([
      preempted(victims, pod, node),
      ...displaced.map((one) => commit.endNomination(one)),
    ]);
    for (const error of failures) {
      platform.log.warn("a pod could not be preempted", { for: keyOf(pod.metadata), node, error });
      queue.retry(pod);
      endNomination(pod);
    }
  }

  /** Answers what went wrong. */
  async function preempted(victims: readonly PodView[], pod: PodView, node: string): Promise<unknown[]> {
    try {
      return await commit.preempt(victims, pod, node);
    } catch (error) {
      return [error];
    }
  }

  return {
    name: "kube-scheduler",
    concurrency: 1,
    watches: [],
    connect(enqueue) {
      feedSnapshot({
        stores,
        snapshot,
        podChanged,
        happened: (event) => queue.happened(event),
        changed: () => {
          const due = dueMs();
          if (due !== undefined && (due < scheduledMs || volumes.nextDueMs() !== undefined)) enqueue(TURN);
        },
      });
    },
    reconcile: turn,
  };
}

/** Everything of a waiting pod that decides where it may go. */
function placementOf({ scheduling, priority, metadata, claims }: PodView): string {
  return JSON.stringify([scheduling.key, priority, metadata.labels, claims]);
}

/** Writes under way. */
function createWrites() {
  let count = 0;
  let wake: (() => void) | undefined;
  return {
    get count() {
      return count;
    },
    /** Of a promise that never rejects; so many writes are done with it. */
    add(write: Promise<unknown>, writes = 1): void {
      count += writes;
      void write
        .catch(() => {})
        .finally(() => {
          count -= writes;
          wake?.();
        });
    },
    /** Resolves when one of them is done. */
    async one(): Promise<void> {
      await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}
