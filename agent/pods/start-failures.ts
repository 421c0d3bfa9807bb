/** Starts that failed: what their containers' statuses show, and when to try again. */
import type { StartError } from "./images.ts";

/** How long a failed pull is shown as such before it becomes a back-off. */
const PULL_ERROR_SHOWN_MS = 1_000;

export interface Waiting {
  reason: string;
  message: string;
}

interface Failure extends Waiting {
  atMs: number;
  notBeforeMs: number;
  told: boolean;
}

export interface StartFailures {
  /** The name "" stands for the pod's own volumes and sandbox. */
  note(name: string, error: StartError, nowMs: number): void;
  clear(name: string): void;
  notBeforeMs(name: string): number;
  /** Configuration has changed: what failed for it may be tried at once. */
  forgive(): void;
  /** By container, but for the one that is being started; `wakeAtMs`: when they change by themselves. */
  reasons(nowMs: number, starting: string | undefined): { reasons: Map<string, Waiting>; wakeAtMs: number | undefined };
}

export function createStartFailures(deps: {
  imageOf(name: string): string;
  event(type: "Normal" | "Warning", reason: string, message: string, container: string): void;
}): StartFailures {
  const failures = new Map<string, Failure>();

  function pullBackOff(name: string, failure: Failure): Waiting {
    const image = deps.imageOf(name);
    if (!failure.told) {
      failure.told = true;
      deps.event("Normal", "BackOff", `Back-off pulling image "${image}"`, name);
      deps.event("Warning", "Failed", "Error: ImagePullBackOff", name);
    }
    const message = `Back-off pulling image "${image}": ${failure.reason}: ${failure.message}`;
    return { reason: "ImagePullBackOff", message };
  }

  return {
    note(name, { reason, message, retryAfterMs }, nowMs) {
      failures.set(name, { reason, message, atMs: nowMs, notBeforeMs: nowMs + retryAfterMs, told: false });
    },
    clear: (name) => void failures.delete(name),
    notBeforeMs: (name) => failures.get(name)?.notBeforeMs ?? 0,
    forgive() {
      for (const failure of failures.values()) if (!failure.reason.includes("Image")) failure.notBeforeMs = 0;
    },
    reasons(nowMs, starting) {
      const reasons = new Map<string, Waiting>();
      let wakeAtMs: number | undefined;
      for (const [name, failure] of failures) {
        if (name === "" || name === starting) continue;
        const { reason, message, atMs } = failure;
        const pull = reason === "ErrImagePull";
        if (pull && nowMs - atMs >= PULL_ERROR_SHOWN_MS) {
          reasons.set(name, pullBackOff(name, failure));
          continue;
        }
        if (pull) wakeAtMs = Math.min(wakeAtMs ?? Infinity, atMs + PULL_ERROR_SHOWN_MS);
        reasons.set(name, { reason, message });
      }
      return { reasons, wakeAtMs };
    },
  };
}
