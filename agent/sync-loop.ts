/**
 * When a node talks to the control plane: at once when woken or when it has something to say, never twice at a time, and by itself only
 * while its tunnel is down.
 */
import { isStatusError } from "../src/machinery/status-error.ts";
import type { Platform } from "../src/platform/platform.ts";
import type { SyncRequest, SyncResponse } from "../src/relay/protocol.ts";

/** What the loop needs of the node's agent. */
export interface SyncedNode {
  /** Takes over what the control plane said. Applying the same twice does no harm. */
  apply(answer: SyncResponse): void | Promise<void>;
  pendingStatuses(): SyncRequest["podStatuses"];
  /** The control plane has stored this status (or knows the pod no more): it need not be sent again. */
  statusAccepted(uid: string, status: Record<string, unknown>): void;
  /** Called when there is something to say. Returns the undo. */
  onStatusChange(listener: () => void): () => void;
  digest(): string | Promise<string>;
  holds(): SyncRequest["holds"];
  /** What the last answers said to be absent, of what its pods reference. */
  lacks(): SyncRequest["holds"];
  nodeStatus(): Record<string, unknown> | Promise<Record<string, unknown>>;
}

export interface SyncLoop {
  start(): void;
  /** `revision`: of what there is to see; a loop that has applied it stays quiet. */
  wake(revision?: number): void;
  /** A tunnel that comes up syncs once; while it is down the loop polls. */
  tunnelIs(state: "up" | "down"): void;
  /** Resolves when no request is under way any more. */
  stop(): Promise<void>;
}

export interface SyncLoopOptions {
  node: SyncedNode;
  /** @throws StatusError, Error */
  send: (request: SyncRequest, context: { tunnelUp: boolean }) => Promise<SyncResponse>;
  platform: Platform;
  /** The control plane does not know this credential any more: get a new one. */
  onUnauthorized: () => Promise<void>;
}

/** Statuses of containers that start together travel together. */
const DEBOUNCE_MS = 20;
const POLL_MS = 10_000;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 30_000;
/** Answers after which a status will not be sent again: stored, gone, another pod's, or refused for good. */
const FINAL_CODES = new Set([200, 404, 409, 422]);

export function createSyncLoop(options: SyncLoopOptions): SyncLoop {
  const { node, send, platform } = options;
  const { timers, random, log } = platform;
  let since = 0;
  let tunnelUp = false;
  let running: Promise<void> | undefined;
  let again = false;
  /** The newest revision a wake named while a request was under way. */
  let wokenTo = 0;
  let failures = 0;
  /** A status could not be stored, but may be later. */
  let refusedStatus = false;
  let stopped = true;
  let timer: { dueMs: number; stop: () => void } | undefined;
  let stopListening: (() => void) | undefined;
  /** JSON of the node status that was accepted last. */
  let reported: string | undefined;

  function due(delayMs: number): void {
    if (stopped) return;
    const dueMs = platform.clock.now() + delayMs;
    if (timer && timer.dueMs <= dueMs) return;
    timer?.stop();
    timer = {
      dueMs,
      stop: timers.after(delayMs, () => {
        timer = undefined;
        run();
      }),
    };
  }

  function run(): void {
    if (running) {
      again = true;
      return;
    }
    if (stopped) return;
    timer?.stop();
    timer = undefined;
    again = false;
    running = once()
      .then(
        () => {
          failures = 0;
          return undefined;
        },
        (error: unknown) => failed(error),
      )
      .finally(() => {
        running = undefined;
        plan();
      });
  }

  async function failed(error: unknown): Promise<void> {
    failures += 1;
    log.warn("a sync failed", { error, failures });
    if (!isStatusError(error, "Unauthorized")) return;
    try {
      await options.onUnauthorized();
    } catch (renewal) {
      log.error("this node is not known to the control plane any more", { error: renewal });
    }
  }

  /** What comes after a request. */
  function plan(): void {
    if (failures > 0) {
      const back = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** failures);
      return due(back * (0.5 + random.fraction() / 2));
    }
    if (again || wokenTo > since) return due(0);
    if (refusedStatus || !tunnelUp) due(POLL_MS * (0.8 + random.fraction() * 0.4));
  }

  async function once(): Promise<void> {
    const wanted = wokenTo;
    const status = await node.nodeStatus();
    const text = JSON.stringify(status);
    const podStatuses = node.pendingStatuses();
    const request: SyncRequest = {
      since,
      digest: await node.digest(),
      podStatuses,
      holds: node.holds(),
      lacks: node.lacks(),
      keepsPeers: true,
    };
    if (text !== reported) request.nodeStatus = status;
    const answer = await send(request, { tunnelUp });
    refusedStatus = false;
    answer.statusResults.forEach(({ uid, code, message }, index) => {
      // A pod that is gone has no status to keep.
      if (code !== 200 && code !== 404) log.warn("a pod status was refused", { uid, code, reason: message });
      const sent = podStatuses[index];
      if (sent && FINAL_CODES.has(code)) node.statusAccepted(sent.uid, sent.status);
      else refusedStatus = true;
    });
    if (request.nodeStatus) {
      const { code = 200, message } = answer.nodeStatusResult ?? {};
      if (code === 200) reported = text;
      else log.warn("the node's status was refused", { code, reason: message });
    }
    await node.apply(answer);
    since = answer.revision;
    // Answered, whatever the revision: a restored database may be behind what it once said.
    if (wokenTo === wanted) wokenTo = 0;
    // The control plane thought this node was gone: say again that it is not.
    if (!request.nodeStatus && readyOf(answer.node?.status) !== readyOf(status)) {
      reported = undefined;
      again = true;
    }
  }

  return {
    start() {
      stopped = false;
      stopListening = node.onStatusChange(() => {
        if (running) again = true;
        else if (failures === 0) due(DEBOUNCE_MS);
      });
      run();
    },
    wake(revision) {
      if (revision !== undefined) {
        wokenTo = Math.max(wokenTo, revision);
        if (running || wokenTo <= since) return;
      }
      if (failures === 0) run();
    },
    tunnelIs(state) {
      tunnelUp = state === "up";
      // A server that answers the tunnel answers syncs too: no more backing off.
      if (tunnelUp) failures = 0;
      if (stopped) return;
      if (tunnelUp) run();
      else plan();
    },
    async stop() {
      stopped = true;
      stopListening?.();
      timer?.stop();
      await running;
    },
  };
}

function readyOf(status: unknown): string | undefined {
  const { conditions } = (status ?? {}) as { conditions?: { type: string; status: string }[] };
  return conditions?.find(({ type }) => type === "Ready")?.status;
}
