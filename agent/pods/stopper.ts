/** Stops containers of one pod: preStop hook, then the engine's stop, both within one grace period that can only get shorter. */
import type { ContainerStatus } from "../engines/engine.ts";
import type { Container, Pod } from "./pod.ts";
import type { WorkerDeps } from "./worker-deps.ts";

/** The least a container gets after its preStop hook has eaten the grace period up (kubelet's minimum). */
const AFTER_HOOK_SECONDS_MIN = 2;
const RETRY_MS = 5_000;

export interface Stopper {
  /** Ids of containers that are being stopped. */
  ids: ReadonlySet<string>;
  /** Idempotent; a shorter grace period overrules a longer one. Never rejects and does not wait. */
  stop(order: { pod: Pod; status: ContainerStatus; graceSeconds: number; message: string; podIp: string }): void;
}

export function createStopper(
  deps: Pick<WorkerDeps, "engine" | "view" | "runHook" | "clock" | "timers" | "log" | "recordEvent">,
  events: { onDone(): void },
): Stopper {
  const { engine, view, clock, timers, log } = deps;
  const deadlines = new Map<string, number>();
  const ids = new Set<string>();

  function event(pod: Pod, container: string, reason: string, message: string): void {
    const { namespace, name, uid } = pod.metadata;
    const type = reason === "Killing" ? "Normal" : "Warning";
    deps.recordEvent({
      pod: { namespace, name, uid },
      type,
      reason,
      message,
      fieldPath: `spec.containers{${container}}`,
    });
  }

  /** The hook, or the end of the grace period, whichever comes first. */
  async function preStop(pod: Pod, container: Container, containerId: string, podIp: string): Promise<void> {
    const hook = container.lifecycle?.preStop;
    const timeoutMs = (deadlines.get(containerId) ?? 0) - clock.now();
    if (hook === undefined || timeoutMs <= 0) return;
    const { promise: expired, resolve } = Promise.withResolvers<undefined>();
    const undo = timers.after(timeoutMs, () => resolve(undefined));
    const sleep = (ms: number) => new Promise<void>((wake) => void timers.after(ms, wake));
    const outcome = await Promise.race([
      deps.runHook(hook, { container, containerId, podIp, timeoutMs, sleep }),
      expired,
    ]);
    undo();
    if (outcome?.success === false) event(pod, container.name, "FailedPreStopHook", "PreStopHook failed");
  }

  async function run(pod: Pod, status: ContainerStatus, podIp: string): Promise<void> {
    const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    const container = all.find((c) => c.name === status.name);
    const hooked = container?.lifecycle?.preStop !== undefined;
    const graceMs = (deadlines.get(status.id) ?? 0) - clock.now();
    if (container && graceMs > 0) await preStop(pod, container, status.id, podIp);
    const leftSeconds = Math.ceil(((deadlines.get(status.id) ?? 0) - clock.now()) / 1000);
    await engine.stopContainer(status.id, Math.max(hooked && graceMs > 0 ? AFTER_HOOK_SECONDS_MIN : 0, leftSeconds));
  }

  async function finish(id: string): Promise<void> {
    await view.refresh();
    deadlines.delete(id);
    ids.delete(id);
    events.onDone();
  }

  function failed(id: string, error: unknown): void {
    log.warn("stopping a container failed", { container: id, error });
    // Stays marked for a while, so that it is not tried in a tight loop.
    timers.after(RETRY_MS, () => void finish(id));
  }

  function hasten(id: string, seconds: number): void {
    engine
      .stopContainer(id, seconds)
      .catch((error: unknown) => log.warn("hastening a stop failed", { container: id, error }));
  }

  return {
    ids,
    stop({ pod, status, graceSeconds, message, podIp }) {
      const deadlineMs = clock.now() + graceSeconds * 1000;
      const before = deadlines.get(status.id);
      if (before !== undefined) {
        if (deadlineMs >= before) return;
        deadlines.set(status.id, deadlineMs);
        return hasten(status.id, graceSeconds);
      }
      deadlines.set(status.id, deadlineMs);
      ids.add(status.id);
      event(pod, status.name, "Killing", message);
      run(pod, status, podIp).then(
        () => finish(status.id),
        (error: unknown) => failed(status.id, error),
      );
    },
  };
}
