/** What this node serves of a kubelet's own paths, and only what it knows. The others are not found, as of a kubelet that has them off. */
import type { Pod } from "./pods/pod.ts";
import type { Clock } from "../src/platform/platform.ts";
import type { ContainerStatus, ContainerUsage, Sandbox } from "./engines/engine.ts";
import { resourceMetrics, statsSummary, type Machine, type Usage } from "./node-usage.ts";

export interface NodePagesDeps {
  nodeName: string;
  pods(): Pod[];
  /** The status that was last told, of a pod. */
  statusOf(uid: string): Record<string, unknown> | undefined;
  runtime(): { sandboxes: Sandbox[]; containers: ContainerStatus[] }[];
  /** The error of the engine, while it does not answer. */
  failure(): string | undefined;
  /** Of the containers that run; none where the engine does not measure. @throws EngineError */
  usage(): Promise<ContainerUsage[]>;
  machine(): Machine;
  clock: Clock;
}

export interface Page {
  status: number;
  type: string;
  text: string;
}

const TEXT = "text/plain; charset=utf-8";

export function createNodePages(deps: NodePagesDeps): (request: { method: string; path: string }) => Promise<Page> {
  const pages: Readonly<Record<string, () => Page | Promise<Page>>> = {
    "/healthz": () => health(deps),
    "/healthz/ping": () => ({ status: 200, type: TEXT, text: "ok" }),
    "/pods": () => json(podList(deps.pods().map((pod) => ({ ...pod, status: deps.statusOf(pod.metadata.uid) ?? {} })))),
    "/runningpods": () => json(podList(runningPods(deps))),
    "/stats/summary": async () => json(statsSummary(await usageOf(deps))),
    "/metrics": () => prometheus(metrics(deps)),
    "/metrics/resource": async () => prometheus(await measured(deps)),
  };
  return async ({ method, path }) => {
    const page = pages[path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path];
    if (page === undefined) return { status: 404, type: TEXT, text: "404 page not found\n" };
    if (method !== "GET" && method !== "HEAD") return { status: 405, type: TEXT, text: "405: Method Not Allowed" };
    return await page();
  };
}

function health(deps: NodePagesDeps): Page {
  const why = deps.failure();
  if (why === undefined) return { status: 200, type: TEXT, text: "ok" };
  const text = `[+]ping ok\n[-]engine failed: ${why}\nhealthz check failed\n`;
  return { status: 500, type: TEXT, text };
}

/** Whose sandbox is ready, with the containers that run in it. */
function runningPods(deps: NodePagesDeps): object[] {
  return deps.runtime().flatMap(({ sandboxes, containers }) => {
    const sandbox = sandboxes.find(({ ready }) => ready);
    if (!sandbox) return [];
    const { namespace, name, uid } = sandbox;
    const running = containers.filter(({ state }) => state === "running");
    return [
      {
        metadata: { name, namespace, uid },
        spec: { containers: running.map((one) => ({ name: one.name, image: one.image, resources: {} })) },
        status: {},
      },
    ];
  });
}

async function usageOf(deps: NodePagesDeps): Promise<Usage> {
  const used = new Map((await deps.usage()).map((one) => [one.id, one]));
  const pods = deps.runtime().flatMap(({ sandboxes, containers }) => {
    const sandbox = sandboxes.find(({ ready }) => ready);
    if (!sandbox) return [];
    const inside = containers.flatMap(({ id, name, state, startedMs }) => {
      const usage = state === "running" ? used.get(id) : undefined;
      return usage ? [{ name, startedMs, usage }] : [];
    });
    return [{ sandbox, containers: inside }];
  });
  return { nodeName: deps.nodeName, machine: deps.machine(), pods, nowMs: deps.clock.now() };
}

/** An engine that does not answer is told of in the text: a scrape that fails says nothing. */
async function measured(deps: NodePagesDeps): Promise<string> {
  try {
    return resourceMetrics(await usageOf(deps));
  } catch {
    return resourceMetrics(undefined);
  }
}

function prometheus(text: string): Page {
  return { status: 200, type: "text/plain; version=0.0.4; charset=utf-8", text };
}

function podList(items: object[]): object {
  return { kind: "PodList", apiVersion: "v1", metadata: {}, items };
}

function json(value: object): Page {
  return { status: 200, type: "application/json", text: JSON.stringify(value) };
}

/** Under the names that kubelets and Go's processes use. */
function metrics(deps: NodePagesDeps): string {
  const known = deps.runtime();
  const states = new Map<string, number>([["running", 0]]);
  for (const { containers } of known)
    for (const { state } of containers) states.set(state, (states.get(state) ?? 0) + 1);
  const running = known.filter(({ sandboxes }) => sandboxes.some(({ ready }) => ready)).length;
  const { user, system } = process.cpuUsage();
  return [
    ...family("kubelet_node_name", "The node's name. The count is always 1.", [
      [`{node=${JSON.stringify(deps.nodeName)}}`, 1],
    ]),
    ...family("kubelet_running_pods", "Number of pods that have a running pod sandbox.", [["", running]]),
    ...family(
      "kubelet_running_containers",
      "Number of containers, by state.",
      [...states].map(([state, count]) => [`{container_state="${state}"}`, count]),
    ),
    ...family("process_cpu_seconds_total", "CPU time of the agent.", [["", (user + system) / 1e6]], "counter"),
    ...family("process_resident_memory_bytes", "Memory of the agent.", [["", process.memoryUsage.rss()]]),
    "",
  ].join("\n");
}

function family(name: string, help: string, samples: (readonly [string, number])[], type = "gauge"): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
  ];
}
