import { afterEach, describe, expect, test } from "vitest";
import { createBench, fullState, makePod, type Bench } from "./pods/agent-bench.ts";

let bench: Bench;
afterEach(async () => bench.end());

describe("a pod on a node", () => {
  test("runs and is reported Running and Ready", async () => {
    bench = await createBench();
    bench.agent.apply(fullState({ pods: [makePod()] }));
    await bench.pass(0);
    expect(bench.engine.running()).toEqual(["app"]);
    const status = bench.status();
    expect(status).toMatchObject({
      phase: "Running",
      hostIP: "192.0.2.1",
      podIP: "10.244.0.1",
      podIPs: [{ ip: "10.244.0.1" }],
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
      containerID: "scripted://c2",
      state: { running: { startedAt: "2026-11-24T00:00:00Z" } },
      lastState: {},
    });
    expect(bench.events.map((e) => e.reason)).toEqual(["Pulling", "Pulled", "Created", "Started"]);
  });

  test("an unchanged status is not said again", async () => {
    bench = await createBench();
    bench.agent.apply(fullState({ pods: [makePod()] }));
    await bench.pass(0);
    await bench.accept();
    await bench.pass(60_000);
    expect(bench.agent.pendingStatuses()).toEqual([]);
  });
});
