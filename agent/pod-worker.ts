/**
 * One pod on this node: compares what is wanted with what the engine shows, and acts. Steps are serialised and short; whatever takes
 * time (starting, stopping, cleaning) runs beside them and asks for the next step when it ends.
 */
import { EngineError, type ContainerStatus } from "./engines/engine.ts";
import { createBackOff } from "./pods/back-off.ts";
import { createBringUp, wantsBringUp } from "./pods/bring-up.ts";
import { definitionOf } from "./pods/container-config.ts";
import { StartError } from "./pods/images.ts";
import { attemptsOf, currentSandbox, planPod, planTermination, type PodPlan } from "./pods/plan.ts";
import { createPodFiles, type PodRecord } from "./pods/pod-files.ts";
import { allContainers, formatPod, isTerminal, type Pod, type PodStatus } from "./pods/pod.ts";
import { createStartFailures, type StartFailures, type Waiting } from "./pods/start-failures.ts";
import { createStopper, type Stopper } from "./pods/stopper.ts";
import type { PodRuntime } from "./pods/runtime-view.ts";
import { createVolumeKeeper, type VolumeKeeper } from "./pods/volume-keeper.ts";
import type { WorkerDeps } from "./pods/worker-deps.ts";
import { canonical } from "./status/status-book.ts";
import { podStatus } from "./status/pod-status.ts";

/** kubelet's limits: 10 s, doubled up to 5 min. */
const CRASH_BACK_OFF = { initialMs: 10_000, maxMs: 300_000 };
const POD_BACK_OFF = { initialMs: 1_000, maxMs: 60_000 };
const DEFAULT_GRACE_SECONDS = 30;
/** Dead attempts kept per container, for `lastState` and `logs --previous`. */
const DEAD_KEPT = 1;

/** What is gone already need not be removed. */
async function orGone(removal: Promise<void>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== "not-found") throw error;
  }
}

export class PodWorker {
  private readonly deps: WorkerDeps;
  private readonly uid: string;
  private readonly files;
  private readonly bringUp;
  private readonly stopper: Stopper;
  private readonly crashes = createBackOff(CRASH_BACK_OFF);
  private readonly podBackOff = createBackOff(POD_BACK_OFF);
  private readonly failures: StartFailures;
  private readonly terminationMessages = new Map<string, string>();
  private pod: Pod;
  private record: PodRecord = { status: undefined, verdict: undefined, definitions: {} };
  private loaded = false;
  private removed = false;
  private removalGraceSeconds = 0;
  private closed = false;
  private stepping = false;
  private again = false;
  /** Names of what runs beside the steps. */
  private readonly beside = new Set<string>();
  private startingName: string | undefined;
  private readonly volumes: VolumeKeeper;
  private takenDown = false;
  private ended = false;
  private deleteNotBeforeMs = 0;
  private unwake: (() => void) | undefined;
  private wakeAtMs: number | undefined;

  constructor(deps: WorkerDeps, pod: Pod) {
    this.deps = deps;
    this.pod = pod;
    this.uid = pod.metadata.uid;
    this.files = createPodFiles(deps.stateDirectory, pod);
    this.bringUp = createBringUp(deps, {
      pod,
      files: this.files,
      crashes: this.crashes,
      halted: () => this.halted(),
      onStarted: (container, attempt) => {
        this.record.definitions[container.name] = { attempt, definition: definitionOf(container) };
        this.save();
      },
    });
    this.failures = createStartFailures({
      imageOf: (name) => allContainers(this.pod).find((c) => c.name === name)?.image ?? "",
      event: (type, reason, message, container) => this.event(type, reason, message, container),
    });
    this.volumes = createVolumeKeeper({
      clock: deps.clock,
      setUp: () => this.bringUp.setUpVolumes(this.pod),
      renewAtMs: () => this.bringUp.tokens.renewAtMs(),
      onError: (message) => this.event("Warning", "FailedMount", message),
    });
    this.stopper = createStopper(deps, { onDone: () => this.poke() });
  }

  get current(): Pod {
    return this.pod;
  }

  /** True while there is something to watch at the engine. */
  get active(): boolean {
    return !this.closed && !(this.ended && this.takenDown);
  }

  get busy(): boolean {
    return this.stepping || this.again || this.beside.size > 0 || this.unsaved > 0;
  }

  /** The pod as the control plane now has it. */
  update(pod: Pod): void {
    const { labels, annotations } = this.pod.metadata;
    const same = canonical([labels, annotations]) === canonical([pod.metadata.labels, pod.metadata.annotations]);
    if (!same) this.volumes.soil();
    this.pod = pod;
    this.poke();
  }

  /** The control plane has it no more (it is killed at once), or the node is being cleared. */
  remove(options: { gracefully: boolean } = { gracefully: false }): void {
    this.removed = true;
    this.removalGraceSeconds = options.gracefully ? this.graceSeconds() : 0;
    this.poke();
  }

  /** A ConfigMap, Secret or service it may use has changed. */
  configChanged(): void {
    this.failures.forgive();
    this.volumes.soil();
    this.poke();
  }

  poke(): void {
    if (this.closed) return;
    if (this.stepping) {
      this.again = true;
      return;
    }
    this.stepping = true;
    this.running = this.run();
  }

  /** Forgets the pod without touching what runs. Resolves when nothing of it is written any more. */
  async close(): Promise<void> {
    this.rest();
    await this.running;
    await this.saving;
  }

  private rest(): void {
    this.closed = true;
    this.unwake?.();
  }

  private async run(): Promise<void> {
    do {
      this.again = false;
      try {
        await this.step();
      } catch (error) {
        this.deps.log.error("pod step failed", { pod: formatPod(this.pod), error });
        this.wake(this.deps.clock.now() + POD_BACK_OFF.initialMs);
      }
    } while (this.again && !this.closed);
    this.stepping = false;
  }

  private wake(atMs: number): void {
    const nowMs = this.deps.clock.now();
    const due = Math.max(atMs, nowMs + 1);
    if (this.wakeAtMs !== undefined && this.wakeAtMs <= due && this.wakeAtMs > nowMs) return;
    this.unwake?.();
    this.wakeAtMs = due;
    this.unwake = this.deps.timers.after(due - nowMs, () => {
      this.wakeAtMs = undefined;
      this.poke();
    });
  }

  /** Runs something beside the steps; one of a name at a time. */
  private aside(name: string, action: () => Promise<void>): void {
    if (this.beside.has(name)) return;
    this.beside.add(name);
    action()
      .catch((error: unknown) => {
        this.deps.log.warn("pod work failed", { pod: formatPod(this.pod), work: name, error });
        this.wake(this.deps.clock.now() + POD_BACK_OFF.initialMs);
      })
      .finally(() => {
        this.beside.delete(name);
        this.poke();
      });
  }

  private save(): void {
    const record = structuredClone(this.record);
    this.unsaved++;
    this.saving = this.saving
      .then(() => (this.closed ? undefined : this.files.save(record)))
      .catch((error: unknown) => {
        this.deps.log.warn("a pod's record could not be written", { pod: formatPod(this.pod), error });
      })
      .finally(() => this.unsaved--);
  }
  private running: Promise<void> = Promise.resolve();
  private saving: Promise<void> = Promise.resolve();
  private unsaved = 0;

  private async step(): Promise<void> {
    if (!this.loaded) {
      this.record = (await this.files.load()) ?? { ...this.record, status: this.pod.status };
      this.loaded = true;
    }
    const runtime = this.deps.view.of(this.uid);
    if (runtime.containers.some((c) => c.state === "running")) this.volumes.takeOver();
    await this.readTerminationMessages(runtime);
    const nowMs = this.deps.clock.now();
    this.followProbes(runtime);
    if (this.removed) return this.takeDown(runtime, this.removalGraceSeconds);
    this.judge(nowMs);
    const dying = this.pod.metadata.deletionTimestamp !== undefined;
    if (dying || this.record.verdict !== undefined) return this.takeDown(runtime, this.graceSeconds());
    if (isTerminal(this.record.status)) return this.takeDown(runtime, this.graceSeconds());
    const plan = this.plan(runtime, nowMs);
    if (plan.finished && plan.stop.length === 0 && !this.beside.has("start"))
      return this.takeDown(runtime, this.graceSeconds());
    this.carryOut(plan, runtime, nowMs);
    this.publish(runtime, plan);
    this.tidy(runtime);
  }

  private graceSeconds(): number {
    const { metadata, spec } = this.pod;
    return metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  }

  /** Ends a pod that was active for longer than it may. */
  private judge(nowMs: number): void {
    const { activeDeadlineSeconds } = this.pod.spec;
    const startTime = this.record.status?.startTime;
    if (
      activeDeadlineSeconds === undefined ||
      startTime === undefined ||
      this.record.verdict ||
      isTerminal(this.record.status)
    )
      return;
    const endMs = Date.parse(startTime) + activeDeadlineSeconds * 1000;
    if (nowMs < endMs) return this.wake(endMs);
    const message = "Pod was active on the node longer than the specified deadline";
    this.record.verdict = { reason: "DeadlineExceeded", message };
    this.event("Normal", "DeadlineExceeded", message);
    this.save();
  }

  private plan(runtime: PodRuntime, nowMs: number): PodPlan {
    return planPod({
      pod: this.pod,
      nowMs,
      podNetwork: this.deps.podNetwork,
      ...runtime,
      stopping: this.stopper.ids,
      started: (id) => this.started(id),
      failure: (id) => this.deps.prober.failure(id),
      crashBackOff: (name, finishedMs) => ({
        remainingMs: this.crashes.remaining(name, { nowMs, sinceMs: finishedMs }),
        delayMs: this.crashes.delay(name),
      }),
      notBeforeMs: (name) => this.failures.notBeforeMs(name),
      restartsKnown: (name) => this.restartsKnown(name),
      outdated: (container) => this.outdated(container),
    });
  }

  private started(containerId: string): boolean {
    return this.deps.prober.started(containerId) && this.bringUp.hooked() !== containerId;
  }

  /** Attempts that the last status tells of, for engines that forget their containers. */
  private restartsKnown(name: string): number {
    const { initContainerStatuses = [], containerStatuses = [] } = this.record.status ?? {};
    const known = [...initContainerStatuses, ...containerStatuses].find((s) => s.name === name);
    return known?.containerID === undefined ? 0 : known.restartCount + 1;
  }

  private outdated(status: ContainerStatus): boolean {
    const known = this.record.definitions[status.name];
    const container = allContainers(this.pod).find((c) => c.name === status.name);
    if (known === undefined || container === undefined || known.attempt !== status.attempt) return false;
    return known.definition !== definitionOf(container);
  }

  private followProbes(runtime: PodRuntime): void {
    const running = runtime.containers.filter((c) => c.state === "running");
    this.deps.prober.keepOnly(this.uid, new Set(running.map((c) => c.id)));
    const podIp = this.podIp(runtime);
    for (const status of running) {
      const container = allContainers(this.pod).find((c) => c.name === status.name);
      if (container === undefined) continue;
      const known = this.knownOf(status);
      this.deps.prober.track({
        podUid: this.uid,
        container,
        containerId: status.id,
        startedMs: status.startedMs,
        podIp,
        known,
      });
    }
  }

  /** A restart of the agent must not make a ready pod unready. */
  private knownOf({ id }: ContainerStatus): { started: boolean; ready: boolean } {
    const { initContainerStatuses = [], containerStatuses = [] } = this.record.status ?? {};
    const containerID = `${this.deps.idPrefix}${id}`;
    const known = [...initContainerStatuses, ...containerStatuses].find((s) => s.containerID === containerID);
    return { started: known?.started === true, ready: known?.ready === true };
  }

  private podIp(runtime: PodRuntime): string {
    if (this.pod.spec.hostNetwork === true || !this.deps.podNetwork) return this.deps.facts().hostIps[0] ?? "127.0.0.1";
    return currentSandbox(runtime.sandboxes)?.ips[0] ?? "";
  }

  private carryOut(plan: PodPlan, runtime: PodRuntime, nowMs: number): void {
    for (const { id, graceSeconds, message } of plan.stop) {
      const status = runtime.containers.find((c) => c.id === id);
      if (status) this.stopContainer(status, graceSeconds ?? this.graceSeconds(), message, runtime);
    }
    if (wantsBringUp(plan) && plan.stop.length === 0) this.aside("start", () => this.start(plan));
    else this.refreshVolumes(nowMs);
    if (plan.wakeAtMs !== undefined) this.wake(plan.wakeAtMs);
    for (const name of plan.waiting.keys()) this.tellBackOff(name, runtime);
  }

  private stopContainer(status: ContainerStatus, graceSeconds: number, message: string, runtime: PodRuntime): void {
    this.stopper.stop({ pod: this.pod, status, graceSeconds, message, podIp: this.podIp(runtime) });
  }

  /** Once for each time a container has to wait. */
  private tellBackOff(name: string, runtime: PodRuntime): void {
    const [last] = attemptsOf(runtime.containers, name);
    if (last === undefined || this.announcedBackOff.get(name) === last.id) return;
    this.announcedBackOff.set(name, last.id);
    const { metadata } = this.pod;
    const where = `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
    this.event("Warning", "BackOff", `Back-off restarting failed container ${name} in pod ${where}`, name);
  }
  private readonly announcedBackOff = new Map<string, string>();

  private halted(): boolean {
    return (
      this.closed ||
      this.removed ||
      this.pod.metadata.deletionTimestamp !== undefined ||
      this.record.verdict !== undefined
    );
  }

  private async start(plan: PodPlan): Promise<void> {
    if (plan.createSandbox !== undefined || !this.volumes.ready()) {
      if (!(await this.prepare(plan.createSandbox))) return;
      if (plan.createSandbox !== undefined) return;
    }
    for (const start of plan.start) {
      if (this.halted()) return;
      this.startingName = start.name;
      try {
        await this.bringUp.startContainer(this.pod, start);
        this.failures.clear(start.name);
      } catch (error) {
        if (!(error instanceof StartError)) throw error;
        this.failures.note(start.name, error, this.deps.clock.now());
        await this.deps.view.refresh();
        // Init containers hold up what follows; others start without their neighbour.
        if (start.init) return;
      } finally {
        this.startingName = undefined;
      }
    }
  }

  /** Volumes and, where one is wanted, a sandbox. @returns false when that failed and has to be tried again later. */
  private async prepare(sandboxAttempt: number | undefined): Promise<boolean> {
    let what = "FailedMount";
    try {
      await this.volumes.setUp();
      if (this.halted()) return false;
      what = "FailedCreatePodSandBox";
      if (sandboxAttempt !== undefined) await this.bringUp.createSandbox(this.pod, sandboxAttempt);
      this.failures.clear("");
      this.podBackOff.forget("");
      return true;
    } catch (error) {
      const atMs = this.deps.clock.now();
      const delayMs = this.podBackOff.next("", { nowMs: atMs, sinceMs: atMs });
      const why = error instanceof Error ? error.message : String(error);
      this.failures.note("", new StartError(what, why, { retryAfterMs: delayMs }), atMs);
      this.event("Warning", what, what === "FailedMount" ? why : `Failed to create pod sandbox: ${why}`);
      this.wake(atMs + delayMs);
      return false;
    }
  }

  private refreshVolumes(nowMs: number): void {
    if (this.beside.has("start")) return;
    const dueMs = this.volumes.dueAtMs();
    if (dueMs === undefined) return;
    if (dueMs > nowMs) return this.wake(dueMs);
    this.aside("volumes", () => this.volumes.refresh());
  }

  /** Stops everything, step by step, then reports the end and, for a deleted pod, has it removed. */
  private takeDown(runtime: PodRuntime, graceSeconds: number): void {
    for (const status of planTermination(this.pod, runtime.containers)) {
      this.stopContainer(status, graceSeconds, `Stopping container ${status.name}`, runtime);
    }
    const quiet = !runtime.containers.some((c) => c.state === "running") && this.stopper.ids.size === 0;
    if (!quiet || (this.beside.has("start") && !this.bringUp.pulling())) return this.publish(runtime);
    if (runtime.sandboxes.some((s) => s.ready)) {
      this.publish(runtime);
      return this.aside("sandbox", async () => {
        for (const { id, ready } of runtime.sandboxes) if (ready) await this.deps.engine.stopSandbox(id);
        await this.deps.view.refresh();
      });
    }
    if (!this.takenDown) {
      return this.aside("clean", async () => {
        await this.bringUp.volumes.tearDown();
        this.takenDown = true;
      });
    }
    this.ended = true;
    this.publish(runtime);
    this.finish(runtime);
  }

  private finish(runtime: PodRuntime): void {
    if (this.removed) return this.aside("forget", () => this.forget(runtime));
    const nowMs = this.deps.clock.now();
    if (this.pod.metadata.deletionTimestamp === undefined || !this.deps.book.isAccepted(this.uid)) return;
    if (nowMs < this.deleteNotBeforeMs) return this.wake(this.deleteNotBeforeMs);
    this.aside("delete", async () => {
      await this.removeFromEngine(runtime);
      const { namespace, name } = this.pod.metadata;
      this.deleteNotBeforeMs = this.deps.clock.now() + this.podBackOff.next("delete", { nowMs, sinceMs: nowMs });
      await this.deps.deletePod({ namespace, name, uid: this.uid });
      // The next sync no longer has it. Should it have it still, the delete is said again.
      this.deleteNotBeforeMs = this.deps.clock.now() + POD_BACK_OFF.maxMs;
    });
  }

  private async removeFromEngine(runtime: PodRuntime): Promise<void> {
    const { engine } = this.deps;
    for (const { id } of runtime.containers) await orGone(engine.removeContainer(id));
    for (const { id } of runtime.sandboxes) {
      await orGone(engine.stopSandbox(id));
      await orGone(engine.removeSandbox(id));
    }
  }

  private async forget(runtime: PodRuntime): Promise<void> {
    await this.removeFromEngine(runtime);
    this.rest();
    await this.saving;
    await this.files.removeAll();
    this.deps.book.forget(this.uid);
    this.deps.onGone(this.uid);
    await this.deps.view.refresh();
  }

  /** Removes attempts and sandboxes that nobody asks for any more. */
  private tidy(runtime: PodRuntime): void {
    const dead = allContainers(this.pod).flatMap((container) => {
      const attempts = attemptsOf(runtime.containers, container.name);
      return attempts.slice(1 + DEAD_KEPT).filter((c) => c.state === "exited");
    });
    const current = currentSandbox(runtime.sandboxes);
    const empty = runtime.sandboxes.filter(
      (s) => s !== current && !runtime.containers.some((c) => c.sandboxId === s.id && !dead.includes(c)),
    );
    if (dead.length === 0 && empty.length === 0) return;
    this.aside("tidy", async () => {
      for (const { id, name, attempt } of dead) {
        await orGone(this.deps.engine.removeContainer(id));
        await this.files.removeAttempt(name, attempt);
        this.terminationMessages.delete(id);
      }
      for (const { id } of empty) {
        await orGone(this.deps.engine.stopSandbox(id));
        await orGone(this.deps.engine.removeSandbox(id));
      }
      await this.deps.view.refresh();
    });
  }

  private async readTerminationMessages(runtime: PodRuntime): Promise<void> {
    for (const { id, name, attempt, state, exitCode, logPath } of runtime.containers) {
      if (state !== "exited" || this.terminationMessages.has(id)) continue;
      let message = await this.files.readTerminationLog(name, attempt);
      const container = allContainers(this.pod).find((c) => c.name === name);
      const fallBack = container?.terminationMessagePolicy === "FallbackToLogsOnError" && exitCode !== 0;
      if (message === "" && fallBack) message = await this.files.logTail(logPath);
      this.terminationMessages.set(id, message);
    }
  }

  /** Why containers wait, as their statuses show it. */
  private reasons(plan: PodPlan | undefined): Map<string, Waiting> {
    const { reasons, wakeAtMs } = this.failures.reasons(this.deps.clock.now(), this.startingName);
    if (wakeAtMs !== undefined) this.wake(wakeAtMs);
    for (const [name, waiting] of plan?.waiting ?? []) reasons.set(name, waiting);
    return reasons;
  }

  private publish(runtime: PodRuntime, plan?: PodPlan): void {
    const { deps, pod } = this;
    const terminating =
      this.removed || pod.metadata.deletionTimestamp !== undefined || this.record.verdict !== undefined;
    const status: PodStatus = podStatus({
      pod,
      nowMs: deps.clock.now(),
      podNetwork: deps.podNetwork,
      hostIps: deps.facts().hostIps,
      idPrefix: deps.idPrefix,
      ...runtime,
      waiting: this.reasons(plan),
      started: (id) => this.started(id),
      ready: (id) => this.started(id) && deps.prober.ready(id),
      terminationMessage: (id) => this.terminationMessages.get(id),
      before: this.record.status,
      verdict: this.record.verdict,
      ended: this.ended,
      terminating,
    });
    if (canonical(status) !== canonical(this.record.status)) {
      this.record.status = status;
      this.save();
    }
    if (!this.removed) deps.book.set(pod, status);
  }

  private event(type: "Normal" | "Warning", reason: string, message: string, container?: string): void {
    const { namespace, name, uid } = this.pod.metadata;
    const fieldPath = container === undefined ? {} : { fieldPath: `spec.containers{${container}}` };
    this.deps.recordEvent({ pod: { namespace, name, uid }, type, reason, message, ...fieldPath });
  }
}
