import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LogError, type LogQuery } from "../pods/container-log.ts";
import type { Pod } from "../pods/pod.ts";
import { count, newTally } from "../probes/probe-tally.ts";
import type { ContainerStatus, ContainerUsage, Sandbox, NetworkUsage } from "../engines/engine.ts";
import { EngineError } from "../engines/engine.ts";
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
    networkUsage: async () => [],
    machine: () => ({ cpuSeconds: 12.5, memoryBytes: 10_000, availableBytes: 4_000, upSeconds: 600, cpuCount: 2 }),
    limits: () => undefined,
    tallies: () => [],
    configuration: () => ({ maxPods: 110 }),
    openLog: () => {
      throw new LogError(400, "there is no log");
    },
    logFolder: "/nowhere",
    clock: { now: () => NOW_MS },
    ...more,
  });
  return async (url: string, method = "GET") => {
    const [path = "", query] = url.split("?");
    const { body, ...head } = await page({ method, path, query: new URLSearchParams(query) });
    return { ...head, text: typeof body === "string" ? body : await textOf(body) };
  };
}

/** Those without a comment. */
const samples = (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

const POD = {
  metadata: { namespace: "default", name: "web", uid: "uid-web" },
  spec: {
    initContainers: [{ name: "first", image: "web:1" }],
    containers: [{ name: "app", image: "web:1", resources: { limits: { cpu: "500m", memory: "64Mi" } } }],
  },
} as Pod;

const network: NetworkUsage = {
  sandboxId: "s-web",
  atMs: NOW_MS - 2_000,
  interfaces: [{ name: "eth0", rxBytes: 10, rxErrors: 1, txBytes: 20, txErrors: 2 }],
};

const usageFails = async (): Promise<never> => {
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

  it("tell what is known of the disk, of processes and of the pod's network", async () => {
    const limits = { diskBytes: 100, diskFreeBytes: 30, pids: 7, pidsMax: 99 };
    const { text } = await pagesWith({ limits: () => limits, networkUsage: async () => [network] })("/stats/summary");
    const time = "2026-01-01T00:10:00Z";
    const face = { name: "eth0", rxBytes: 10, rxErrors: 1, txBytes: 20, txErrors: 2 };
    expect(JSON.parse(text)).toMatchObject({
      node: {
        fs: { time, availableBytes: 30, capacityBytes: 100, usedBytes: 70 },
        rlimit: { time, maxpid: 99, curproc: 7 },
      },
      pods: [
        {
          network: { time: "2026-01-01T00:09:58Z", ...face, interfaces: [face] },
        },
      ],
    });
  });

  it("tell the same to Prometheus under cAdvisor's names", async () => {
    const more = { ...usage, pageFaults: 5, majorPageFaults: 1, writableBytes: 4_096 };
    const ask = pagesWith({ pods: () => [POD], usage: async () => [more], networkUsage: async () => [network] });
    const { type, text } = await ask("/metrics/cadvisor");
    expect(type).toBe("text/plain; version=0.0.4; charset=utf-8");
    const [at, networkAt] = [NOW_MS - 1_000, NOW_MS - 2_000];
    const of = 'container="app",id="/c-app",image="web:1",name="c-app",namespace="default",pod="web"';
    const ofPod = 'container="",id="/s-web",image="",interface="eth0",name="s-web",namespace="default",pod="web"';
    expect(samples(text)).toEqual([
      `container_cpu_usage_seconds_total{${of},cpu="total"} 2.5 ${at}`,
      `container_memory_usage_bytes{${of}} 3000 ${at}`,
      `container_memory_working_set_bytes{${of}} 2000 ${at}`,
      `container_memory_rss{${of}} 1000 ${at}`,
      `container_fs_usage_bytes{${of}} 4096 ${at}`,
      `container_memory_failures_total{${of},failure_type="pgfault",scope="container"} 5 ${at}`,
      `container_memory_failures_total{${of},failure_type="pgmajfault",scope="container"} 1 ${at}`,
      `container_start_time_seconds{${of}} ${(STARTED_MS + 1_000) / 1_000}`,
      `container_last_seen{${of}} ${Math.floor(at / 1_000)} ${at}`,
      `container_spec_memory_limit_bytes{${of}} ${64 * 2 ** 20}`,
      `container_spec_cpu_period{${of}} 100000`,
      `container_spec_cpu_quota{${of}} 50000`,
      `container_network_receive_bytes_total{${ofPod}} 10 ${networkAt}`,
      `container_network_receive_errors_total{${ofPod}} 1 ${networkAt}`,
      `container_network_transmit_bytes_total{${ofPod}} 20 ${networkAt}`,
      `container_network_transmit_errors_total{${ofPod}} 2 ${networkAt}`,
      "container_scrape_error 0",
      "machine_cpu_cores 2",
      "machine_memory_bytes 10000",
    ]);
    expect(samples((await pagesWith({ usage: usageFails })("/metrics/cadvisor")).text)).toEqual([
      "container_scrape_error 1",
    ]);
  });

  it("leave out what an engine that knows only its containers does not tell", async () => {
    const { text } = await pagesWith({ networkUsage: usageFails })("/metrics/cadvisor");
    expect(text).toContain("container_scrape_error 0\n");
    expect(text).not.toContain("container_network");
  });

  it("tell what probes have said", async () => {
    const tally = newTally({ podUid: "uid-web", container: "app", kind: "readiness" });
    for (const seconds of [0.02, 3]) count(tally, { success: true, seconds });
    count(tally, { success: false, seconds: 1 });
    const never = newTally({ podUid: "uid-web", container: "app", kind: "liveness" });
    const gone = { ...tally, podUid: "uid-gone" };
    const { text } = await pagesWith({ pods: () => [POD], tallies: () => [tally, never, gone] })("/metrics/probes");
    const of = 'container="app",namespace="default",pod="web",probe_type="Readiness"';
    const name = "prober_probe_duration_seconds";
    expect(samples(text)).toEqual([
      `prober_probe_total{${of},pod_uid="uid-web",result="successful"} 2`,
      `prober_probe_total{${of},pod_uid="uid-web",result="failed"} 1`,
      ...[0.005, 0.01].map((le) => `${name}_bucket{${of},le="${le}"} 0`),
      ...[0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5].map((le) => `${name}_bucket{${of},le="${le}"} 1`),
      ...["5", "10", "+Inf"].map((le) => `${name}_bucket{${of},le="${le}"} 2`),
      `${name}_sum{${of}} 3.02`,
      `${name}_count{${of}} 2`,
    ]);
  });

  it("tell the configuration", async () => {
    expect(JSON.parse((await pagesWith()("/configz")).text)).toEqual({ kubeletconfig: { maxPods: 110 } });
  });

  it("give the log of a container", async () => {
    const asked: LogQuery[] = [];
    const openLog = (query: LogQuery) => {
      asked.push(query);
      if (query.previous) throw new LogError(400, "previous terminated container not found");
      return new Blob(["line\n"]).stream();
    };
    const ask = pagesWith({ pods: () => [POD], openLog });
    expect(await ask("/containerLogs/default/web/app?tailLines=1&timestamps=true")).toMatchObject({
      status: 200,
      text: "line\n",
    });
    expect(asked).toMatchObject([{ uid: "uid-web", container: "app", tailLines: 1, timestamps: true, follow: false }]);
    for (const [path, status, text] of [
      ["default/web/app?previous=true", 400, "previous terminated container not found"],
      ["default/none/app", 404, 'pod "none" does not exist'],
      ["other/web/app", 404, 'pod "web" does not exist'],
      ["default/web/none", 404, 'container "none" not found in pod "web"'],
      ["default/web", 404, "404 page not found\n"],
      ["default/web/app/more", 404, "404 page not found\n"],
      ["default/%/app", 404, "404 page not found\n"],
    ] as const)
      expect(await ask(`/containerLogs/${path}`), path).toMatchObject({ status, text });
  });

  it("are no others, and are only read", async () => {
    const ask = pagesWith();
    for (const path of ["/", "/logs", "/run/a/b/c", "/exec/a/b/c", "/constructor", "/toString/x", "/debug/pprof/"])
      expect((await ask(path)).status, path).toBe(404);
    for (const path of ["/stats/summary", "/logs/x", "/containerLogs/a/b/c", "/configz"])
      expect((await ask(path, "POST")).status, path).toBe(405);
  });
});

/** As Go's file server has it. */
function folderPage(links: string): string {
  return `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links}</pre>\n`;
}

describe("the machine's logs", () => {
  let root: string;
  let logFolder: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "gantry-logs-"));
    logFolder = join(root, "log");
    await mkdir(join(logFolder, "pods"), { recursive: true });
    await writeFile(join(logFolder, "syslog"), "started\n");
    await writeFile(join(logFolder, "empty"), "");
    await writeFile(join(logFolder, "pods", "a: <b>&%.log"), "odd");
    await writeFile(join(root, "secret"), "theirs");
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const ask = (path: string) => pagesWith({ logFolder })(`/logs/${path}`);

  it("are files and lists of folders", async () => {
    expect(await ask("")).toEqual({
      status: 200,
      type: "text/html; charset=utf-8",
      text: folderPage('<a href="empty">empty</a>\n<a href="pods/">pods/</a>\n<a href="syslog">syslog</a>\n'),
    });
    const odd = await ask("pods/");
    expect(odd.text).toBe(folderPage('<a href="./a:%20%3Cb%3E%26%25.log">a: &lt;b&gt;&amp;%.log</a>\n'));
    expect(await ask("syslog")).toEqual({ status: 200, type: "text/plain; charset=utf-8", text: "started\n" });
    expect((await ask("pods/a:%20%3Cb%3E%26%25.log")).text).toBe("odd");
    expect(await ask("empty")).toMatchObject({ status: 200, text: "" });
  });

  it("end where the folder ends, and no link is followed", async () => {
    await symlink(join(root, "secret"), join(logFolder, "link"));
    await symlink(root, join(logFolder, "folder"));
    await symlink("syslog", join(logFolder, "inside"));
    for (const path of ["none", "syslog/x", "../secret", "%2e%2e/secret", "..%2fsecret", "%", "a%00", "link", "inside"])
      expect((await ask(path)).status, path).toBe(404);
    for (const path of ["folder/", "folder/secret", "pods/../../secret"]) expect((await ask(path)).status).toBe(404);
  });
});
