/** Pods on a node and a node on its own: the whole agent over an engine in memory, on a clock that only the test moves. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createBench, fullState, makePod, type Bench } from "./pods/agent-bench.ts";
import type { Container, Pod } from "./pods/pod.ts";

let bench: Bench;
afterEach(async () => bench.end());

const app: Container = { name: "app", image: "app:1" };

/** Seconds since the test began at which something was done at the engine. */
function times(call: string): number[] {
  const beginMs = Date.parse("2026-11-24T00:00:00Z");
  return bench.calls.filter((c) => c.call === call).map((c) => Math.round((c.atMs - beginMs) / 1000));
}

async function run(pod: Pod, changes: Parameters<typeof fullState>[0] = {}): Promise<void> {
  bench.agent.apply(fullState({ pods: [pod], ...changes }));
  await bench.pass(0);
}

describe("a pod on a node", () => {
  test("runs and is reported Running and Ready", async () => {
    bench = await createBench();
    await run(makePod());
    expect(bench.running()).toEqual(["app"]);
    const status = bench.status();
    expect(status).toMatchObject({
      phase: "Running",
      hostIP: "192.0.2.1",
      podIP: "10.88.0.3",
      podIPs: [{ ip: "10.88.0.3" }],
      startTime: "2026-11-24T00:00:00Z",
      qosClass: "BestEffort",
      observedGeneration: 1,
    });
    expect(status.conditions?.map((c) => `${c.type}=${c.status}`)).toEqual([
      "PodReadyToStartContainers=True",
      "Initialized=True",
      "Ready=True",
      "ContainersReady=True",
      "PodScheduled=True",
    ]);
    expect(status.containerStatuses?.[0]).toMatchObject({
      name: "app",
      ready: true,
      started: true,
      restartCount: 0,
      image: "app:1",
      imageID: "sha256:app:1",
      containerID: "fake://container-2",
      state: { running: { startedAt: "2026-11-24T00:00:00Z" } },
      lastState: {},
    });
    expect(bench.events.map((e) => e.reason)).toEqual(["Pulling", "Pulled", "Created", "Started"]);
  });

  test("an unchanged status is not said again, nor after a restart of the agent", async () => {
    bench = await createBench();
    await run(makePod());
    const status = bench.status();
    await bench.accept();
    await bench.pass(60_000);
    expect(bench.agent.pendingStatuses()).toEqual([]);
    await bench.send({ pods: [{ ...makePod({}, { resourceVersion: "2" }), status: structuredClone(status) }] });
    await bench.restart();
    await bench.pass(10_000);
    expect(bench.agent.pendingStatuses()).toEqual([]);
  });

  test("waits for the node's pod CIDR", async () => {
    bench = await createBench();
    await run(makePod(), { node: { metadata: { name: "n1" }, spec: {} } });
    await bench.pass(3_000);
    expect(bench.running()).toEqual([]);
    expect(bench.events.at(-1)?.message).toContain("the node has no pod CIDR yet");
    await bench.send({ node: { metadata: { name: "n1" }, spec: { podCIDR: "10.244.0.0/24" } } });
    await bench.pass(0);
    expect(bench.running()).toEqual(["app"]);
  });

  test("pods beyond the bound wait their turn and all run in the end", async () => {
    bench = await createBench();
    const pods = Array.from({ length: 12 }, (_, i) => makePod({}, { name: `p${i}`, uid: `u${i}` }));
    bench.agent.apply(fullState({ pods }));
    await bench.pass(1_000);
    expect(bench.running()).toHaveLength(12);
  });
});

describe("autonomy", () => {
  test("a new agent takes over what runs, without touching it", async () => {
    bench = await createBench();
    await run(makePod());
    const calls = bench.calls.length;
    await bench.restart();
    await bench.pass(10_000);
    expect(bench.running()).toEqual(["app"]);
    expect(bench.calls.slice(calls)).toEqual([]);
  });

  test("with the control plane gone a crashed container restarts, also under a new agent", async () => {
    bench = await createBench({ podToken: () => Promise.reject(new Error("no control plane")) });
    await run(makePod());
    await bench.restart();
    bench.exit("app", 1);
    await bench.pass(3_000);
    expect(bench.running()).toEqual(["app"]);
    expect(bench.status().containerStatuses?.[0]?.restartCount).toBe(1);
  });

  test("after a reboot pods start again from disk, with their tokens", async () => {
    let reachable = true;
    bench = await createBench({
      podToken: async () => {
        if (!reachable) throw new Error("no control plane");
        return { token: "first", expiresMs: Date.parse("2026-11-24T01:00:00Z") };
      },
    });
    const volumes = [{ name: "api", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }];
    await run(makePod({ volumes, containers: [{ ...app, volumeMounts: [{ name: "api", mountPath: "/api" }] }] }));
    reachable = false;
    await bench.loseSandboxes();
    await bench.restart();
    await bench.pass(3_000);
    expect(bench.running()).toEqual(["app"]);
    const mount = bench.config("app", 1)?.mounts.find((m) => m.containerPath === "/api");
    expect(await readFile(join(mount?.hostPath ?? "", "token"), "utf8")).toBe("first");
  });

  test("what runs for no pod is removed", async () => {
    bench = await createBench();
    await run(makePod());
    await bench.agent.stop({ killPods: false });
    await rm(join(bench.directory, "node.json"));
    await bench.restart();
    await bench.pass(5_000);
    // Without any state it is not known yet what is wanted.
    expect(bench.running()).toEqual(["app"]);
    bench.agent.apply(fullState({ pods: [] }));
    await bench.pass(2_000);
    expect(await bench.engine.listSandboxes()).toEqual([]);
  });

  test("an engine that comes late or goes away is waited for, and the node says so", async () => {
    bench = await createBench();
    await run(makePod());
    bench.engine.setDown(true);
    await bench.pass(3_000);
    const conditions = async () =>
      (await bench.agent.nodeStatus())["conditions"] as { type: string; status: string; message: string }[];
    expect((await conditions()).find((c) => c.type === "Ready")).toMatchObject({
      status: "False",
      message: "container runtime is down: the engine is down",
    });
    await bench.restart();
    bench.engine.setDown(false);
    await bench.pass(5_000);
    expect((await conditions()).find((c) => c.type === "Ready")?.status).toBe("True");
    expect(bench.running()).toEqual(["app"]);
    expect(times("startContainer")).toHaveLength(1);
  });

  test("a node whose engine goes away while it idles has something to say", async () => {
    bench = await createBench();
    bench.agent.apply(fullState());
    await bench.agent.nodeStatus();
    let said = 0;
    bench.agent.onStatusChange(() => said++);
    await bench.pass(120_000);
    expect(said).toBe(0);
    bench.engine.setDown(true);
    await bench.pass(60_000);
    expect(said).toBe(1);
  });

  test("an idle node looks at its engine twice a minute, no more", async () => {
    bench = await createBench();
    bench.agent.apply(fullState());
    await bench.pass(5_000);
    const lists = () => bench.engine.calls.filter((c) => c.call === "listContainers").length;
    const before = lists();
    await bench.pass(600_000);
    expect(lists() - before).toBe(20);
  });

  test("killing all pods empties the node", async () => {
    bench = await createBench();
    await run(makePod());
    const stopped = bench.agent.stop({ killPods: true });
    await bench.pass(5_000);
    await stopped;
    expect([await bench.engine.listContainers(), await bench.engine.listSandboxes()]).toEqual([[], []]);
  });
});

describe("logs", () => {
  const query = { namespace: "default", pod: "web", uid: "", container: "" };
  const text = (changes: object = {}) => new Response(bench.agent.openLog({ ...query, ...changes })).text();

  test("are the running container's, or the one's before", async () => {
    bench = await createBench();
    await run(makePod());
    bench.engine.print(bench.engine.running()[0] ?? "", "first life");
    bench.exit("app", 1);
    await bench.pass(2_000);
    bench.engine.print(bench.engine.running()[0] ?? "", "second life");
    expect(await text()).toBe("second life\n");
    expect(await text({ previous: true })).toBe("first life\n");
    expect(bench.agent.findContainer(query)).toMatchObject({ attempt: 1, state: "running" });
  });

  test("that cannot be had are refused in kubelet's words", async () => {
    bench = await createBench();
    await run(makePod({ containers: [{ name: "app", image: "nope:1" }] }));
    const refusal = (changes: object) => {
      try {
        bench.agent.openLog({ ...query, ...changes });
        return undefined;
      } catch (error) {
        const { code, message } = error as { code: number; message: string };
        return [code, message];
      }
    };
    expect(refusal({})).toEqual([400, 'container "app" in pod "web" is waiting to start: ErrImagePull']);
    expect(refusal({ previous: true })).toEqual([400, 'previous terminated container "app" in pod "web" not found']);
    expect(refusal({ container: "other" })).toEqual([400, "container other is not valid for pod web"]);
    expect(refusal({ pod: "gone" })).toEqual([404, 'pod "gone" not found']);
  });
});
