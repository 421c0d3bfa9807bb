/**
 * `/healthz`, `/livez`, `/readyz` and their single checks, in the words of kube-apiserver (k8s.io/apiserver/pkg/server/healthz).
 * Liveness is the process answering. Readiness is what a request needs: the database and the hub.
 */
import { StatusError } from "../machinery/status-error.ts";
import type { Cluster } from "../cluster.ts";
import type { Platform } from "../platform/platform.ts";
import type { PathHandler, ServedPaths } from "./paths.ts";

export interface HealthCheck {
  name: string;
  /** Resolves when healthy. What it throws goes to the log, never to the client. */
  run(): Promise<void>;
}

/** A check that takes longer has failed. */
const CHECK_TIMEOUT_MS = 2_000;
/** Anybody may ask, so the answer is kept for a moment: a hundred probes cost one round trip. */
const ANSWER_KEPT_MS = 1_000;

const TEXT = { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" };

const ping: HealthCheck = { name: "ping", run: async () => {} };

export function createHealth(cluster: Pick<Cluster, "storage" | "hub" | "platform">): ServedPaths {
  const { storage, hub, platform } = cluster;
  const storageCheck = bounded(platform, {
    name: "storage",
    run: async () => {
      await storage.revision();
    },
  });
  const hubCheck = bounded(platform, { name: "hub", run: async () => await hub.ready?.() });
  return healthPaths(platform.log, {
    healthz: [ping, storageCheck, hubCheck],
    livez: [ping],
    readyz: [ping, storageCheck, hubCheck],
  });
}

/** Each endpoint with its checks, in order. */
export function healthPaths(
  log: Platform["log"],
  endpoints: Readonly<Record<string, readonly HealthCheck[]>>,
): ServedPaths {
  const handlers = new Map<string, PathHandler>();
  for (const [endpoint, checks] of Object.entries(endpoints)) {
    handlers.set(`/${endpoint}`, (_request, { query }) =>
      report(log, { endpoint, checks, options: new URLSearchParams(query) }),
    );
    for (const check of checks) handlers.set(`/${endpoint}/${check.name}`, () => single(log, { endpoint, check }));
  }
  return { find: (path) => handlers.get(path), listed: [...handlers.keys()] };
}

async function report(
  log: Platform["log"],
  { endpoint, checks, options }: { endpoint: string; checks: readonly HealthCheck[]; options: URLSearchParams },
): Promise<Response> {
  const excluded = new Set(options.getAll("exclude"));
  const unknown = new Set(excluded);
  const outcomes = await Promise.all(
    checks.map(async (check) => {
      unknown.delete(check.name);
      if (excluded.has(check.name)) return { failed: false, line: `[+]${check.name} excluded: ok\n` };
      const ok = await passes(log, { endpoint, check });
      return { failed: !ok, line: ok ? `[+]${check.name} ok\n` : `[-]${check.name} failed: reason withheld\n` };
    }),
  );
  let text = outcomes.map(({ line }) => line).join("");
  if (unknown.size > 0) {
    const names = [...unknown].toSorted().map((name) => JSON.stringify(name));
    text += `warn: some health checks cannot be excluded: no matches for ${names.join(",")}\n`;
  }
  if (outcomes.some(({ failed }) => failed)) {
    return new Response(`${text}${endpoint} check failed\n`, { status: 500, headers: { ...TEXT } });
  }
  const body = options.has("verbose") ? `${text}${endpoint} check passed\n` : "ok";
  return new Response(body, { status: 200, headers: { ...TEXT } });
}

async function single(
  log: Platform["log"],
  { endpoint, check }: { endpoint: string; check: HealthCheck },
): Promise<Response> {
  const ok = await passes(log, { endpoint, check });
  return ok
    ? new Response("ok", { status: 200, headers: { ...TEXT } })
    : new Response(`internal server error: ${check.name} failed\n`, { status: 500, headers: { ...TEXT } });
}

async function passes(
  log: Platform["log"],
  { endpoint, check }: { endpoint: string; check: HealthCheck },
): Promise<boolean> {
  try {
    await check.run();
    return true;
  } catch (error) {
    log.warn("health check failed", { endpoint, check: check.name, error: String(error) });
    return false;
  }
}

/** With a time limit, and an answer (good or bad) that several who ask at about the same time share. */
export function bounded({ clock, timers }: Pick<Platform, "clock" | "timers">, check: HealthCheck): HealthCheck {
  let last: { answer: Promise<void>; untilMs: number } | undefined;
  return {
    name: check.name,
    run() {
      if (last && clock.now() < last.untilMs) return last.answer;
      const kept = { answer: limited(timers, check), untilMs: Number.POSITIVE_INFINITY };
      const settled = (): void => {
        kept.untilMs = clock.now() + ANSWER_KEPT_MS;
      };
      // Whoever asks meets the failure; nobody asking is no failure of the process.
      kept.answer.then(settled, settled);
      last = kept;
      return kept.answer;
    },
  };
}

async function limited(timers: Platform["timers"], check: HealthCheck): Promise<void> {
  const late = Promise.withResolvers<never>();
  const cancel = timers.after(CHECK_TIMEOUT_MS, () =>
    late.reject(new StatusError("Timeout", `no answer within ${CHECK_TIMEOUT_MS} ms`)),
  );
  try {
    await Promise.race([check.run(), late.promise]);
  } finally {
    cancel();
  }
}
