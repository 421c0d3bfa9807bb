/** What the engine holds, pod by pod: a snapshot that is renewed on demand and tells whose part has changed. */
import type { Clock, Log } from "../../src/platform/platform.ts";
import type { ContainerStatus, Engine, Sandbox } from "../engines/engine.ts";

export interface PodRuntime {
  sandboxes: Sandbox[];
  containers: ContainerStatus[];
}

export interface RuntimeView {
  of(uid: string): PodRuntime;
  /** Uids of every pod the engine knows, with the names its sandboxes carry. */
  uids(): string[];
  /** Resolves when a listing that began after the call has been taken over. Never rejects: an engine out of reach keeps the old view. */
  refresh(): Promise<void>;
  onChange(listener: (uid: string) => void): () => void;
  /** The error of the last listing; undefined while the engine answers. */
  failure(): { message: string; sinceMs: number } | undefined;
}

const NOTHING: PodRuntime = { sandboxes: [], containers: [] };

export function createRuntimeView(deps: { engine: Engine; clock: Clock; log: Log }): RuntimeView {
  const { engine, clock, log } = deps;
  const listeners = new Set<(uid: string) => void>();
  /** Full statuses by "id/state": lists may be terse about times and exit codes. */
  let details = new Map<string, ContainerStatus>();
  let addresses = new Map<string, string[]>();
  let pods = new Map<string, PodRuntime>();
  let signatures = new Map<string, string>();
  let failure: { message: string; sinceMs: number } | undefined;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  async function detailed(status: ContainerStatus, fresh: Map<string, ContainerStatus>): Promise<ContainerStatus> {
    const key = `${status.id}/${status.state}`;
    const known = details.get(key) ?? (await engine.containerStatus(status.id));
    // It may have moved on between list and status: remembered under what it now is.
    fresh.set(`${status.id}/${known.state}`, known);
    return known;
  }

  async function addressed(sandbox: Sandbox, fresh: Map<string, string[]>): Promise<Sandbox> {
    let ips = sandbox.ips;
    if (ips.length === 0 && sandbox.ready)
      ips = addresses.get(sandbox.id) ?? (await engine.sandboxStatus(sandbox.id)).ips;
    if (ips.length > 0) fresh.set(sandbox.id, ips);
    return { ...sandbox, ips };
  }

  async function listOnce(): Promise<void> {
    const [sandboxes, containers] = await Promise.all([engine.listSandboxes(), engine.listContainers()]);
    const freshDetails = new Map<string, ContainerStatus>();
    const freshAddresses = new Map<string, string[]>();
    const found = new Map<string, PodRuntime>();
    const at = (uid: string) => {
      let entry = found.get(uid);
      if (entry === undefined) found.set(uid, (entry = { sandboxes: [], containers: [] }));
      return entry;
    };
    for (const sandbox of sandboxes) {
      const whole = await orGone(addressed(sandbox, freshAddresses));
      if (whole) at(whole.uid).sandboxes.push(whole);
    }
    for (const container of containers) {
      const whole = await orGone(detailed(container, freshDetails));
      if (whole) at(whole.podUid).containers.push(whole);
    }
    details = freshDetails;
    addresses = freshAddresses;
    take(found);
  }

  function take(found: Map<string, PodRuntime>): void {
    const before = signatures;
    pods = found;
    signatures = new Map([...found].map(([uid, runtime]) => [uid, signature(runtime)]));
    const changed = new Set(
      [...before.keys(), ...signatures.keys()].filter((uid) => before.get(uid) !== signatures.get(uid)),
    );
    for (const uid of changed) for (const listener of listeners) listener(uid);
  }

  async function run(): Promise<void> {
    try {
      await listOnce();
      if (failure) log.info("the engine answers again");
      failure = undefined;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (failure === undefined) log.warn("the engine does not answer", { error });
      failure = { message, sinceMs: failure?.sinceMs ?? clock.now() };
    }
  }

  function start(): Promise<void> {
    running = run().finally(() => (running = undefined));
    return running;
  }

  return {
    of: (uid) => pods.get(uid) ?? NOTHING,
    uids: () => [...pods.keys()],
    refresh() {
      if (running === undefined) return start();
      // The running listing may have begun before the caller's action: one more serves all who ask meanwhile.
      next ??= running.then(() => {
        next = undefined;
        return start();
      });
      return next;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    failure: () => failure,
  };
}

function signature(runtime: PodRuntime): string {
  const sandboxes = runtime.sandboxes.map((s) => `${s.id}=${s.ready}=${s.ips.join(",")}`).toSorted();
  const containers = runtime.containers.map((c) => `${c.id}=${c.state}`).toSorted();
  return [...sandboxes, ...containers].join(" ");
}

/** What vanished between the listing and the look is simply not there. */
async function orGone<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    if ((error as { code?: string }).code === "not-found") return undefined;
    throw error;
  }
}
