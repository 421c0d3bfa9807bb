/**
 * What has to happen to one pod: desired pod + what the engine shows + probe results → a plan. Pure; the worker carries it out.
 * The rules are those of kubelet (pkg/kubelet/kuberuntime, computePodActions).
 */
import type { ContainerStatus, Sandbox } from "../engines/engine.ts";
import { formatSeconds } from "./back-off.ts";
import { formatPod, isSidecar, type Container, type Pod } from "./pod.ts";

export interface Failure {
  kind: "liveness" | "startup";
  /** Grace period of the probe, where it names one. */
  graceSeconds?: number;
}

export interface PodSituation {
  pod: Pod;
  nowMs: number;
  /** False for engines whose pods have no address of their own. */
  podNetwork: boolean;
  sandboxes: readonly Sandbox[];
  containers: readonly ContainerStatus[];
  /** Ids of containers that are being stopped. */
  stopping: ReadonlySet<string>;
  /** True once the container has passed its startup probe and its postStart hook. */
  started(containerId: string): boolean;
  /** The probe for which a running container has to be killed. */
  failure(containerId: string): Failure | undefined;
  /** Milliseconds a crashed container still has to wait, and the whole delay. */
  crashBackOff(name: string, finishedMs: number): { remainingMs: number; delayMs: number };
  /** Unix ms before which the container is not tried again after a failed start; 0 for none. */
  notBeforeMs(name: string): number;
  /** Restarts that the last reported status counts, for engines that forget. */
  restartsKnown(name: string): number;
  /** True when the container runs with another definition than the pod now has. */
  outdated(container: ContainerStatus): boolean;
}

export interface ContainerStart {
  name: string;
  attempt: number;
  init: boolean;
  /** When its predecessor ended, for the back-off; undefined for a first start. */
  predecessorFinishedMs: number | undefined;
}

export interface ContainerStop {
  id: string;
  name: string;
  message: string;
  graceSeconds?: number;
}

export interface PodPlan {
  /** Attempt of a sandbox to create first. */
  createSandbox: number | undefined;
  start: ContainerStart[];
  stop: ContainerStop[];
  /** Containers that wait, and why; others that don't run are being created. */
  waiting: Map<string, { reason: string; message: string }>;
  /** Nothing will ever run in this pod again. */
  finished: boolean;
  /** When to look again although nothing changed. */
  wakeAtMs: number | undefined;
}

/** The newest sandbox. */
export function currentSandbox(sandboxes: readonly Sandbox[]): Sandbox | undefined {
  return sandboxes.toSorted((a, b) => b.attempt - a.attempt || b.createdMs - a.createdMs)[0];
}

/** Attempts of one container, newest first. */
export function attemptsOf(containers: readonly ContainerStatus[], name: string): ContainerStatus[] {
  return containers
    .filter((c) => c.name === name)
    .toSorted((a, b) => b.attempt - a.attempt || b.createdMs - a.createdMs);
}

export function sandboxUsable(sandbox: Sandbox | undefined, pod: Pod, podNetwork: boolean): sandbox is Sandbox {
  if (sandbox === undefined || !sandbox.ready) return false;
  return !podNetwork || pod.spec.hostNetwork === true || sandbox.ips.length > 0;
}

/** Whether a container that ended has to run again, apart from back-off. */
export function restarts(pod: Pod, container: Container, exitCode: number): boolean {
  const policy = isSidecar(container) ? "Always" : (pod.spec.restartPolicy ?? "Always");
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

class Planner {
  readonly plan: PodPlan = {
    createSandbox: undefined,
    start: [],
    stop: [],
    waiting: new Map(),
    finished: false,
    wakeAtMs: undefined,
  };
  private readonly s: PodSituation;

  constructor(situation: PodSituation) {
    this.s = situation;
  }

  private wake(atMs: number): void {
    this.plan.wakeAtMs = Math.min(this.plan.wakeAtMs ?? Infinity, atMs);
  }

  /** Starts a container now, or notes how long it has to wait. */
  private launch(container: Container, init: boolean, predecessor: ContainerStatus | undefined): void {
    const { pod, nowMs } = this.s;
    if (predecessor !== undefined) {
      const { remainingMs, delayMs } = this.s.crashBackOff(container.name, predecessor.finishedMs);
      if (remainingMs > 0) {
        this.plan.waiting.set(container.name, {
          reason: "CrashLoopBackOff",
          message: `back-off ${formatSeconds(delayMs)} restarting failed container=${container.name} pod=${formatPod(pod)}`,
        });
        return this.wake(nowMs + remainingMs);
      }
    }
    const notBeforeMs = this.s.notBeforeMs(container.name);
    if (notBeforeMs > nowMs) return this.wake(notBeforeMs);
    const known = this.s.restartsKnown(container.name);
    this.plan.start.push({
      name: container.name,
      init,
      attempt: predecessor === undefined ? known : Math.max(predecessor.attempt + 1, known),
      predecessorFinishedMs: predecessor?.finishedMs,
    });
  }

  private stopIfUnwell(container: Container, status: ContainerStatus): void {
    if (this.s.stopping.has(status.id)) return;
    const failure = this.s.failure(status.id);
    if (failure !== undefined) {
      const again = restarts(this.s.pod, container, 137);
      const message = `Container ${container.name} failed ${failure.kind} probe${again ? ", will be restarted" : ""}`;
      const grace = failure.graceSeconds === undefined ? {} : { graceSeconds: failure.graceSeconds };
      this.plan.stop.push({ id: status.id, name: container.name, message, ...grace });
    } else if (this.s.outdated(status)) {
      const message = `Container ${container.name} definition changed, will be restarted`;
      this.plan.stop.push({ id: status.id, name: container.name, message });
    }
  }

  /** It may run or not: only once it surely does not may another take its place. */
  private stopUnknown(status: ContainerStatus): void {
    if (this.s.stopping.has(status.id)) return;
    const message = "Container is in unknown state, try killing it before restart";
    this.plan.stop.push({ id: status.id, name: status.name, message });
  }

  /** Without a usable sandbox: make one, unless nothing would run in it. */
  renewSandbox(current: Sandbox | undefined): void {
    const { pod, containers } = this.s;
    const attempt = current === undefined ? 0 : current.attempt + 1;
    for (const status of containers) {
      if (status.state !== "running" || this.s.stopping.has(status.id)) continue;
      this.plan.stop.push({
        id: status.id,
        name: status.name,
        message: "Pod sandbox changed, it will be killed and re-created.",
      });
    }
    if (
      pod.spec.restartPolicy === "Never" &&
      containers.some((c) => pod.spec.containers.some((s) => s.name === c.name))
    ) {
      this.plan.finished = this.plan.stop.length === 0;
      return;
    }
    const open = pod.spec.containers.filter((container) => {
      const last = attemptsOf(containers, container.name)[0];
      return last === undefined || last.state !== "exited" || restarts(pod, container, last.exitCode);
    });
    if (open.length === 0) {
      this.plan.finished = this.plan.stop.length === 0;
      return;
    }
    const notBeforeMs = this.s.notBeforeMs("");
    if (notBeforeMs > this.s.nowMs) return this.wake(notBeforeMs);
    this.plan.createSandbox = attempt;
  }

  /** Init containers in order. @returns true when the containers proper may start. */
  initialise(sandbox: Sandbox): boolean {
    const { pod, containers } = this.s;
    const here = containers.filter((c) => c.sandboxId === sandbox.id);
    const begun = pod.spec.containers.some((spec) => here.some((c) => c.name === spec.name));
    for (const container of pod.spec.initContainers ?? []) {
      const sidecar = isSidecar(container);
      const last = attemptsOf(here, container.name)[0];
      const earlier = attemptsOf(containers, container.name)[0];
      if (last?.state === "running") {
        this.stopIfUnwell(container, last);
        if (sidecar && (begun || this.s.started(last.id))) continue;
        if (!sidecar && begun) continue;
        return false;
      }
      if (begun && !sidecar) continue;
      if (!sidecar && last?.state === "exited" && last.exitCode === 0) continue;
      if (last?.state === "exited" && !restarts(pod, container, last.exitCode)) {
        this.plan.finished = true;
        return false;
      }
      this.launch(container, true, last ?? earlier);
      // A sidecar that crashed later on does not hold up what already runs.
      if (!begun) return false;
    }
    return true;
  }

  runContainers(): void {
    const { pod, containers } = this.s;
    let alive = 0;
    for (const container of pod.spec.containers) {
      const last = attemptsOf(containers, container.name)[0];
      if (last?.state === "running") {
        this.stopIfUnwell(container, last);
        alive++;
      } else if (last?.state === "unknown") {
        this.stopUnknown(last);
        alive++;
      } else if (last === undefined || last.state !== "exited" || restarts(pod, container, last.exitCode)) {
        this.launch(container, false, last);
        alive++;
      }
    }
    if (alive === 0) this.finish();
  }

  /** All is done: sidecars are sent home, nothing is started. */
  private finish(): void {
    this.plan.start = [];
    this.plan.finished = true;
  }
}

export function planPod(situation: PodSituation): PodPlan {
  const planner = new Planner(situation);
  const { plan } = planner;
  const sandbox = currentSandbox(situation.sandboxes);
  if (!sandboxUsable(sandbox, situation.pod, situation.podNetwork)) {
    planner.renewSandbox(sandbox);
    return plan;
  }
  if (planner.initialise(sandbox)) planner.runContainers();
  return plan;
}

/** Which running containers to stop next when the pod ends: sidecars go last, in reverse order. */
export function planTermination(pod: Pod, containers: readonly ContainerStatus[]): ContainerStatus[] {
  const running = containers.filter((c) => c.state === "running" || c.state === "unknown");
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map((c) => c.name);
  const others = running.filter((c) => !sidecars.includes(c.name));
  if (others.length > 0) return others;
  for (const name of sidecars.toReversed()) {
    const found = running.filter((c) => c.name === name);
    if (found.length > 0) return found;
  }
  return [];
}
