import { describe, expect, it } from "vitest";
import type { ContainerStatus, ContainerUsage, Sandbox } from "./engines/engine.ts";
import { EngineError } from "./engines/engine.ts";
import { createNodePages, type NodePagesDeps } from "./node-pages.ts";

const NOW_MS = Date.parse("2026-01-01T00:10:00Z");
const STARTED_MS = Date.parse("2026-01-01T00:00:00Z");

const sandbox = (name: string, ready = true) =>
  ({ id: `s-${name}`, namespace: "default", name, uid: `uid-${name}`, ready, createdMs: STARTED_MS }) as Sandbox;
const container = (name: string, state = "running") =>
  ({ id: `c-${name}`, name, image: "web:1", state, startedMs: STARTED_MS + 1_000 }) as ContainerStatus;

const usage: ContainerUsage = {
  id: "c-app",
  atMs: NOW_MS - 1_000,
  cpuNanoSeconds: 2_500_000_000,
  memoryBytes: 3_000,
  workingSetBytes: 2_000,
  rssBytes: 1_000,
};

function pagesWith(more: Partial<NodePagesDeps> = {}) {
  const page = createNodePages({
    nodeName: "n1",
    pods: () => [],
    statusOf: () => undefined,
    runtime: () => [
      { sandboxes: [sandbox("web")], containers: [container("app"), container("done", "exited"), container("new")] },
      { sandboxes: [sandbox("old", false)], containers: [] },
    ],
    failure: () => undefined,
    usage: async () => [usage, { ...usage, id: "c-foreign" }],
    machine: () => ({ cpuSeconds: 12.5, memoryBytes: 10_000, availableBytes: 4_000, upSeconds: 600 }),
    clock: { now: () => NOW_MS },
    ...more,
  });
  return async (path: string, method = "GET") => await page({ method, path });
}

const usageFails = async (): Promise<ContainerUsage[]> => {
  throw new EngineError("unavailable", "no answer");
};

describe("the pages of a node", () => {
  it("tell what it and its pods use, of what is measured", async () => {
    const { type, text } = await pagesWith()("/stats/summary");
    expect(type).toBe("application/json");
    const figures = {
      cpu: { time: expect.any(String), usageCoreNanoSeconds: 2_500_000_000 },
      memory: { time: expect.any(String), usageBytes: 3_000, workingSetBytes: 2_000, rssBytes: 1_000 },
    };
    expect(JSON.parse(text)).toEqual({
      node: {
        nodeName: "n1",
        startTime: "2026-01-01T00:00:00Z",
        cpu: { time: "2026-01-01T00:10:00Z", usageCoreNanoSeconds: 12_500_000_000 },
        memory: { time: "2026-01-01T00:10:00Z", availableBytes: 4_000, workingSetBytes: 6_000 },
      },
      pods: [
        {
          podRef: { name: "web", namespace: "default", uid: "uid-web" },
          startTime: "2026-01-01T00:00:00Z",
          containers: [{ name: "app", startTime: "2026-01-01T00:00:01Z", ...figures }],
          ...figures,
        },
      ],
    });
  });

  it("tell the same to metrics-server", async () => {
    const { type, text } = await pagesWith()("/metrics/resource");
    expect(type).toBe("text/plain; version=0.0.4; charset=utf-8");
    const at = NOW_MS - 1_000;
    const labels = '{container="app",namespace="default",pod="web"}';
    expect(text.split("\n").filter((line) => !line.startsWith("#"))).toEqual([
      `container_cpu_usage_seconds_total${labels} 2.5 ${at}`,
      `container_memory_working_set_bytes${labels} 2000 ${at}`,
      `container_start_time_seconds${labels} ${(STARTED_MS + 1_000) / 1_000}`,
      `node_cpu_usage_seconds_total 12.5 ${NOW_MS}`,
      `node_memory_working_set_bytes 6000 ${NOW_MS}`,
      `pod_cpu_usage_seconds_total{namespace="default",pod="web"} 2.5 ${at}`,
      `pod_memory_working_set_bytes{namespace="default",pod="web"} 2000 ${at}`,
      "resource_scrape_error 0",
      "",
    ]);
    expect(text).toContain("# TYPE node_cpu_usage_seconds_total counter\n");
  });

  it("say that the engine could not be asked", async () => {
    const { status, text } = await pagesWith({ usage: usageFails })("/metrics/resource");
    expect([status, text.split("\n").filter((line) => !line.startsWith("#"))]).toEqual([
      200,
      ["resource_scrape_error 1", ""],
    ]);
  });

  it("tell which pods run, without what has ended", async () => {
    const { text } = await pagesWith()("/runningpods/");
    expect(JSON.parse(text)).toMatchObject({
      kind: "PodList",
      items: [
        {
          metadata: { name: "web", namespace: "default", uid: "uid-web" },
          spec: { containers: [{ name: "app", image: "web:1" }, { name: "new" }] },
        },
      ],
    });
  });

  it("are no others, and are only read", async () => {
    const ask = pagesWith();
    for (const path of ["/logs/", "/configz", "/metrics/cadvisor"]) expect((await ask(path)).status).toBe(404);
    expect((await ask("/stats/summary", "POST")).status).toBe(405);
  });
});
