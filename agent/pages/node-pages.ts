/**
 * What this node serves of a kubelet's own paths, and only what it knows. The others are not found, as of a kubelet that has them off.
 * Which there are: k8s.io/kubernetes/pkg/kubelet/server/server.go.
 */
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { Clock } from "../../src/platform/platform.ts";
import type { ContainerStatus, ContainerUsage, Sandbox, NetworkUsage } from "../engines/engine.ts";
import { LogError, type LogQuery } from "../pods/container-log.ts";
import { allContainers, type Pod } from "../pods/pod.ts";
import type { ProbeTally } from "../probes/probe-tally.ts";
import { logOptions } from "../streams/log.ts";
import { cadvisorMetrics } from "./cadvisor-metrics.ts";
import { resourceMetrics, statsSummary, type Machine, type MachineLimits, type Usage } from "./node-usage.ts";
import { NOT_FOUND, TEXT, type Page, type PageRequest } from "./page.ts";
import { probeMetrics } from "./probe-metrics.ts";
import { family, labelsOf, textOf } from "./prometheus-text.ts";
import { systemLog } from "./system-logs.ts";

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
  /** Of sandboxes with a network of their own; none where the engine does not measure it. @throws EngineError */
  networkUsage(): Promise<NetworkUsage[]>;
  machine(): Machine;
  /** Undefined until they have been measured. */
  limits(): MachineLimits | undefined;
  tallies(): ProbeTally[];
  /** The fields of KubeletConfiguration that hold here. */
  configuration(): Record<string, unknown>;
  /** @throws LogError */
  openLog(query: LogQuery): ReadableStream<Uint8Array>;
  /** The machine's folder of logs, e.g. "/var/log". */
  logFolder: string;
  clock: Clock;
}

export function createNodePages(deps: NodePagesDeps): (request: PageRequest) => Promise<Page> {
  const pages: Readonly<Record<string, () => Page | Promise<Page>>> = {
    "/healthz": () => health(deps),
    "/healthz/ping": () => text("ok"),
    "/healthz/log": () => text("ok"),
    "/healthz/syncloop": () => health(deps),
    "/configz": () => json({ kubeletconfig: deps.configuration() }),
    "/pods": () => json(podList(deps.pods().map((pod) => ({ ...pod, status: deps.statusOf(pod.metadata.uid) ?? {} })))),
    "/runningpods": () => json(podList(runningPods(deps))),
    "/stats/summary": async () => json(statsSummary(await usageOf(deps))),
    "/metrics": () => prometheus(metrics(deps)),
    "/metrics/resource": async () => prometheus(resourceMetrics(await measured(deps))),
    "/metrics/cadvisor": async () => prometheus(cadvisorMetrics(await measured(deps), deps.pods())),
    "/metrics/probes": () => prometheus(probeMetrics(deps.tallies(), deps.pods())),
  };
  const trees: Readonly<Record<string, (rest: string, query: URLSearchParams) => Page | Promise<Page>>> = {
    logs: (rest) => systemLog(deps.logFolder, rest),
    containerLogs: (rest, query) => containerLog(deps, rest, query),
  };
  return async ({ method, path, query }) => {
    const [, root = "", rest] = /^\/([^/]*)(?:\/(.*))?$/.exec(path) ?? [];
    const tree = Object.hasOwn(trees, root) && rest !== undefined ? trees[root] : undefined;
    const exact = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
    const page = tree === undefined && Object.hasOwn(pages, exact) ? pages[exact] : undefined;
    if (tree === undefined && page === undefined) return NOT_FOUND;
    if (method !== "GET" && method !== "HEAD") return { status: 405, type: TEXT, body: "405: Method Not Allowed" };
    return page ? await page() : ((await tree?.(rest ?? "", query)) ?? NOT_FOUND);
  };
}

/** /containerLogs/{namespace}/{pod}/{container}, with the options of a pod's log as query. */
function containerLog(deps: NodePagesDeps, rest: string, query: URLSearchParams): Page {
  const [namespace, name, container, ...more] = rest.split("/").map(decoded);
  if (!namespace || !name || !container || more.length > 0) return NOT_FOUND;
  const pod = deps.pods().find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  if (pod === undefined) return { ...NOT_FOUND, body: `pod ${JSON.stringify(name)} does not exist` };
  if (!allContainers(pod).some((one) => one.name === container))
    return { ...NOT_FOUND, body: `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(name)}` };
  try {
    const log = deps.openLog({ namespace, pod: name, uid: pod.metadata.uid, container, ...logOptions(query) });
    return { status: 200, type: TEXT, body: Readable.fromWeb(log as NodeReadableStream) };
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    return { status: error.code, type: TEXT, body: error.message };
  }
}

/** "" for what is no encoding: no name is empty. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

function health(deps: NodePagesDeps): Page {
  const why = deps.failure();
  if (why === undefined) return text("ok");
  const body = `[+]ping ok\n[-]engine failed: ${why}\nhealthz check failed\n`;
  return { status: 500, type: TEXT, body };
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
  const [used, networks] = await Promise.all([
    deps.usage(),
    // Beside the rest: there are engines that know their containers only.
    deps.networkUsage().catch((): NetworkUsage[] => []),
  ]);
  const usageById = new Map(used.map((one) => [one.id, one]));
  const networkById = new Map(networks.map((one) => [one.sandboxId, one]));
  const pods = deps.runtime().flatMap(({ sandboxes, containers }) => {
    const sandbox = sandboxes.find(({ ready }) => ready);
    if (!sandbox) return [];
    const inside = containers.flatMap(({ id, name, image, state, startedMs }) => {
      const usage = state === "running" ? usageById.get(id) : undefined;
      return usage ? [{ name, image, startedMs, usage }] : [];
    });
    const network = networkById.get(sandbox.id);
    return [{ sandbox, containers: inside, ...(network === undefined ? {} : { network }) }];
  });
  const { nodeName, clock } = deps;
  return { nodeName, machine: deps.machine(), limits: deps.limits(), pods, nowMs: clock.now() };
}

/** Undefined where the engine does not answer, which is told of in the text: a scrape that fails says nothing. */
async function measured(deps: NodePagesDeps): Promise<Usage | undefined> {
  return await usageOf(deps).catch(() => undefined);
}

function text(body: string): Page {
  return { status: 200, type: TEXT, body };
}

function prometheus(body: string): Page {
  return { status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body };
}

function podList(items: object[]): object {
  return { kind: "PodList", apiVersion: "v1", metadata: {}, items };
}

function json(value: object): Page {
  return { status: 200, type: "application/json", body: JSON.stringify(value) };
}

/** Under the names that kubelets and Go's processes use. */
function metrics(deps: NodePagesDeps): string {
  const known = deps.runtime();
  const states = new Map<string, number>([["running", 0]]);
  for (const { containers } of known)
    for (const { state } of containers) states.set(state, (states.get(state) ?? 0) + 1);
  const running = known.filter(({ sandboxes }) => sandboxes.some(({ ready }) => ready)).length;
  const { user, system } = process.cpuUsage();
  return textOf([
    ...family(
      ["kubelet_node_name", "The node's name. The count is always 1.", "gauge"],
      [[labelsOf({ node: deps.nodeName }), 1]],
    ),
    ...family(["kubelet_running_pods", "Number of pods that have a running pod sandbox.", "gauge"], [["", running]]),
    ...family(
      ["kubelet_running_containers", "Number of containers, by state.", "gauge"],
      [...states].map(([state, count]) => [labelsOf({ container_state: state }), count]),
    ),
    ...family(["process_cpu_seconds_total", "CPU time of the agent.", "counter"], [["", (user + system) / 1e6]]),
    ...family(["process_resident_memory_bytes", "Memory of the agent.", "gauge"], [["", process.memoryUsage.rss()]]),
  ]);
}
