/** Runs the probes of all containers of one node, each on its own period, and remembers what they said. */
import type { Clock, Timers } from "../../src/platform/platform.ts";
import type { Failure } from "../pods/plan.ts";
import type { Container, Probe } from "../pods/pod.ts";
import { count, newTally, type ProbeTally } from "./probe-tally.ts";
import type { RunProbe } from "./run-probe.ts";

export type ProbeKind = "startup" | "liveness" | "readiness";

export interface ProbedContainer {
  podUid: string;
  container: Container;
  containerId: string;
  startedMs: number;
  podIp: string;
  /** What an agent before this one had found out about this very container. */
  known: { started: boolean; ready: boolean };
}

export interface Prober {
  /** Begins probing a running container; idempotent by container id. */
  track(probed: ProbedContainer): void;
  /** Ends probing everything of a pod but the containers named. */
  keepOnly(podUid: string, containerIds: ReadonlySet<string>): void;
  started(containerId: string): boolean;
  ready(containerId: string): boolean;
  failure(containerId: string): Failure | undefined;
  /** Of the containers that are being probed. */
  tallies(): ProbeTally[];
  stop(): void;
}

export interface ProbeEvents {
  /** A result changed, or a container has to be killed. */
  onChange(podUid: string): void;
  onUnhealthy(probed: ProbedContainer, kind: ProbeKind, message: string): void;
}

interface Probing {
  probed: ProbedContainer;
  /** Undefined while unknown; a container without that probe has `true`. */
  startup: boolean | undefined;
  readiness: boolean;
  failure: Failure | undefined;
  tallies: ProbeTally[];
  undo: Set<() => void>;
  ended: boolean;
}

const DELAY_MIN_MS = 1;

export function createProber(deps: { clock: Clock; timers: Timers; run: RunProbe; events: ProbeEvents }): Prober {
  const { clock, timers, run, events } = deps;
  const all = new Map<string, Probing>();

  function end(probing: Probing): void {
    probing.ended = true;
    for (const undo of probing.undo) undo();
    probing.undo.clear();
    all.delete(probing.probed.containerId);
  }

  function later(probing: Probing, delayMs: number, action: () => void): void {
    const undo = timers.after(Math.max(DELAY_MIN_MS, delayMs), () => {
      probing.undo.delete(undo);
      if (!probing.ended) action();
    });
    probing.undo.add(undo);
  }

  function settle(probing: Probing, kind: ProbeKind, success: boolean, probe: Probe): void {
    const before = `${probing.startup}${probing.readiness}${probing.failure?.kind}`;
    if (kind === "readiness") probing.readiness = success;
    if (kind === "startup" && success) probing.startup = true;
    if (kind !== "readiness" && !success) {
      const grace = probe.terminationGracePeriodSeconds;
      probing.failure ??= { kind, ...(grace === undefined ? {} : { graceSeconds: grace }) };
    }
    if (before !== `${probing.startup}${probing.readiness}${probing.failure?.kind}`)
      events.onChange(probing.probed.podUid);
  }

  /** One kind of probe of one container: a loop that counts equal results in a row. */
  function loop(probing: Probing, kind: ProbeKind, probe: Probe): void {
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    const need = { true: probe.successThreshold ?? 1, false: probe.failureThreshold ?? 3 };
    let last: boolean | undefined;
    let inARow = 0;
    const { podUid, container } = probing.probed;
    const tally = newTally({ podUid, container: container.name, kind });
    probing.tallies.push(tally);

    async function once(): Promise<void> {
      const idle = kind === "startup" ? probing.startup === true : probing.startup !== true;
      if (kind === "startup" && idle) return;
      if (!idle && probing.failure === undefined) {
        const begunMs = clock.now();
        const { success, message } = await run(probe, probing.probed);
        if (probing.ended) return;
        count(tally, { success, seconds: (clock.now() - begunMs) / 1000 });
        if (!success) events.onUnhealthy(probing.probed, kind, message);
        inARow = success === last ? inARow + 1 : 1;
        last = success;
        if (inARow >= need[success ? "true" : "false"]) settle(probing, kind, success, probe);
      }
      if (!probing.ended) later(probing, periodMs, () => void once());
    }

    const firstAtMs = probing.probed.startedMs + (probe.initialDelaySeconds ?? 0) * 1000;
    later(probing, firstAtMs - clock.now(), () => void once());
  }

  return {
    track(probed) {
      if (all.has(probed.containerId)) return;
      const { startupProbe, livenessProbe, readinessProbe } = probed.container;
      const probing: Probing = {
        probed,
        startup: startupProbe === undefined || probed.known.started ? true : undefined,
        readiness: readinessProbe === undefined || probed.known.ready,
        failure: undefined,
        tallies: [],
        undo: new Set(),
        ended: false,
      };
      all.set(probed.containerId, probing);
      if (startupProbe) loop(probing, "startup", startupProbe);
      if (livenessProbe) loop(probing, "liveness", livenessProbe);
      if (readinessProbe) loop(probing, "readiness", readinessProbe);
    },
    keepOnly(podUid, containerIds) {
      for (const probing of all.values()) {
        if (probing.probed.podUid === podUid && !containerIds.has(probing.probed.containerId)) end(probing);
      }
    },
    started: (id) => all.get(id)?.startup === true,
    ready: (id) => {
      const probing = all.get(id);
      return probing?.startup === true && probing.readiness;
    },
    failure: (id) => all.get(id)?.failure,
    tallies: () => [...all.values()].flatMap(({ tallies }) => tallies),
    stop() {
      for (const probing of all.values()) end(probing);
    },
  };
}
